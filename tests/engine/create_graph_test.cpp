// Gradients of gradients: a backward pass that is itself recorded.
#include <cmath>
#include <vector>

#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

const GradOptions recorded{.create_graph = true};

TEST(CreateGraph, SecondAndThirdDerivativesOfACube) {
  const Tensor x(2.0, requires_grad);
  const Tensor y = x.pow(3);
  const Tensor first = grad(y, x, recorded);
  const Tensor second = grad(first, x, recorded);
  const Tensor third = grad(second, x, recorded);
  EXPECT_EQ(first.item(), 12.0F);
  EXPECT_EQ(second.item(), 12.0F);
  EXPECT_EQ(third.item(), 6.0F);
  EXPECT_EQ(grad(third, x).item(), 0.0F);
}

TEST(CreateGraph, AllDerivativesOfTheExponentialAreItself) {
  const Tensor64 x(1.0, requires_grad);
  Tensor64 y = x.exp();
  for (int order = 1; order <= 5; ++order) {
    y = grad(y, x, {.create_graph = true});
    EXPECT_DOUBLE_EQ(y.item(), std::exp(1.0)) << order;
  }
}

TEST(CreateGraph, OnlyARecordedGradientRequiresGrad) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = (x * x * x).sum();
  EXPECT_TRUE(grad(y, x, recorded).requires_grad());
  EXPECT_FALSE(grad(y, x).requires_grad());
}

TEST(CreateGraph, ImpliesRetainGraph) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = (x * x).sum();
  grad(y, x, recorded);
  EXPECT_EQ(grad(y, x).snapshot(), snap({2}, {2, 4}));
}

TEST(CreateGraph, BackwardRecordsIntoGrad) {
  Tensor x(2.0, requires_grad);
  x.pow(3).backward({.create_graph = true});
  const Tensor first = x.grad();
  EXPECT_TRUE(first.requires_grad());
  x.zero_grad();  // also breaks the circle: x holds its gradient, whose graph leads to x
  first.backward();
  EXPECT_EQ(x.grad().item(), 12.0F);
}

TEST(CreateGraph, BackwardAddsARecordedGradientToWhatIsThere) {
  Tensor x(2.0, requires_grad);
  (x * 5).backward();
  x.pow(3).backward({.create_graph = true});
  const Tensor total = x.grad();
  EXPECT_EQ(total.item(), 17.0F);
  EXPECT_EQ(grad(total, x).item(), 12.0F);
  x.zero_grad();
}

TEST(CreateGraph, IsRecordedUnderNoGradGuardToo) {
  const Tensor x(2.0, requires_grad);
  const Tensor y = x.pow(3);
  const NoGradGuard no_grad;
  const Tensor first = grad(y, x, recorded);
  EXPECT_EQ(grad(first, x).item(), 12.0F);
  EXPECT_FALSE(GradMode::enabled());
}

TEST(CreateGraph, GradientsWithRespectToTheGradientGiven) {
  // A vector-Jacobian product is linear in its vector: its derivative is the Jacobian itself.
  const Tensor x({1, 2}, requires_grad);
  const Tensor v({1, 1}, requires_grad);
  const Tensor vjp = grad<float>({x * x}, {x}, {v}, recorded)[0];
  EXPECT_EQ(grad(vjp.sum(), v).snapshot(), snap({2}, {2, 4}));
}

TEST(CreateGraph, MixedSecondDerivativesAgree) {
  const Tensor64 x(0.7, requires_grad);
  const Tensor64 y(-0.4, requires_grad);
  const Tensor64 z = (x * y).tanh() * x;
  const auto first = grad<double>({z}, {x, y}, {}, {.create_graph = true});
  const double xy = grad(first[0], y, {.retain_graph = true}).item();
  const double yx = grad(first[1], x).item();
  EXPECT_NEAR(xy, yx, 1e-15);
}

/// A 3-4-2 network with its mean squared error: inputs are W1, b1, W2, b2.
TensorFunction network(Tensor64 (BasicTensor<double>::*activation)() const) {
  return [activation](const std::vector<Tensor64>& p) {
    const Tensor64 data = random_tensor({5, 3}, 21);
    const Tensor64 target = random_tensor({5, 2}, 22);
    const Tensor64 hidden = ((matmul(data, p[0]) + p[1]).*activation)();
    const Tensor64 out = ((matmul(hidden, p[2]) + p[3]).*activation)();
    return (out - target).pow(2).mean();
  };
}

std::vector<Snapshot> parameters() {
  return {random_tensor({3, 4}, 31).snapshot(), random_tensor({4}, 32).snapshot(),
          random_tensor({4, 2}, 33).snapshot(), random_tensor({2}, 34).snapshot()};
}

TEST(Hessian, OfATanhNetworkMatchesDifferencesOfGradients) {
  expect_two_derivatives(network(&Tensor64::tanh), parameters(), "tanh");
}

