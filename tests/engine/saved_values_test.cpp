// Saved means unchanged: a vjp that reads a value written to since is refused.
#include <cmath>
#include <functional>
#include <vector>

#include "engine/graph/node.hpp"
#include "engine/parity.hpp"
#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

TEST(SavedChanged, IsRefusedNamingOperationShapeAndVersions) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor w({3, 4}, requires_grad);
  Tensor y = x * 2;
  const Tensor z = (y * w).sum();
  y.add_(1);
  y.add_(1);
  const auto message = message_of<SavedTensorChangedError>([&] { z.backward(); });
  expect_mentions(message, {"mul", "input a", "(2,)", "version 0", "version 2", "in place"});
}

TEST(SavedChanged, AResultThatTheDerivativeReads) {
  const std::vector<std::pair<const char*, std::function<Tensor(const Tensor&)>>> functions = {
      {"exp", [](const Tensor& x) { return x.exp(); }},
      {"sqrt", [](const Tensor& x) { return x.sqrt(); }},
      {"tanh", [](const Tensor& x) { return x.tanh(); }},
      {"sigmoid", [](const Tensor& x) { return x.sigmoid(); }},
      {"relu", [](const Tensor& x) { return x.relu(); }},
      {"reciprocal", [](const Tensor& x) { return x.reciprocal(); }},
  };
  for (const auto& [name, f] : functions) {
    const Tensor x({1, 2}, requires_grad);
    Tensor y = f(x);
    y.add_(1);
    const auto message = message_of<SavedTensorChangedError>([&] { y.sum().backward(); });
    expect_mentions(message, {name, "result", "(2,)", "version 0", "version 1"});
  }
}

TEST(SavedChanged, AnInputThatTheDerivativeReads) {
  const std::vector<std::pair<const char*, std::function<Tensor(const Tensor&)>>> functions = {
      {"log", [](const Tensor& x) { return x.log(); }},
      {"pow", [](const Tensor& x) { return x.pow(3); }},
      {"div",
       [](const Tensor& x) {
         return 1 + Tensor({1, 2}) / x;
       }},
      {"matmul", [](const Tensor& x) { return matmul(x, x); }},
  };
  for (const auto& [name, f] : functions) {
    Tensor x({1, 2}, requires_grad);
    const Tensor y = f(x).sum();
    {
      const NoGradGuard no_grad;
      x.add_(1);
    }
    expect_mentions(message_of<SavedTensorChangedError>([&] { y.backward(); }), {name});
  }
}

TEST(SavedChanged, WritesThatNoDerivativeReadsAreFine) {
  Tensor x({1, 2}, requires_grad);
  const Tensor y = (x + 1).sum() + x.exp().sum() + (x * 3).sum() + x.mean() + x.relu().sum();
  {
    const NoGradGuard no_grad;
    x.zero_();
  }
  y.backward();
  expect_near(x.grad().snapshot(), snap({2}, {5.5 + std::exp(1.0), 5.5 + std::exp(2.0)}), 1e-6);
}

TEST(SavedChanged, MulByItselfInPlaceIsRefusedInBackward) {
  const Tensor x({3, 3}, requires_grad);
  Tensor y = x * 2;
  y.mul_(y);
  EXPECT_EQ(y.snapshot(), snap({2}, {36, 36}));
  message_of<SavedTensorChangedError>([&] { y.sum().backward(); });
}

TEST(SavedChanged, IsNoticedThroughADetachedAlias) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x.exp();
  Tensor alias = y.detach();
  alias.mul_(0);
  message_of<SavedTensorChangedError>([&] { y.sum().backward(); });
}

TEST(SavedChanged, IsNoticedThroughAReshapeUnderNoGrad) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x.exp();
  {
    const NoGradGuard no_grad;
    y.reshape({2, 1}).mul_(0);
  }
  message_of<SavedTensorChangedError>([&] { y.sum().backward(); });
}

TEST(SavedChanged, AlsoInASecondDerivative) {
  Tensor x({1, 2}, requires_grad);
  const Tensor first = grad((x * x * x).sum(), x, {.create_graph = true});
  {
    const NoGradGuard no_grad;
    x.add_(1);
  }
  message_of<SavedTensorChangedError>([&] { first.sum().backward(); });
}

TEST(SavedChanged, AWriteAfterBackwardDoesNoHarm) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x.exp();
  y.sum().backward();
  y.add_(1);
  expect_near(x.grad().snapshot(), snap({2}, {std::exp(1.0), std::exp(2.0)}), 1e-6);
}

/// Wants every gradient, and forgets it.
class Forgetting final : public GradientSink<float> {
 public:
  bool wants(std::size_t) const override { return true; }
  void give(std::size_t, const Tensor&) override {}
};

// backward() looks before it starts; whoever asks a node itself is not let through either.
TEST(SavedFreed, ANodeThatFreedThemRefusesItsVjps) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * x;
  const Ref<Node<float>> node = node_of(y);
  Forgetting sink;
  node->vjps(Tensor::ones({2}), sink);
  node->release_saved();
  expect_mentions(message_of<GraphFreedError>([&] { node->vjps(Tensor::ones({2}), sink); }),
                  {"mul", "freed", "retain_graph"});
}

TEST(SavedBytes, AnArraySavedForBothInputsCountsOnce) {
  const Tensor x({1, 2, 3}, requires_grad);
  const Tensor w({4, 5, 6}, requires_grad);
  EXPECT_EQ(parity::saved_bytes(x * x), 3 * sizeof(float));
  EXPECT_EQ(parity::saved_bytes(x * w), 6 * sizeof(float));
}

}  // namespace
}  // namespace gradbook
