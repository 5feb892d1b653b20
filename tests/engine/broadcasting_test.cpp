// Broadcasting over every pair of shapes up to rank 3 with sizes 0 to 3, against index arithmetic
// that is slow and obvious.
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

std::vector<Shape> all_shapes() {
  std::vector<Shape> shapes = {{}};
  for (std::size_t first = 0; shapes[first].size() < 3; ++first) {
    for (std::size_t size = 0; size <= 3; ++size) {
      Shape longer = shapes[first];
      longer.push_back(size);
      shapes.push_back(longer);
    }
  }
  return shapes;
}

// --- the reference: everything by the position of one element ---

/// The rule in words: aligned at the right, sizes equal or one of them 1. Nothing if it is broken.
std::optional<Shape> reference_shape(const Shape& a, const Shape& b) {
  const std::size_t rank = std::max(a.size(), b.size());
  Shape result(rank, 1);
  for (std::size_t from_right = 1; from_right <= rank; ++from_right) {
    const std::size_t in_a = from_right <= a.size() ? a[a.size() - from_right] : 1;
    const std::size_t in_b = from_right <= b.size() ? b[b.size() - from_right] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) return std::nullopt;
    result[rank - from_right] = in_a == 1 ? in_b : in_a;
  }
  return result;
}

/// Which element of a tensor of shape `from` stands at element `flat` of a result of shape `to`.
std::size_t source_of(std::size_t flat, const Shape& to, const Shape& from) {
  std::size_t source = 0;
  std::size_t stride = 1;
  for (std::size_t from_right = 1; from_right <= to.size(); ++from_right) {
    const std::size_t size = to[to.size() - from_right];
    const std::size_t index = flat % size;
    flat /= size;
    if (from_right > from.size()) continue;
    const std::size_t own_size = from[from.size() - from_right];
    source += (own_size == 1 ? 0 : index) * stride;
    stride *= own_size;
  }
  return source;
}

struct Operation {
  const char* name;
  std::function<Tensor64(const Tensor64&, const Tensor64&)> engine;
  std::function<double(double, double)> forward;
  std::function<double(double g, double a, double b)> to_a;
  std::function<double(double g, double a, double b)> to_b;
};

void PrintTo(const Operation& op, std::ostream* out) { *out << op.name; }

std::vector<Operation> operations() {
  const auto pass = [](double g, double, double) { return g; };
  return {
      {"add", [](const auto& a, const auto& b) { return a + b; },
       [](double a, double b) { return a + b; }, pass, pass},
      {"sub", [](const auto& a, const auto& b) { return a - b; },
       [](double a, double b) { return a - b; }, pass, [](double g, double, double) { return -g; }},
      {"mul", [](const auto& a, const auto& b) { return a * b; },
       [](double a, double b) { return a * b; }, [](double g, double, double b) { return g * b; },
       [](double g, double a, double) { return g * a; }},
      {"div", [](const auto& a, const auto& b) { return a / b; },
       [](double a, double b) { return a / b; }, [](double g, double, double b) { return g / b; },
       [](double g, double a, double b) { return -g * a / b / b; }},
  };
}

/// Values that are never 0, since one of them divides.
Snapshot values_of(const Shape& shape, double first) {
  Snapshot result(shape, {});
  for (std::size_t i = 0; i < numel(shape); ++i) {
    result.values.push_back(first + 0.37 * static_cast<double>(i));
  }
  return result;
}

struct Expected {
  Snapshot result, to_a, to_b;
};

Expected reference(const Operation& op, const Shape& shape, const Snapshot& a, const Snapshot& b,
                   const Snapshot& g) {
  Expected expected{g, a, b};
  expected.to_a.values.assign(a.values.size(), 0.0);
  expected.to_b.values.assign(b.values.size(), 0.0);
  for (std::size_t i = 0; i < numel(shape); ++i) {
    const std::size_t in_a = source_of(i, shape, a.shape);
    const std::size_t in_b = source_of(i, shape, b.shape);
    const double x = a.values[in_a];
    const double y = b.values[in_b];
    expected.result.values[i] = op.forward(x, y);
    expected.to_a.values[in_a] += op.to_a(g.values[i], x, y);
    expected.to_b.values[in_b] += op.to_b(g.values[i], x, y);
  }
  return expected;
}

class Broadcasting : public ::testing::TestWithParam<Operation> {};

TEST_P(Broadcasting, EveryPairOfShapesHasTheReferenceResultAndGradients) {
  const Operation& op = GetParam();
  int broadcast = 0;
  int refused = 0;
  for (const Shape& shape_a : all_shapes()) {
    for (const Shape& shape_b : all_shapes()) {
      const Snapshot a = values_of(shape_a, 0.8);
      const Snapshot b = values_of(shape_b, -9.7);
      const Tensor64 x = Tensor64::from(a, requires_grad);
      const Tensor64 y = Tensor64::from(b, requires_grad);
      const std::string what = op.name + to_string(shape_a) + to_string(shape_b);
      const std::optional<Shape> shape = reference_shape(shape_a, shape_b);
      if (!shape) {
        ++refused;
        const auto message = message_of<ShapeError>([&] { op.engine(x, y); });
        expect_mentions(message, {op.name, to_string(shape_a).c_str(), to_string(shape_b).c_str()});
        continue;
      }
      ++broadcast;
      const Tensor64 z = op.engine(x, y);
      ASSERT_EQ(z.shape(), *shape) << what;
      const Tensor64 g = random_tensor(*shape, 5);
      const auto gradients = grad<double>({z}, {x, y}, {g});
      const Expected expected = reference(op, *shape, a, b, g.snapshot());
      expect_near(z.snapshot(), expected.result, 0, what);
      expect_near(gradients[0].snapshot(), expected.to_a, 1e-14, what + " gradient of a");
      expect_near(gradients[1].snapshot(), expected.to_b, 1e-14, what + " gradient of b");
      if (HasFailure()) return;  // one shape says enough
    }
  }
  EXPECT_EQ(broadcast + refused, 85 * 85);
  EXPECT_GT(broadcast, 1000);
  EXPECT_GT(refused, 1000);
}

