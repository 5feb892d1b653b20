// The rows of the table read on tensors: values, gradients, and the recorded backward pass.
#include <cmath>
#include <limits>

#include "engine/tensor.hpp"
#include "engine/value.hpp"
#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
const float nan = std::nanf("");

struct Case {
  const char* name;
  TensorFunction f;
  std::function<double(double, double)> truth;  ///< on one element of each input
  bool two_inputs = false;
};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// All elementwise operations. Inputs are positive and away from 0, so every one is smooth there.
std::vector<Case> cases() {
  using Ts = const std::vector<Tensor64>&;
  return {
      {"a + b", [](Ts x) { return x[0] + x[1]; }, [](double a, double b) { return a + b; }, true},
      {"a - b", [](Ts x) { return x[0] - x[1]; }, [](double a, double b) { return a - b; }, true},
      {"a * b", [](Ts x) { return x[0] * x[1]; }, [](double a, double b) { return a * b; }, true},
      {"a / b", [](Ts x) { return x[0] / x[1]; }, [](double a, double b) { return a / b; }, true},
      {"a + 3", [](Ts x) { return x[0] + 3; }, [](double a, double) { return a + 3; }},
      {"3 + a", [](Ts x) { return 3 + x[0]; }, [](double a, double) { return a + 3; }},
      {"a - 3", [](Ts x) { return x[0] - 3; }, [](double a, double) { return a - 3; }},
      {"3 - a", [](Ts x) { return 3 - x[0]; }, [](double a, double) { return 3 - a; }},
      {"a * 3", [](Ts x) { return x[0] * 3; }, [](double a, double) { return a * 3; }},
      {"3 * a", [](Ts x) { return 3 * x[0]; }, [](double a, double) { return a * 3; }},
      {"a / 3", [](Ts x) { return x[0] / 3; }, [](double a, double) { return a / 3; }},
      {"3 / a", [](Ts x) { return 3 / x[0]; }, [](double a, double) { return 3 / a; }},
      {"-a", [](Ts x) { return -x[0]; }, [](double a, double) { return -a; }},
      {"reciprocal", [](Ts x) { return x[0].reciprocal(); },
       [](double a, double) { return 1 / a; }},
      {"pow 3", [](Ts x) { return x[0].pow(3); }, [](double a, double) { return a * a * a; }},
      {"pow 0", [](Ts x) { return x[0].pow(0); }, [](double, double) { return 1.0; }},
      {"pow -0.5", [](Ts x) { return pow(x[0], -0.5); },
       [](double a, double) { return 1 / std::sqrt(a); }},
      {"exp", [](Ts x) { return exp(x[0]); }, [](double a, double) { return std::exp(a); }},
      {"log", [](Ts x) { return log(x[0]); }, [](double a, double) { return std::log(a); }},
      {"sqrt", [](Ts x) { return sqrt(x[0]); }, [](double a, double) { return std::sqrt(a); }},
      {"tanh", [](Ts x) { return tanh(x[0]); }, [](double a, double) { return std::tanh(a); }},
      {"sigmoid", [](Ts x) { return sigmoid(x[0]); }, [](double a, double) { return logistic(a); }},
      {"relu", [](Ts x) { return relu(x[0] - 1.5); },
       [](double a, double) { return std::max(a - 1.5, 0.0); }},
      {"gate", [](Ts x) { return gate(x[0], x[1] - 1.5); },
       [](double a, double b) { return b > 1.5 ? a : 0; }, true},
  };
}

/// `count` values spread over [0.6, 2.6], none within 0.01 of 1.5, where relu and gate have a kink.
Snapshot smooth_values(std::size_t count, double shift) {
  Snapshot result(Shape{count}, {});
  for (std::size_t i = 0; i < count; ++i) {
    double value = 0.6 + 2 * std::fmod(0.618034 * static_cast<double>(i) + shift, 1.0);
    if (std::abs(value - 1.5) < 0.01) value += 0.02;
    result.values.push_back(value);
  }
  return result;
}

