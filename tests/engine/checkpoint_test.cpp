#include "engine/checkpoint.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/graph/node.hpp"
#include "engine/memory.hpp"
#include "engine/parity.hpp"
#include "engine/random.hpp"
#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

using Many = std::vector<Tensor64>;

const std::function<Tensor64(const Many&)> two_inputs = [](const Many& in) {
  return (in[0] * in[1]).tanh() + in[1].pow(2);
};

TEST(Checkpoint, GivesTheValuesAndGradientsOfThePlainFunction) {
  const Tensor64 a({0.5, -1}, requires_grad);
  const Tensor64 b({2, 0.25}, requires_grad);
  const Tensor64 plain = two_inputs({a, b});
  const Tensor64 checked = checkpoint(two_inputs, {a, b});
  EXPECT_EQ(plain.snapshot(), checked.snapshot());
  const Many expected = grad<double>({plain.sum()}, {a, b});
  const Many actual = grad<double>({checked.sum()}, {a, b});
  EXPECT_EQ(expected[0].snapshot(), actual[0].snapshot());
  EXPECT_EQ(expected[1].snapshot(), actual[1].snapshot());
}

TEST(Checkpoint, OneTensorGivenTwiceGetsBothGradients) {
  const Tensor64 x({3}, requires_grad);
  const std::function<Tensor64(const Many&)> product = [](const Many& in) { return in[0] * in[1]; };
  for (const bool create_graph : {false, true}) {
    EXPECT_EQ(grad(checkpoint(product, {x, x}), x, {.create_graph = create_graph}).item(), 6);
  }
}

TEST(Checkpoint, CapturedWeightsLearnWhenTheInputNeedsNoGradient) {
  const Tensor64 x({1, 2});
  const Tensor64 w({3, 4}, requires_grad);
  const Tensor64 y = checkpoint([&](const Tensor64& in) { return (in * w).pow(2); }, x);
  EXPECT_TRUE(y.requires_grad());
  y.sum().backward();
  EXPECT_EQ(w.grad().snapshot(), Snapshot({2}, {6, 32}));
}

TEST(Checkpoint, ACapturedIntermediatePassesItsGradientOn) {
  const Tensor64 x({1, 2}, requires_grad);
  const Tensor64 w({3, 4}, requires_grad);
  const Tensor64 scaled = w * 2;
  checkpoint([&](const Tensor64& in) { return in * scaled; }, x).sum().backward();
  EXPECT_EQ(w.grad().snapshot(), Snapshot({2}, {2, 4}));
  EXPECT_EQ(x.grad().snapshot(), Snapshot({2}, {6, 8}));
}

TEST(Checkpoint, GradLeavesCapturedWeightsAlone) {
  const Tensor64 x({1, 2}, requires_grad);
  const Tensor64 w({3, 4}, requires_grad);
  grad(checkpoint([&](const Tensor64& in) { return in * w; }, x).sum(), x);
  EXPECT_FALSE(w.grad().defined());
  EXPECT_FALSE(x.grad().defined());
}

TEST(Checkpoint, HasSecondDerivativesWithRespectToInputsAndCaptures) {
  const Tensor64 x({0.5, -1}, requires_grad);
  const Tensor64 w({2, 0.25}, requires_grad);
  const auto block = [&](const Tensor64& in) { return (in * w).tanh() * in; };
  const auto penalty = [&](const Tensor64& y) {
    const Tensor64 slope = grad(y.sum(), x, {.create_graph = true});
    return grad<double>({(slope * slope).sum()}, {x, w});
  };
  const Many expected = penalty(block(x));
  const Many actual = penalty(checkpoint(block, x));
  EXPECT_EQ(expected[0].snapshot(), actual[0].snapshot());
  EXPECT_EQ(expected[1].snapshot(), actual[1].snapshot());
}

TEST(Checkpoint, NestsInAnotherCheckpoint) {
  const Tensor64 x({0.5, -1}, requires_grad);
  const auto inner = [](const Tensor64& in) { return in.tanh() * in; };
  const auto outer = [&](const Tensor64& in) { return checkpoint(inner, in.exp()) * in; };
  EXPECT_EQ(grad(checkpoint(outer, x).sum(), x).snapshot(),
            grad((inner(x.exp()) * x).sum(), x).snapshot());
}

TEST(Checkpoint, KeepsTheInputAndNoIntermediate) {
  const Tensor64 x = Tensor64::ones({1000}, requires_grad);
  const std::size_t before = memory::live_bytes();
  const Tensor64 y = checkpoint([](const Tensor64& in) { return in.tanh().tanh().tanh(); }, x);
  EXPECT_EQ(memory::live_bytes() - before, 1000 * sizeof(double)) << "the result, and x is there";
  EXPECT_EQ(parity::saved_bytes(y), 1000 * sizeof(double));
}

