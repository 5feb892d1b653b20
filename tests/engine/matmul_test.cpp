// Matrix products of every kind of operand, and both gradients, against three loops.
#include <limits>
#include <vector>

#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

// --- the reference: C[i][j] = Σ A[i][k] B[k][j], for each pair of matrices of the batches ---

struct Product {
  Snapshot c, to_a, to_b;
};

/// A vector counts as a row on the left and as a column on the right.
Shape as_matrix(const Shape& shape, bool left) {
  if (shape.size() != 1) return shape;
  return left ? Shape{1, shape[0]} : Shape{shape[0], 1};
}

/// Which matrix of an operand belongs to matrix `flat` of the result.
std::size_t matrix_of(std::size_t flat, const Shape& batch, const Shape& own) {
  std::size_t matrix = 0;
  std::size_t stride = 1;
  for (std::size_t from_right = 1; from_right <= batch.size(); ++from_right) {
    const std::size_t size = batch[batch.size() - from_right];
    const std::size_t index = flat % size;
    flat /= size;
    if (from_right > own.size()) continue;
    const std::size_t own_size = own[own.size() - from_right];
    matrix += (own_size == 1 ? 0 : index) * stride;
    stride *= own_size;
  }
  return matrix;
}

Shape result_shape(const Shape& a, const Shape& b) {
  const Shape ma = as_matrix(a, true);
  const Shape mb = as_matrix(b, false);
  Shape shape =
      broadcast_shapes("test", Shape(ma.begin(), ma.end() - 2), Shape(mb.begin(), mb.end() - 2));
  if (a.size() > 1) shape.push_back(a[a.size() - 2]);
  if (b.size() > 1) shape.push_back(b[b.size() - 1]);
  return shape;
}

/// The product of `a` and `b`, and the gradients of both from that of the product, `g`.
Product reference(const Snapshot& a, const Snapshot& b, const Snapshot& g) {
  const Shape ma = as_matrix(a.shape, true);
  const Shape mb = as_matrix(b.shape, false);
  const Shape batch_a(ma.begin(), ma.end() - 2);
  const Shape batch_b(mb.begin(), mb.end() - 2);
  const Shape batch = broadcast_shapes("test", batch_a, batch_b);
  const std::size_t rows = ma[ma.size() - 2];
  const std::size_t inner = ma.back();
  const std::size_t columns = mb.back();
  Product p{g, a, b};
  for (Snapshot* part : {&p.c, &p.to_a, &p.to_b}) part->values.assign(part->values.size(), 0.0);
  for (std::size_t n = 0; n < numel(batch); ++n) {
    const std::size_t at_a = matrix_of(n, batch, batch_a) * rows * inner;
    const std::size_t at_b = matrix_of(n, batch, batch_b) * inner * columns;
    const std::size_t at_c = n * rows * columns;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        for (std::size_t k = 0; k < inner; ++k) {
          const std::size_t c = at_c + i * columns + j;
          const std::size_t left = at_a + i * inner + k;
          const std::size_t right = at_b + k * columns + j;
          p.c.values[c] += a.values[left] * b.values[right];
          p.to_a.values[left] += g.values[c] * b.values[right];
          p.to_b.values[right] += g.values[c] * a.values[left];
        }
      }
    }
  }
  return p;
}