INSTANTIATE_TEST_SUITE_P(AllShapes, Broadcasting, ::testing::ValuesIn(operations()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(BroadcastingInPlace, EveryOperandThatFitsGivesTheReferenceResult) {
  for (const Shape& shape : all_shapes()) {
    for (const Shape& other : all_shapes()) {
      const std::optional<Shape> both = reference_shape(shape, other);
      const Snapshot a = values_of(shape, 0.8);
      const Snapshot b = values_of(other, -9.7);
      Tensor64 x = Tensor64::from(a);
      const std::string what = to_string(shape) + to_string(other);
      if (!both) {
        message_of<ShapeError>([&] { x.mul_(Tensor64::from(b)); });
      } else if (*both != shape) {
        message_of<InPlaceError>([&] { x.mul_(Tensor64::from(b)); });
      } else {
        const Tensor64 w = Tensor64::from(b, requires_grad);
        x.mul_(w);
        const Tensor64 g = random_tensor(shape, 5);
        const Expected expected = reference(operations()[2], shape, a, b, g.snapshot());
        expect_near(x.snapshot(), expected.result, 0, what);
        expect_near(grad<double>({x}, {w}, {g})[0].snapshot(), expected.to_b, 1e-14, what);
      }
      if (HasFailure()) return;
    }
  }
}

// It summed, and the sum of one -0 is 0.
TEST(BroadcastingExpand, SumToTheShapeThatIsThereIsACopy) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{2, 3}}) {
    const Tensor x = Tensor::full(shape, -0.0);
    Tensor y = x.sum_to(shape);
    for (const double value : y.snapshot().values) {
      EXPECT_TRUE(value == 0 && std::signbit(value)) << to_string(shape);
    }
    y.add_(1);
    EXPECT_EQ(x.snapshot(), Tensor::zeros(shape).snapshot()) << to_string(shape);
  }
}

TEST(BroadcastingExpand, AndSumToAreEachOthersTransposeOnEveryPair) {
  for (const Shape& small : all_shapes()) {
    for (const Shape& large : all_shapes()) {
      const Tensor64 x = Tensor64::from(values_of(small, 0.8), requires_grad);
      const Tensor64 y = Tensor64::from(values_of(large, -9.7), requires_grad);
      const std::optional<Shape> both = reference_shape(small, large);
      const std::string what = to_string(small) + to_string(large);
      if (!both || *both != large) {
        expect_mentions(message_of<ShapeError>([&] { x.expand(large); }),
                        {"expand", to_string(small).c_str(), to_string(large).c_str()});
        expect_mentions(message_of<ShapeError>([&] { y.sum_to(small); }),
                        {"sum_to", to_string(small).c_str(), to_string(large).c_str()});
        continue;
      }
      Snapshot expanded = y.snapshot();
      Snapshot summed(small, std::vector<double>(numel(small), 0.0));
      for (std::size_t i = 0; i < numel(large); ++i) {
        const std::size_t source = source_of(i, large, small);
        expanded.values[i] = x.snapshot().values[source];
        summed.values[source] += y.snapshot().values[i];
      }
      expect_near(x.expand(large).snapshot(), expanded, 0, what);
      expect_near(y.sum_to(small).snapshot(), summed, 1e-14, what);
      // The gradient of one is the other.
      expect_near(grad<double>({x.expand(large)}, {x}, {y.detach()})[0].snapshot(), summed, 1e-14,
                  what);
      expect_near(grad<double>({y.sum_to(small)}, {y}, {x.detach()})[0].snapshot(), expanded, 0,
                  what);
      if (HasFailure()) return;
    }
  }
}

TEST(Broadcasting, OnesOfThreeRowsComeBackAsThrees) {
  const Tensor bias({1, 2, 3, 4}, requires_grad);
  (Tensor::zeros({3, 4}) + bias).backward(Tensor::ones({3, 4}));
  EXPECT_EQ(bias.grad().snapshot(), snap({4}, {3, 3, 3, 3}));
}

// More dimensions than a shape holds without an allocation, stepping in every way at once.
TEST(Broadcasting, WorksInSixDimensions) {
  const Shape shape_a{2, 1, 3, 1, 2, 1};
  const Shape shape_b{4, 1, 2, 1, 5};
  const Shape shape{2, 4, 3, 2, 2, 5};
  const Operation mul = operations()[2];
  const Snapshot a = values_of(shape_a, 0.8);
  const Snapshot b = values_of(shape_b, -9.7);
  const Tensor64 x = Tensor64::from(a, requires_grad);
  const Tensor64 y = Tensor64::from(b, requires_grad);
  const Tensor64 z = x * y;
  ASSERT_EQ(z.shape(), shape);
  const Tensor64 g = random_tensor(shape, 5);
  const auto gradients = grad<double>({z}, {x, y}, {g});
  const Expected expected = reference(mul, shape, a, b, g.snapshot());
  expect_near(z.snapshot(), expected.result, 0);
  expect_near(gradients[0].snapshot(), expected.to_a, 1e-13);
  expect_near(gradients[1].snapshot(), expected.to_b, 1e-13);
}

}  // namespace
}  // namespace gradbook
