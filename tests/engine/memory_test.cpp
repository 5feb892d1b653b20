// Bytes of tensor data: what is held, until when, and at most.
#include "engine/memory.hpp"

#include <cstdint>
#include <functional>
#include <vector>
#include <xtensor/xarray.hpp>

#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

using memory::live_bytes;
using memory::peak_bytes;

// Counted from what was live when the test began, so that tests do not see each other.
class Memory : public ::testing::Test {
 protected:
  std::size_t held() const { return live_bytes() - start_; }
  std::size_t peak() const { return peak_bytes() - start_; }

 private:
  std::size_t start_ = live_bytes();
};

constexpr std::size_t kilo = 1000 * sizeof(float);  ///< a tensor of 1000 floats

TEST_F(Memory, CountsTheDataOfLivingTensors) {
  {
    const auto x = Tensor::zeros({10, 100});
    EXPECT_EQ(held(), kilo);
    const auto y = Tensor64::zeros({1000});
    EXPECT_EQ(held(), kilo + 2 * kilo);
  }
  EXPECT_EQ(held(), 0U);
}

TEST_F(Memory, AliasesAndHandlesShareTheirBytes) {
  const auto x = Tensor::zeros({1000});
  const Tensor copy = x;
  const Tensor alias = x.detach();
  const Tensor view = x.reshape({10, 100});
  EXPECT_EQ(held(), kilo);
}

TEST_F(Memory, AnAliasKeepsTheStorageOfADroppedTensor) {
  Tensor alias;
  {
    const auto x = Tensor::ones({1000});
    alias = x.detach();
  }
  EXPECT_EQ(held(), kilo);
  alias = Tensor();
  EXPECT_EQ(held(), 0U);
}

TEST_F(Memory, DataIsAlignedForTheWidestRegister) {
  for (const std::size_t count : {1U, 3U, 17U, 1000U}) {
    const auto x = Tensor::zeros({count});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x.array().data()) % 64, 0U);
  }
}

TEST_F(Memory, AnEmptyTensorHoldsNothing) {
  const auto x = Tensor::zeros({0, 5});
  EXPECT_EQ(held(), 0U);
}

// --- what the graph holds ---

TEST_F(Memory, AnIntermediateThatNothingSavedIsFreedWithItsHandle) {
  const auto x = Tensor::ones({1000}, requires_grad);
  const Tensor y = ((x + 1) * 2 - 3).sum();
  EXPECT_EQ(held(), kilo + sizeof(float));
}

TEST_F(Memory, ASavedIntermediateLivesUntilBackward) {
  const auto x = Tensor::ones({1000}, requires_grad);
  const Tensor y = (x.exp() * 2).sum();
  EXPECT_EQ(held(), 2 * kilo + sizeof(float)) << "exp keeps its result";
  y.backward();
  EXPECT_EQ(held(), 2 * kilo + sizeof(float)) << "gone; but x has a gradient now";
}

TEST_F(Memory, RetainGraphKeepsWhatWasSaved) {
  Tensor x = Tensor::ones({1000}, requires_grad);
  const Tensor y = (x.exp() * 2).sum();
  y.backward({.retain_graph = true});
  x.zero_grad();
  EXPECT_EQ(held(), 2 * kilo + sizeof(float));
  y.backward();
  x.zero_grad();
  EXPECT_EQ(held(), kilo + sizeof(float));
}

TEST_F(Memory, NothingIsKeptUnderNoGradGuard) {
  const auto x = Tensor::ones({1000}, requires_grad);
  const NoGradGuard no_grad;
  const Tensor y = x.exp().tanh().sigmoid().sum();
  EXPECT_EQ(held(), kilo + sizeof(float));
}

TEST_F(Memory, NothingIsKeptForInputsThatRequireNoGrad) {
  const auto c = Tensor::ones({1000});
  const Tensor y = c.exp().tanh().sum();
  EXPECT_EQ(held(), kilo + sizeof(float));
}

// A product saves the other operand, for the side that requires grad only.
TEST_F(Memory, AProductWithAConstantKeepsTheConstantOnly) {
  const auto x = Tensor::ones({1000}, requires_grad);
  const Tensor y = ((x + 1) * Tensor::ones({1000})).sum();
  EXPECT_EQ(held(), 2 * kilo + sizeof(float)) << "x, the constant, and the sum";
}

TEST_F(Memory, GrowsWithDepthOnlyWhereSomethingIsSaved) {
  const auto x = Tensor::ones({1000}, requires_grad);
  {
    Tensor y = x;
    for (int i = 0; i < 10; ++i) y = y + 1;
    EXPECT_EQ(held(), 2 * kilo);
  }
  {
    Tensor y = x;
    for (int i = 0; i < 10; ++i) y = y.tanh();
    EXPECT_EQ(held(), 11 * kilo);
  }
  EXPECT_EQ(held(), kilo);
}

TEST_F(Memory, BackwardReturnsEverythingButTheGradients) {
  Tensor w = Tensor::ones({100, 10}, requires_grad);
  Tensor b = Tensor::ones({10}, requires_grad);
  const std::size_t parameters = held();
  for (int step = 0; step < 3; ++step) {
    const auto data = Tensor::ones({5, 100});
    ((matmul(data, w) + b).tanh() - 1).pow(2).mean().backward();
  }
  EXPECT_EQ(held(), 2 * parameters);
  w.zero_grad();
  b.zero_grad();
  EXPECT_EQ(held(), parameters);
}