TEST(Checkpoint, LetsGoOfWhatItsFunctionHoldsOnceBackwardHasRun) {
  const Tensor64 x = Tensor64::ones({10}, requires_grad);
  const std::size_t before = memory::live_bytes();
  Tensor64 constant = Tensor64::ones({1000});
  const Tensor64 y = checkpoint([constant](const Tensor64& in) { return in * constant.sum(); }, x);
  constant = Tensor64();
  EXPECT_GE(memory::live_bytes() - before, 1000 * sizeof(double));
  y.sum().backward();
  EXPECT_EQ(memory::live_bytes() - before, 20 * sizeof(double)) << "y and the gradient of x";
}

TEST(Checkpoint, RandomNumbersInsideAreRefused) {
  RandomState random(1);
  const Tensor64 x({1, 2}, requires_grad);
  const Tensor64 y =
      checkpoint([&](const Tensor64& in) { return in * random.randn<double>({2}); }, x);
  message_of<CheckpointError>([&] { y.sum().backward(); });
  EXPECT_FALSE(x.grad().defined());
}

TEST(Checkpoint, AChangedCaptureIsRefusedEvenWhereTheResultIsTheSame) {
  const Tensor64 x({0, 0}, requires_grad);
  Tensor64 constant({3, 4});
  const Tensor64 y = checkpoint([&](const Tensor64& in) { return in * constant; }, x);
  constant.add_(1);  // 0 * 4 is 0 * 3, but the slope is another
  message_of<CheckpointError>([&] { y.sum().backward(); });
}

// Had no graph to go back through, and crashed.
TEST(Checkpoint, AFunctionThatForgetsTheHistoryTheSecondTimeIsRefused) {
  const Tensor64 x({1, 2}, requires_grad);
  int runs = 0;
  const auto forgets = [&runs](const Tensor64& in) {
    return ++runs == 1 ? in + 1 : (in + 1).detach();
  };
  const Tensor64 y = checkpoint(forgets, x);
  message_of<CheckpointError>([&] { y.sum().backward(); });
  EXPECT_FALSE(x.grad().defined());
}

// One array more was held: the result of the second run, which nobody reads.
TEST(Checkpoint, BackwardHoldsWhatThePlainPassOverTheBlockHolds) {
  constexpr std::size_t array = 1000 * sizeof(double);
  const Tensor64 x = Tensor64::ones({1000}, requires_grad);
  const auto chain = [](const Tensor64& in) { return in.exp().exp().exp().exp(); };
  const auto peak_of_backward = [](const Tensor64& loss) {
    memory::reset_peak();
    const std::size_t before = memory::live_bytes();
    loss.backward();
    return memory::peak_bytes() - before;
  };
  const std::size_t plain = peak_of_backward((x * 1e-3).exp().exp().exp().exp().sum());
  const std::size_t checked = peak_of_backward(checkpoint(chain, x * 1e-3).sum());
  EXPECT_EQ(checked, plain + 4 * array) << "the four results that are computed again";
}

TEST(Checkpoint, AChangedInputIsRefusedByName) {
  Tensor64 x({1, 2}, requires_grad);
  const Tensor64 y = checkpoint([](const Tensor64& in) { return in.exp(); }, x);
  {
    const NoGradGuard guard;
    x.add_(1);
  }
  expect_mentions(message_of<SavedTensorChangedError>([&] { y.sum().backward(); }),
                  {"checkpoint", "(2,)"});
}

TEST(Checkpoint, RunsBackwardTwiceOnlyIfRetained) {
  const Tensor64 x({1, 2}, requires_grad);
  const Tensor64 y = checkpoint([](const Tensor64& in) { return in.exp(); }, x).sum();
  y.backward({.retain_graph = true});
  y.backward();
  message_of<GraphFreedError>([&] { y.backward(); });
}

/// Does backward() notice when `change` happens to one element of what the function computed?
template <class T>
bool notices(std::size_t size, std::size_t element, const std::function<T(T)>& change) {
  const BasicTensor<T> x = BasicTensor<T>::zeros({size}, requires_grad);
  std::vector<T> values(size, T{0.75});
  const auto function = [&](const BasicTensor<T>& in) {
    return in + BasicTensor<T>({size}, values);
  };
  const BasicTensor<T> y = checkpoint(function, x);
  values[element] = change(values[element]);
  try {
    y.sum().backward();
    return false;
  } catch (const CheckpointError&) {
    return true;
  }
}

TEST(Checkpoint, NoticesTheSmallestChangeOfAnyElement) {
  const std::function<float(float)> next = [](float x) { return std::nextafter(x, 1.0F); };
  const std::function<double(double)> next64 = [](double x) { return std::nextafter(x, 1.0); };
  for (std::size_t element = 0; element < 37; ++element) {
    EXPECT_TRUE(notices(37, element, next)) << element;
    EXPECT_TRUE(notices(37, element, next64)) << element;
  }
  EXPECT_TRUE(notices(1, 0, next));
  EXPECT_TRUE(notices(1, 0, next64));
}

TEST(Checkpoint, NoticesAChangeHoweverMuchIsComputedAfterIt) {
  const std::function<float(float)> negated = [](float x) { return -x; };
  for (const std::size_t element : {0U, 15U, 16U, 4999U, 9999U}) {
    EXPECT_TRUE(notices(10000, element, negated)) << element;
  }
}