// 67 elements: whole vector registers and a rest, at any register width.
TEST(Elementwise, ComputesItsFormulaOnEveryElement) {
  for (const Case& c : cases()) {
    for (const std::size_t count : {1U, 3U, 8U, 67U}) {
      const Snapshot a = smooth_values(count, 0.1);
      const Snapshot b = smooth_values(count, 0.45);
      Snapshot expected = a;
      for (std::size_t i = 0; i < count; ++i)
        expected.values[i] = c.truth(a.values[i], b.values[i]);
      expect_near(c.f({Tensor64::from(a), Tensor64::from(b)}).snapshot(), expected, 1e-14, c.name);
    }
  }
}

TEST(Elementwise, HasTheGradientOfItsDifferences) {
  for (const Case& c : cases()) {
    std::vector<Snapshot> inputs = {smooth_values(6, 0.1)};
    if (c.two_inputs) inputs.push_back(smooth_values(6, 0.45));
    expect_gradients(c.f, inputs, c.name);
  }
}

// The third reading of a row: on tensors with their history.
TEST(Elementwise, ARecordedBackwardGivesTheSameGradients) {
  for (const Case& c : cases()) {
    std::vector<Tensor64> inputs = {Tensor64::from(smooth_values(19, 0.1), requires_grad)};
    if (c.two_inputs) inputs.push_back(Tensor64::from(smooth_values(19, 0.45), requires_grad));
    const Tensor64 y = c.f(inputs);
    const Tensor64 g = random_tensor(y.shape(), 3);
    const auto plain = grad<double>({y}, inputs, {g}, {.retain_graph = true});
    const auto recorded = grad<double>({y}, inputs, {g}, {.create_graph = true});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      expect_near(recorded[i].snapshot(), plain[i].snapshot(), 1e-15, c.name);
    }
  }
}

// Whose gradients depend on the inputs at all: the linear ones have no second derivative.
TEST(Elementwise, HasTheSecondDerivativeOfItsDifferences) {
  for (const Case& c : cases()) {
    // Squared first, so that every row's vjp is differentiated with respect to g as well.
    const TensorFunction squared = [&](const std::vector<Tensor64>& x) {
      return c.f(x) * c.f(x) + (c.two_inputs ? x[0] * x[0] * x[1] * x[1] : x[0] * x[0]);
    };
    std::vector<Snapshot> inputs = {smooth_values(4, 0.1)};
    if (c.two_inputs) inputs.push_back(smooth_values(4, 0.45));
    expect_two_derivatives(squared, inputs, c.name);
  }
}

TEST(Elementwise, FloatAndDoubleAreTheSameCode) {
  const Tensor x({1, 2, 3}, requires_grad);
  const Tensor y = ((x * 2 + 1).tanh() / x).sum();
  y.backward();
  const Tensor64 x64({1, 2, 3}, requires_grad);
  const Tensor64 y64 = ((x64 * 2 + 1).tanh() / x64).sum();
  y64.backward();
  expect_near(y.snapshot(), y64.snapshot(), 1e-6);
  expect_near(x.grad().snapshot(), x64.grad().snapshot(), 1e-6);
}

TEST(Elementwise, EdgesInFloat32AreThoseOfTheMathLibrary) {
  const auto of = [](float x) { return Tensor::full({9}, static_cast<double>(x)); };
  const auto last = [](const Tensor& x) { return static_cast<float>(x.snapshot().values.back()); };
  EXPECT_EQ(last(of(88.7F).exp()), std::exp(88.7F));
  EXPECT_TRUE(std::isfinite(last(of(88.7F).exp())));
  EXPECT_EQ(last(of(-90.0F).exp()), std::exp(-90.0F));
  EXPECT_GT(last(of(-90.0F).exp()), 0.0F) << "a subnormal result is not flushed";
  EXPECT_EQ(last(of(89.0F).exp()), inf);
  const float cube = last(of(-0.0F).pow(3));
  EXPECT_TRUE(cube == 0 && std::signbit(cube)) << "pow(-0, 3) is -0";
  EXPECT_EQ(last(of(0.0F).log()), -inf);
  EXPECT_TRUE(std::isnan(last(of(-1.0F).log())));
  EXPECT_TRUE(std::isnan(last(of(-1.0F).sqrt())));
  EXPECT_EQ(last(of(-inf).sigmoid()), 0.0F);
  EXPECT_EQ(last(of(inf).sigmoid()), 1.0F);
  EXPECT_EQ(last(of(-inf).tanh()), -1.0F);
  EXPECT_TRUE(std::isnan(last(of(nan).relu())));
  EXPECT_EQ(last(of(-inf).relu()), 0.0F);
}

