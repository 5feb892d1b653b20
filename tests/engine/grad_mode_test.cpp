// Recording switched off and on, by scope.
#include "engine/grad_mode.hpp"

#include <stdexcept>
#include <thread>

#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

TEST(GradMode, IsOnUnlessAGuardLives) {
  EXPECT_TRUE(GradMode::enabled());
  {
    const NoGradGuard no_grad;
    EXPECT_FALSE(GradMode::enabled());
    {
      const AutoGradMode on(true);
      EXPECT_TRUE(GradMode::enabled());
      const NoGradGuard inner;
      EXPECT_FALSE(GradMode::enabled());
    }
    EXPECT_FALSE(GradMode::enabled());
  }
  EXPECT_TRUE(GradMode::enabled());
}

TEST(GradMode, IsRestoredWhenAnExceptionPasses) {
  try {
    const NoGradGuard no_grad;
    throw std::runtime_error("out");
  } catch (const std::runtime_error&) {
    EXPECT_TRUE(GradMode::enabled());
  }
}

TEST(GradMode, BelongsToItsThread) {
  const NoGradGuard no_grad;
  bool elsewhere = false;
  std::thread([&] { elsewhere = GradMode::enabled(); }).join();
  EXPECT_TRUE(elsewhere);
}

TEST(GradMode, ResultsUnderAGuardRequireNoGrad) {
  Tensor x({1, 2}, requires_grad);
  const NoGradGuard no_grad;
  for (const Tensor& y : {x * 2, x * x, x.exp(), x.sum(), x.mean({0}), x.reshape({2, 1}),
                          x.transpose(0, 0), x.expand({3, 2}), matmul(x, x), x.detach()}) {
    EXPECT_FALSE(y.requires_grad());
    EXPECT_TRUE(y.is_leaf());
  }
  EXPECT_TRUE(x.requires_grad()) << "an existing tensor stays as it is";
  x.add_(1);
  EXPECT_TRUE(x.requires_grad());
}

TEST(GradMode, ANewLeafMayRequireGradUnderAGuard) {
  const NoGradGuard no_grad;
  EXPECT_TRUE(Tensor({1, 2}, requires_grad).requires_grad());
}

TEST(GradMode, BackwardFromAnUnrecordedResultIsAnErrorNotASilentZero) {
  const Tensor x({1, 2}, requires_grad);
  Tensor loss;
  {
    const NoGradGuard no_grad;
    loss = (x * x).sum();
  }
  expect_mentions(message_of<BackwardError>([&] { loss.backward(); }),
                  {"backward", "does not require grad", "NoGradGuard"});
}

TEST(GradMode, AnUnrecordedPartCountsAsAConstant) {
  const Tensor x({1, 2}, requires_grad);
  Tensor scale;
  {
    const NoGradGuard no_grad;
    scale = x * 10;
  }
  (x * scale).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {10, 20}));
}

TEST(GradMode, BackwardRunsUnderAGuard) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor loss = (x * x).sum();
  const NoGradGuard no_grad;
  loss.backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {2, 4}));
  EXPECT_FALSE(GradMode::enabled());
}

TEST(GradMode, BackwardLeavesTheModeAsItWas) {
  const Tensor x({1, 2}, requires_grad);
  (x * x).sum().backward({.create_graph = false});
  EXPECT_TRUE(GradMode::enabled());
  {
    const NoGradGuard no_grad;
    Tensor y({1, 2}, requires_grad);
    y.backward(Tensor({1, 1}), {.create_graph = true});
    EXPECT_FALSE(GradMode::enabled());
  }
}

TEST(GradMode, AGradientIsNotRecordedByDefault) {
  const Tensor x({1, 2}, requires_grad);
  (x * x).sum().backward();
  EXPECT_FALSE(x.grad().requires_grad());
}

}  // namespace
}  // namespace gradbook