void expect_product(const Shape& shape_a, const Shape& shape_b) {
  const std::string what = to_string(shape_a) + " x " + to_string(shape_b);
  const Snapshot a = random_tensor(shape_a, 1).snapshot();
  const Snapshot b = random_tensor(shape_b, 2).snapshot();
  const Tensor64 x = Tensor64::from(a, requires_grad);
  const Tensor64 y = Tensor64::from(b, requires_grad);
  const Tensor64 z = matmul(x, y);
  ASSERT_EQ(z.shape(), result_shape(shape_a, shape_b)) << what;
  const Tensor64 g = random_tensor(z.shape(), 3);
  const Product expected = reference(a, b, g.snapshot());
  expect_near(z.snapshot(), expected.c, 1e-13, what);
  const auto gradients = grad<double>({z}, {x, y}, {g}, {.retain_graph = true});
  expect_near(gradients[0].snapshot(), expected.to_a, 1e-13, what + " gradient of a");
  expect_near(gradients[1].snapshot(), expected.to_b, 1e-13, what + " gradient of b");
  // One of the two at a time, and recorded: other paths to the same numbers.
  expect_near(grad<double>({z}, {x}, {g}, {.create_graph = true})[0].snapshot(), expected.to_a,
              1e-13, what);
  const auto constant = Tensor64::from(a);
  expect_near(grad<double>({matmul(constant, y)}, {y}, {g})[0].snapshot(), expected.to_b, 1e-13,
              what);
}

TEST(Matmul, TextbookExample) {
  const Tensor a({{1, 2}, {3, 4}}, requires_grad);
  const Tensor b({{5, 6}, {7, 8}}, requires_grad);
  const Tensor c = matmul(a, b);
  EXPECT_EQ(c.snapshot(), snap({2, 2}, {19, 22, 43, 50}));
  c.backward(Tensor::ones({2, 2}));
  EXPECT_EQ(a.grad().snapshot(), snap({2, 2}, {11, 15, 11, 15}));
  EXPECT_EQ(b.grad().snapshot(), snap({2, 2}, {4, 4, 6, 6}));
}

TEST(Matmul, MatricesOfAllSizesFromZeroToFour) {
  for (std::size_t m = 0; m <= 4; ++m) {
    for (std::size_t k = 0; k <= 4; ++k) {
      for (std::size_t n = 0; n <= 4; ++n) expect_product({m, k}, {k, n});
    }
  }
}

TEST(Matmul, VectorsOnEitherSide) {
  for (std::size_t k = 0; k <= 4; ++k) {
    expect_product({k}, {k});
    for (std::size_t n = 0; n <= 3; ++n) {
      expect_product({k}, {k, n});
      expect_product({n, k}, {k});
      expect_product({k}, {2, k, n});
      expect_product({2, n, k}, {k});
      expect_product({3, 2, n, k}, {k});
      expect_product({k}, {3, 2, k, n});
    }
  }
}

TEST(Matmul, EveryPairOfBatchesThatBroadcasts) {
  const std::vector<Shape> batches = {{},     {1},    {2},    {3},       {0},       {2, 1}, {1, 3},
                                      {2, 3}, {1, 1}, {0, 3}, {2, 1, 3}, {1, 2, 1}, {2, 0}};
  int pairs = 0;
  for (const Shape& batch_a : batches) {
    for (const Shape& batch_b : batches) {
      Shape a = batch_a;
      Shape b = batch_b;
      a.push_back(2);
      a.push_back(3);
      b.push_back(3);
      b.push_back(4);
      bool fits = true;
      try {
        broadcast_shapes("test", batch_a, batch_b);
      } catch (const ShapeError&) {
        fits = false;
      }
      if (fits) {
        ++pairs;
        expect_product(a, b);
      } else {
        message_of<ShapeError>([&] { matmul(Tensor::zeros(a), Tensor::zeros(b)); });
      }
    }
  }
  EXPECT_GT(pairs, 80);
}

Snapshot absolute(Snapshot x) {
  for (double& value : x.values) value = std::abs(value);
  return x;
}

TEST(Matmul, LargeMatricesInBothPrecisions) {
  expect_product({67, 129}, {129, 83});
  expect_product({3, 65, 33}, {33, 70});
  const Snapshot a = random_tensor({67, 129}, 1).snapshot();
  const Snapshot b = random_tensor({129, 83}, 2).snapshot();
  const Snapshot v = random_tensor({67, 83}, 3).snapshot();
  const Snapshot expected = reference(a, b, v).c;
  // The bound on a sum of n products in any order: n u times the sum of their magnitudes, with
  // u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, section 3.5), plus the
  // rounding of the operands to float32, which is one u for each.
  const Snapshot magnitude = reference(absolute(a), absolute(b), v).c;
  const Snapshot actual = matmul(Tensor::from(a), Tensor::from(b)).snapshot();
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    EXPECT_NEAR(actual.values[i], expected.values[i],
                (129 + 2) * std::ldexp(1.0, -24) * magnitude.values[i]);
  }
}