// It was +0, so that 1 / relu(-0) was +inf here and -inf in LibTorch.
TEST(Elementwise, ReluOfMinusZeroIsMinusZero) {
  for (const double one_over : Tensor::full({9}, -0.0).relu().reciprocal().snapshot().values) {
    EXPECT_EQ(one_over, -inf);
  }
  EXPECT_EQ(1 / Value(-0.0).relu().data(), -inf);
}

TEST(Elementwise, PowersOfOneHalfAreRootsAtTheEdgesToo) {
  const Tensor x({-inf, -0.0F, 4.0F});
  const Tensor root = x.pow(0.5);
  EXPECT_TRUE(std::isnan(root.array().data()[0])) << "C's pow(-inf, 0.5) is inf";
  EXPECT_EQ(root.array().data()[1], 0);
  EXPECT_EQ(root.array().data()[2], 2);
  const Tensor reciprocal_root = x.pow(-0.5);
  EXPECT_TRUE(std::isnan(reciprocal_root.array().data()[0]));
  EXPECT_EQ(reciprocal_root.array().data()[1], -inf) << "C's pow(-0, -0.5) is inf";
  EXPECT_EQ(reciprocal_root.array().data()[2], 0.5);
}

TEST(Elementwise, ReluIsFlatAtZeroAndStopsInfiniteGradients) {
  const Tensor x({-1, 0, 2}, requires_grad);
  const auto g = Tensor::full({3}, static_cast<double>(inf));
  x.relu().backward(g);
  EXPECT_EQ(x.grad().snapshot(), snap({3}, {0, 0, static_cast<double>(inf)}));
}

TEST(Elementwise, PowOfExponentZeroHasGradientZero) {
  const Tensor x({-1, 0, 2}, requires_grad);
  x.pow(0).backward(Tensor::full({3}, static_cast<double>(inf)));
  EXPECT_EQ(x.grad().snapshot(), snap({3}, {0, 0, 0}));
}

TEST(Elementwise, LogTakesHugeCotangents) {
  const Tensor x({1e30, 1e-38}, requires_grad);
  const Tensor g({1e30, 1e-38}, without_grad);
  x.log().backward(g);
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {1, 1}));
}

TEST(Elementwise, AScalarOperandIsRoundedToTheTensorsPrecision) {
  const Tensor x(1.0);
  EXPECT_EQ((x * 0.1).item(), 0.1F);
  EXPECT_EQ((x + 1e-9).item(), 1.0F);
  EXPECT_EQ((Tensor64(1.0) * 0.1).item(), 0.1);
}

TEST(Elementwise, ATensorWithItselfGetsBothGradients) {
  Tensor x({2, 3}, requires_grad);
  (x * x).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {4, 6}));
  x.zero_grad();
  (x / x).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {0, 0}));
  x.zero_grad();
  (x - x).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {0, 0}));
}

TEST(Elementwise, EmptyTensorsPassThroughEveryOperation) {
  for (const Case& c : cases()) {
    const auto a = Tensor64::zeros({2, 0}, requires_grad);
    const Tensor64 y = c.f({a, a});
    EXPECT_EQ(y.shape(), (Shape{2, 0})) << c.name;
    y.sum().backward();
    EXPECT_EQ(a.grad().shape(), (Shape{2, 0})) << c.name;
  }
}

}  // namespace
}  // namespace gradbook