TEST(Hessian, OfASigmoidNetworkMatchesDifferencesOfGradients) {
  expect_two_derivatives(network(&Tensor64::sigmoid), parameters(), "sigmoid");
}

// Every element of H, column by column from Hessian-vector products with unit vectors.
TEST(Hessian, IsTheSameByRowsAndByColumns) {
  const auto f = network(&Tensor64::tanh);
  std::vector<Tensor64> p;
  for (const Snapshot& parameter : parameters()) {
    p.push_back(Tensor64::from(parameter, requires_grad));
  }
  const Tensor64 gradient = grad<double>({f(p)}, {p[0]}, {}, {.create_graph = true})[0];
  const std::size_t n = gradient.numel();
  std::vector<std::vector<double>> hessian;
  for (std::size_t i = 0; i < n; ++i) {
    Snapshot unit(gradient.shape(), std::vector<double>(n, 0.0));
    unit.values[i] = 1;
    const auto row =
        grad<double>({gradient}, {p[0]}, {Tensor64::from(unit)}, {.retain_graph = true})[0];
    hessian.push_back(row.snapshot().values);
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) EXPECT_NEAR(hessian[i][k], hessian[k][i], 1e-14);
  }
}

TEST(Hessian, OfAReluNetworkIsFlatInTheGate) {
  const Tensor x({-1, 0, 2}, requires_grad);
  const Tensor y = (x.relu() * x.relu()).sum();
  const Tensor first = grad(y, x, recorded);
  EXPECT_EQ(first.snapshot(), snap({3}, {0, 0, 4}));
  EXPECT_EQ(grad(first.sum(), x).snapshot(), snap({3}, {0, 0, 2}));
}

// The operations of engine/ops that are not elementwise; those are in elementwise_test.cpp.
TEST(SecondDerivatives, OfShapesReductionsAndProducts) {
  const auto a = random_tensor({2, 3}, 41).snapshot();
  const auto b = random_tensor({3, 2}, 42).snapshot();
  const auto row = random_tensor({3}, 43).snapshot();
  const auto batch = random_tensor({2, 3, 2}, 44).snapshot();
  using Ts = const std::vector<Tensor64>&;
  expect_two_derivatives([](Ts x) { return matmul(x[0], x[1]).pow(3); }, {a, b}, "matmul");
  expect_two_derivatives([](Ts x) { return matmul(x[0], x[1]).pow(3); }, {a, batch}, "batched");
  expect_two_derivatives([](Ts x) { return matmul(x[0], x[1]).exp(); }, {row, b}, "row x matrix");
  expect_two_derivatives([](Ts x) { return matmul(x[0], x[1]).tanh(); }, {a, row}, "matrix x row");
  expect_two_derivatives([](Ts x) { return (x[0] * x[1]).exp(); }, {a, row}, "broadcast");
  expect_two_derivatives([](Ts x) { return x[0].sum({0}).pow(3); }, {a}, "sum");
  expect_two_derivatives([](Ts x) { return x[0].mean({-1}, true).exp(); }, {a}, "mean");
  expect_two_derivatives([](Ts x) { return x[0].reshape({3, 2}).pow(3); }, {a}, "reshape");
  expect_two_derivatives([](Ts x) { return x[0].transpose(0, 1).pow(3); }, {a}, "transpose");
  expect_two_derivatives([](Ts x) { return x[0].expand({2, 2, 3}).pow(3); }, {a}, "expand");
  expect_two_derivatives([](Ts x) { return x[0].sum_to({3}).pow(3); }, {a}, "sum_to");
}

TEST(SecondDerivatives, ThroughWritesInPlace) {
  const auto a = random_tensor({2, 3}, 51).snapshot();
  const auto b = random_tensor({3}, 52).snapshot();
  using Ts = const std::vector<Tensor64>&;
  expect_two_derivatives(
      [](Ts x) {
        Tensor64 y = x[0] * x[0];
        y.mul_(x[1]);
        y.add_(x[0]);
        y.sub_(x[1]);
        return y.pow(3);
      },
      {a, b}, "in place");
  expect_two_derivatives(
      [](Ts x) {
        auto y = Tensor64::zeros({2, 3});
        y.copy_(x[0]);
        y.mul_(x[0]);
        return y.exp();
      },
      {a}, "copy_");
}

// The curvature of y = x² + 3z² along v is vᵀHv: an ellipse's axes are 2 and 6.
TEST(Hessian, VectorProductsMeasureCurvature) {
  const Tensor x({1, 1}, requires_grad);
  const Tensor scale({1, 3});
  const Tensor first = grad((scale * x * x).sum(), x, recorded);
  const Tensor v({0.6, 0.8});
  const Tensor hv = grad<float>({first}, {x}, {v})[0];
  expect_near(hv.snapshot(), snap({2}, {1.2, 4.8}), 1e-6);
}

}  // namespace
}  // namespace gradbook