TEST(Checkpoint, NoticesElementsThatChangePlaces) {
  const Tensor x = Tensor::zeros({40}, requires_grad);
  std::vector<float> values(40);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  for (const std::size_t other : {1U, 16U, 39U}) {
    const Tensor y = checkpoint([&](const Tensor& in) { return in + Tensor({40}, values); }, x);
    std::swap(values[0], values[other]);
    message_of<CheckpointError>([&] { y.sum().backward(); });
  }
}

TEST(Checkpoint, NoticesThatSavedValuesChangePlaces) {
  const Tensor64 x({0, 0}, requires_grad);
  Tensor64 a({3, 4});
  Tensor64 b({5, 6});
  const Tensor64 y = checkpoint([&](const Tensor64& in) { return in * a + in * b; }, x);
  std::swap(a, b);  // the same result and the same slope, but computed in another order
  message_of<CheckpointError>([&] { y.sum().backward(); });
}

TEST(Checkpoint, NoticesThatAnotherTensorIsCaptured) {
  const Tensor64 x({1, 2}, requires_grad);
  const Tensor64 v({3, 4}, requires_grad);
  const Tensor64 w({3, 4}, requires_grad);
  bool again = false;
  const Tensor64 y = checkpoint([&](const Tensor64& in) { return in * (again ? w : v); }, x);
  again = true;
  message_of<CheckpointError>([&] { y.sum().backward(); });
}

// Regression: the inner pass ran the vjps of captured tensors' own past, and freed what they saved.
TEST(Checkpoint, CapturingATensorAndItsAncestorCountsEachPathOnce) {
  const Tensor64 x({1}, requires_grad);
  const Tensor64 w({3}, requires_grad);
  for (const Tensor64& h : {w * 2, w * w, w.exp()}) {
    const auto block = [h, w](const Tensor64& in) { return h * w * in; };
    const Many expected = grad<double>({block(x).sum()}, {x, w}, {}, {.retain_graph = true});
    const Many actual = grad<double>({checkpoint(block, x).sum()}, {x, w});
    EXPECT_EQ(expected[0].snapshot(), actual[0].snapshot());
    EXPECT_EQ(expected[1].snapshot(), actual[1].snapshot());
  }
}

TEST(Checkpoint, AnInputThatTheFunctionLeavesOutGetsNoGradient) {
  const Tensor64 x({3}, requires_grad);
  const Tensor64 leaf({5}, requires_grad);
  const Tensor64 result = leaf * leaf;
  const auto block = [](const Many& in) { return in[0] * 2; };
  checkpoint<double>(block, {x, leaf, result}).sum().backward();
  EXPECT_EQ(x.grad().item(), 2);
  EXPECT_FALSE(leaf.grad().defined());
}

TEST(Checkpoint, CapturingItsOwnInputCountsEachPathOnce) {
  const Tensor64 w({3}, requires_grad);
  const auto block = [w](const Tensor64& in) { return in * w; };
  for (const bool create_graph : {false, true}) {
    EXPECT_EQ(grad(checkpoint(block, w), w, {.create_graph = create_graph}).item(), 6);
  }
}

// Regression: the result of an identity was the input's storage, and a write to it changed a leaf.
TEST(Checkpoint, AWriteToTheResultOfAnIdentityLeavesTheInputAlone) {
  const Tensor64 x({1, 2}, requires_grad);
  Tensor64 y = checkpoint([](const Tensor64& in) { return in; }, x);
  y.add_(1);
  EXPECT_EQ(x.snapshot(), Snapshot({2}, {1, 2}));
}

TEST(Checkpoint, OfWhatRequiresNoGradRequiresNone) {
  const Tensor64 x({1, 2});
  const Tensor64 wanted({3, 4}, requires_grad);
  const auto square = [](const Tensor64& in) { return in * in; };
  const auto cut = [](const Tensor64& in) { return in.detach() * 2; };
  EXPECT_FALSE(checkpoint(square, x).requires_grad());
  EXPECT_FALSE(checkpoint(cut, wanted).requires_grad());
}

TEST(Checkpoint, OfTheIdentityIsTheIdentity) {
  const Tensor64 x({1, 2}, requires_grad);
  const Tensor64 y = checkpoint([](const Tensor64& in) { return in; }, x);
  y.backward(Tensor64({5, 7}));
  EXPECT_EQ(x.grad().snapshot(), Snapshot({2}, {5, 7}));
}

TEST(Checkpoint, WithoutGradModeItIsThePlainFunction) {
  const Tensor64 x({1, 2}, requires_grad);
  const NoGradGuard guard;
  EXPECT_FALSE(checkpoint([](const Tensor64& in) { return in.exp(); }, x).requires_grad());
  const Tensor64 same = checkpoint([](const Tensor64& in) { return in; }, x);
  EXPECT_TRUE(same.is_leaf());
  EXPECT_EQ(node_of(same), node_of(x));  // what the function returns, untouched
}

}  // namespace
}  // namespace gradbook