TEST_F(Memory, GradReturnsEverythingButItsResults) {
  const auto x = Tensor::ones({1000}, requires_grad);
  {
    const Tensor y = (x * x).sum();
    const Tensor first = grad(y, x, {.create_graph = true});
    const Tensor second = grad(first.sum(), x);
    EXPECT_GT(held(), 2 * kilo);
  }
  EXPECT_EQ(held(), kilo);
}

// A gradient whose graph leads to its own leaf holds itself, as in LibTorch, until it is forgotten.
TEST_F(Memory, ForgettingARecordedGradientBreaksTheCircle) {
  {
    Tensor x = Tensor::ones({1000}, requires_grad);
    (x * x * x).sum().backward({.create_graph = true});
    x.zero_grad();
  }
  EXPECT_EQ(held(), 0U);
}

TEST_F(Memory, WritesInPlaceReturnWhatTheyKept) {
  {
    const auto x = Tensor::ones({1000}, requires_grad);
    const auto w = Tensor::ones({1000}, requires_grad);
    Tensor y = x * 2;
    y.mul_(w);
    y.add_(x);
    EXPECT_EQ(held(), 4 * kilo) << "x, w, y, and y as it was before mul_";
    y.sum().backward();
  }
  EXPECT_EQ(held(), 0U);
}

// --- where something goes wrong ---

TEST_F(Memory, IsReturnedWhenMisuseThrows) {
  const auto square = Tensor::ones({20, 20}, requires_grad);
  const auto other = Tensor::ones({3, 7}, requires_grad);
  const auto freed = (square * square).sum();
  freed.backward();
  Tensor changed = square * 2;
  const Tensor refused = (changed * changed).tanh().sum();
  changed.detach().add_(1);
  const std::size_t before = held();
  const std::vector<std::function<void()>> misuses = {
      [&] { square.exp() + other; },
      [&] { matmul(square.exp(), other); },
      [&] {
        matmul(Tensor::ones({2, 3, 4}), Tensor::ones({5, 4, 3}));
      },
      [&] { square.exp().sum({7}); },
      [&] { square.exp().reshape({3}); },
      [&] { square.exp().backward(); },
      [&] { square.exp().backward(other); },
      [&] { freed.backward(); },
      [&] { (square.exp().sum() + freed).backward(); },
      [&] { grad((square * square).sum(), other); },
      [&] { Tensor(square).add_(square.exp()); },
      [&] { square.exp().to_xarray(); },
      [&] {
        Tensor({3, 4}, std::vector<float>(5));
      },
      [&] {
        Tensor({{1, 2}, {3}});
      },
  };
  for (std::size_t i = 0; i < misuses.size(); ++i) {
    message_of_any(misuses[i]);
    EXPECT_EQ(held(), before) << "misuse " << i;
  }
  // Half way through the backward pass: gradients were on their way.
  message_of_any([&] { refused.backward(); });
  EXPECT_EQ(held(), before - 20 * 20 * sizeof(float)) << "tanh had run, and freed what it saved";
}

// --- the peak ---

TEST_F(Memory, ThePeakIsTheMostThatWasLiveAtOnce) {
  memory::reset_peak();
  EXPECT_EQ(peak(), held());
  { const auto x = Tensor::zeros({3000}); }
  { const auto x = Tensor::zeros({1000}); }
  EXPECT_EQ(peak(), 3 * kilo);
  EXPECT_EQ(held(), 0U);
  memory::reset_peak();
  EXPECT_EQ(peak(), 0U);
}

TEST_F(Memory, BackwardThroughAChainNeedsTwoGradientsAtATime) {
  const auto x = Tensor::ones({1000}, requires_grad);
  Tensor y = x;
  for (int i = 0; i < 100; ++i) y = y * 2;
  memory::reset_peak();
  const std::size_t before = held();
  y.backward(Tensor::ones({1000}));
  // The one given, the one arriving, and the one leaving.
  EXPECT_LE(peak() - before, 3 * kilo);
  EXPECT_EQ(held(), before + kilo);
}

TEST_F(Memory, AFusedVjpMakesNoTemporaries) {
  const auto x = Tensor::ones({1000}, requires_grad);
  const Tensor y = x.sigmoid();
  const auto g = Tensor::ones({1000});
  memory::reset_peak();
  const std::size_t before = held();
  y.backward(g);
  EXPECT_EQ(peak() - before, kilo) << "only the gradient itself";
}

TEST_F(Memory, AGradientThatNobodyAskedForIsNotComputed) {
  const auto x = Tensor::ones({1000}, requires_grad);
  const auto w = Tensor::ones({1000}, requires_grad);
  const Tensor y = x * w;
  const auto g = Tensor::ones({1000});
  memory::reset_peak();
  const std::size_t before = held();
  grad<float>({y}, {x}, {g});
  EXPECT_EQ(peak() - before, kilo) << "that of x, and none of w";
}

TEST_F(Memory, EveryAllocatorCanFreeWhatAnotherOneGave) {
  memory::CountingAllocator<float> floats;
  const memory::CountingAllocator<double> doubles(floats);
  EXPECT_TRUE(floats == doubles);
  EXPECT_EQ(floats, memory::CountingAllocator<float>());
}

}  // namespace
}  // namespace gradbook