TEST(Matmul, AMatrixWithItselfGetsBothGradients) {
  const auto a = random_tensor({3, 3}, 4).snapshot();
  const auto v = random_tensor({4}, 5).snapshot();
  using Ts = const std::vector<Tensor64>&;
  expect_two_derivatives([](Ts x) { return matmul(x[0], x[0]).tanh(); }, {a}, "a a");
  expect_two_derivatives([](Ts x) { return matmul(x[0], x[0].t()).tanh(); }, {a}, "a aᵀ");
  expect_two_derivatives([](Ts x) { return matmul(x[0], x[0]).tanh(); }, {v}, "v v");
}

// What the memory held before must not shine through: 0 * NaN is NaN.
TEST(Matmul, DoesNotReadTheMemoryItFills) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Shape sizes[][2] = {{{5, 7}, {7, 6}}, {{1, 7}, {7, 6}}, {{5, 7}, {7, 1}},
                            {{1, 7}, {7, 1}}, {{7}, {7, 6}},    {{5, 0}, {0, 6}}};
  for (const auto& [a, b] : sizes) {
    const Shape shape = result_shape(a, b);
    { const std::vector<Tensor> dirty(4, Tensor::full(shape, nan)); }
    { const Tensor dirty = Tensor::full(shape, nan); }
    const Snapshot c = matmul(Tensor::ones(a), Tensor::ones(b)).snapshot();
    const double inner = static_cast<double>(a.back());
    EXPECT_EQ(c, snap(shape, std::vector<double>(numel(shape), inner)));
  }
}

TEST(Matmul, AttentionScores) {
  const Tensor q({{1, 0, 1}, {0, 2, 0}}, requires_grad);
  const Tensor k({{1, 2, 3}, {4, 5, 6}}, requires_grad);
  const Tensor scores = matmul(q, k.t());
  EXPECT_EQ(scores.snapshot(), snap({2, 2}, {4, 10, 4, 10}));
  scores.sum().backward();
  EXPECT_EQ(q.grad().snapshot(), snap({2, 3}, {5, 7, 9, 5, 7, 9}));
  EXPECT_EQ(k.grad().snapshot(), snap({2, 3}, {1, 2, 1, 1, 2, 1}));
}

TEST(Matmul, RefusesShapesThatDoNotFit) {
  const auto refused = [](const Shape& a, const Shape& b) {
    const auto message =
        message_of<ShapeError>([&] { matmul(Tensor::zeros(a), Tensor::zeros(b)); });
    expect_mentions(message, {"matmul", to_string(a).c_str(), to_string(b).c_str()});
    return message;
  };
  expect_mentions(refused({2, 3}, {2, 3}), {"transpose"});
  expect_mentions(refused({}, {2, 3}), {"scalar", "*"});
  refused({2, 3}, {});
  refused({3}, {2});
  refused({2, 3}, {2});
  refused({2}, {3, 2});
  refused({1}, {3});
  refused({2, 1}, {3, 2});
  refused({2, 0}, {1, 2});
  refused({4, 2, 3}, {4, 2, 3});
}

// The shapes in the message are those that the caller wrote, not the batch part of them.
TEST(Matmul, RefusedBatchesAreNamedWithTheirMatrices) {
  const auto a = Tensor::zeros({2, 4, 3});
  const auto b = Tensor::zeros({5, 3, 4});
  expect_mentions(message_of<ShapeError>([&] { matmul(a, b); }),
                  {"matmul", "(2, 4, 3)", "(5, 3, 4)"});
}

}  // namespace
}  // namespace gradbook
