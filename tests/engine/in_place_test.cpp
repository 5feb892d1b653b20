// Writes in place: which are refused, which are recorded, and who sees them. (What they do to saved
// values is in saved_values_test.cpp.)
#include <functional>
#include <vector>

#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

/// Every write in place, on x, of the shape (2,).
std::vector<std::pair<const char*, std::function<void(Tensor&)>>> writes() {
  const Tensor other({5, 6});
  return {
      {"add_", [=](Tensor& x) { x.add_(other); }},   {"add_", [](Tensor& x) { x.add_(1); }},
      {"sub_", [=](Tensor& x) { x.sub_(other); }},   {"sub_", [](Tensor& x) { x.sub_(1); }},
      {"mul_", [=](Tensor& x) { x.mul_(other); }},   {"mul_", [](Tensor& x) { x.mul_(2); }},
      {"copy_", [=](Tensor& x) { x.copy_(other); }}, {"zero_", [](Tensor& x) { x.zero_(); }},
  };
}

TEST(InPlace, ChangesTheValuesAndReturnsTheTensor) {
  Tensor x({1, 2});
  EXPECT_EQ(x.add_(Tensor({10, 20})).snapshot(), snap({2}, {11, 22}));
  EXPECT_EQ(x.sub_(Tensor({1, 2})).snapshot(), snap({2}, {10, 20}));
  EXPECT_EQ(x.mul_(Tensor({2, 3})).snapshot(), snap({2}, {20, 60}));
  EXPECT_EQ(x.add_(1).snapshot(), snap({2}, {21, 61}));
  EXPECT_EQ(x.sub_(1).snapshot(), snap({2}, {20, 60}));
  EXPECT_EQ(x.mul_(0.5).snapshot(), snap({2}, {10, 30}));
  EXPECT_EQ(x.copy_(Tensor({7, 8})).snapshot(), snap({2}, {7, 8}));
  EXPECT_EQ(x.zero_().snapshot(), snap({2}, {0, 0}));
  EXPECT_EQ(x.add_(1).impl(), x.impl());
}

TEST(InPlace, TheOtherOperandBroadcasts) {
  Tensor x({{1, 2}, {3, 4}});
  EXPECT_EQ(x.add_(Tensor({10, 20})).snapshot(), snap({2, 2}, {11, 22, 13, 24}));
  EXPECT_EQ(x.mul_(Tensor(2.0)).snapshot(), snap({2, 2}, {22, 44, 26, 48}));
  EXPECT_EQ(x.copy_(Tensor({{1}, {2}}, without_grad)).snapshot(), snap({2, 2}, {1, 1, 2, 2}));
  const Tensor w({1, 2}, requires_grad);
  x.mul_(w);
  x.sum().backward();
  EXPECT_EQ(w.grad().snapshot(), snap({2}, {3, 3}));
}

TEST(InPlace, RefusesAResultThatDoesNotFit) {
  Tensor x({1, 2});
  const auto message = message_of<InPlaceError>([&] { x.add_(Tensor({{1, 2}, {3, 4}})); });
  expect_mentions(message, {"add_", "(2,)", "(2, 2)", "new tensor"});
  message_of<InPlaceError>([&] { x.mul_(Tensor::ones({1, 2})); });
  message_of<InPlaceError>([&] { Tensor::ones({1}).copy_(x); });
  message_of<InPlaceError>([&] { Tensor(1.0).sub_(x); });
  message_of<InPlaceError>([&] { Tensor::ones({1}).add_(Tensor::zeros({0})); });
  expect_mentions(message_of<ShapeError>([&] {
                    x.sub_(Tensor({1, 2, 3}));
                  }),
                  {"sub_", "(2,)", "(3,)"});
  EXPECT_EQ(x.snapshot(), snap({2}, {1, 2}));
  EXPECT_EQ(x.version(), 0U);
}

TEST(InPlace, RefusesALeafThatRequiresGrad) {
  for (const auto& [name, write] : writes()) {
    Tensor x({1, 2}, requires_grad);
    const auto message = message_of<InPlaceError>([&] { write(x); });
    expect_mentions(message, {name, "leaf", "(2,)", "NoGradGuard"});
    EXPECT_EQ(x.snapshot(), snap({2}, {1, 2})) << name;
    EXPECT_EQ(x.version(), 0U) << name;
  }
}

TEST(InPlace, UnderNoGradGuardALeafMayBeUpdated) {
  for (const auto& [name, write] : writes()) {
    Tensor x({1, 2}, requires_grad);
    (x * 3).sum().backward();
    {
      const NoGradGuard no_grad;
      write(x);
    }
    EXPECT_TRUE(x.is_leaf()) << name;
    EXPECT_TRUE(x.requires_grad()) << name;
    EXPECT_EQ(x.grad().snapshot(), snap({2}, {3, 3})) << name;
    EXPECT_EQ(x.version(), 1U) << name;
  }
}

// --- gradients ---

// y = x * 2 saves nothing of y: writing over it is fine.
TEST(InPlaceGradient, WhereNothingWasSavedItEqualsTheOutOfPlaceResult) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x * 2;
  y.add_(1);
  y.sum().backward();
  const Tensor z({1, 2}, requires_grad);
  (z * 2 + 1).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {2, 2}));
  EXPECT_EQ(z.grad().snapshot(), x.grad().snapshot());
}

TEST(InPlaceGradient, OfEveryWriteMatchesDifferences) {
  const auto a = random_tensor({2, 3}, 1).snapshot();
  const auto b = random_tensor({2, 3}, 2).snapshot();
  const auto row = random_tensor({3}, 3).snapshot();
  using Ts = const std::vector<Tensor64>&;
  const std::vector<std::pair<const char*, std::function<void(Tensor64&, const Tensor64&)>>> all = {
      {"add_", [](Tensor64& y, const Tensor64& w) { y.add_(w); }},
      {"sub_", [](Tensor64& y, const Tensor64& w) { y.sub_(w); }},
      {"mul_", [](Tensor64& y, const Tensor64& w) { y.mul_(w); }},
      {"copy_", [](Tensor64& y, const Tensor64& w) { y.copy_(w); }},
      {"scalars", [](Tensor64& y, const Tensor64& w) { y.add_(2).mul_(3).sub_(1).mul_(w); }},
  };
  for (const auto& [name, write] : all) {
    for (const Snapshot& other : {b, row}) {
      const TensorFunction f = [&, w = &write](Ts x) {
        Tensor64 y = x[0] * 2 + x[1];
        (*w)(y, x[1]);
        return y.tanh();
      };
      expect_gradients(f, {a, other}, name);
    }
  }
}

TEST(InPlaceGradient, MulByATensorThatRequiresGradKeepsTheValueFromBefore) {
  Tensor c({1, 2});
  const Tensor w({3, 4}, requires_grad);
  c.mul_(w);
  EXPECT_TRUE(c.requires_grad());
  EXPECT_FALSE(c.is_leaf());
  c.sum().backward();
  EXPECT_EQ(w.grad().snapshot(), snap({2}, {1, 2}));
}

TEST(InPlaceGradient, ZeroCutsTheHistory) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x * 2;
  y.zero_();
  (y + x).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {1, 1}));
  Tensor z = x * 2;
  z.zero_();
  z.sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {1, 1})) << "zero, but it has a gradient";
}

TEST(InPlaceGradient, CopyMovesTheHistoryToTheSource) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor w({3, 4}, requires_grad);
  Tensor y = x * 2;
  y.copy_(w * 5);
  y.sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {0, 0}));
  EXPECT_EQ(w.grad().snapshot(), snap({2}, {5, 5}));
}

TEST(InPlaceGradient, ARetainedGradientIsThatOfTheNewestValue) {
  const Tensor x({3, 3}, requires_grad);
  Tensor y = x * 2;
  y.retain_grad();
  y.mul_(5);
  y.sum().backward();
  EXPECT_EQ(y.grad().snapshot(), snap({2}, {1, 1}));
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {10, 10}));
}

// A write in place used to take the gradients of earlier passes away.
TEST(InPlaceGradient, ARetainedGradientOutlivesAWrite) {
  const Tensor x({3, 3}, requires_grad);
  Tensor y = x * 2;
  y.retain_grad();
  y.sum().backward();
  y.mul_(5);
  EXPECT_EQ(y.grad().snapshot(), snap({2}, {1, 1}));
  y.sum().backward();
  EXPECT_EQ(y.grad().snapshot(), snap({2}, {2, 2}));
}

TEST(InPlaceGradient, TheGradientOfAFormerLeafOutlivesAWrite) {
  const Tensor w({4, 5}, requires_grad);
  Tensor x({3, 3}, requires_grad);
  (x * 2).sum().backward();
  x.requires_grad_(false);
  x.mul_(w);
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {2, 2}));
}

TEST(InPlaceGradient, AddingATensorToItselfDoubles) {
  const Tensor x({3, 4}, requires_grad);
  Tensor y = x * 2;
  y.add_(y);
  y.sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {4, 4}));
}

// --- aliases ---

TEST(InPlaceAlias, ARecordedReshapeIsRefusedFromBothEnds) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x * 2;
  Tensor v = y.reshape({2, 1});
  for (Tensor* alias : {&y, &v}) {
    const auto message = message_of<InPlaceError>([&] { alias->add_(1); });
    expect_mentions(message, {"add_", to_string(alias->shape()).c_str(), "reshape", "y = y + x"});
  }
  EXPECT_EQ(y.snapshot(), snap({2}, {2, 4}));
}

TEST(InPlaceAlias, AReshapeOfATemporaryIsTheOnlyAliasAndMayBeWritten) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = (x * 2).reshape({2, 1});
  y.add_(1);
  y.sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {2, 2}));
}

TEST(InPlaceAlias, IsFreeAgainWhenTheOtherAliasIsGone) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x * 2;
  {
    const Tensor v = y.reshape({2, 1});
    message_of<InPlaceError>([&] { y.add_(1); });
  }
  const Tensor detached = y.detach();
  y.add_(1);
  EXPECT_EQ(detached.snapshot(), snap({2}, {3, 5}));
  y.sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {2, 2}));
}

// The alias was made before there was anything to record; the write would be lost to the other.
// Regression: without recording, nothing asked whether there was a tensor at all.
TEST(InPlace, AnUndefinedTensorIsRefusedWithoutRecordingToo) {
  const NoGradGuard guard;
  Tensor undefined;
  message_of<UndefinedTensorError>([&] { undefined.zero_(); });
  message_of<UndefinedTensorError>([&] { undefined.add_(1); });
}

TEST(InPlaceAlias, ARecordedWriteMustNotLeaveAnotherAliasWithoutHistory) {
  const Tensor w({1, 2}, requires_grad);
  {
    const auto base = Tensor::zeros({2});
    Tensor view = base.reshape({2, 1});
    message_of<InPlaceError>([&] { view.add_(w.reshape({2, 1})); });
  }
  {
    auto base = Tensor::zeros({2});
    const Tensor view = base.reshape({2, 1});
    message_of<InPlaceError>([&] { base.add_(w); });
  }
}

TEST(InPlaceAlias, WithoutGradientsAliasesSeeEachOthersWrites) {
  Tensor x({1, 2});
  Tensor v = x.reshape({2, 1});
  v.add_(1);
  EXPECT_EQ(x.snapshot(), snap({2}, {2, 3}));
  x.mul_(2);
  EXPECT_EQ(v.snapshot(), snap({2, 1}, {4, 6}));
}

// As in LibTorch: a detached alias may be written, with a history of its own.
TEST(InPlaceAlias, ADetachedAliasGetsItsOwnHistory) {
  const Tensor x({3, 3}, requires_grad);
  const Tensor w({4, 4}, requires_grad);
  const Tensor y = x * 2;
  Tensor d = y.detach();
  d.mul_(w);
  EXPECT_TRUE(d.requires_grad());
  EXPECT_EQ(y.snapshot(), snap({2}, {24, 24}));
  y.sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {2, 2}));
  EXPECT_FALSE(w.grad().defined());
}

// --- the counter ---

TEST(VersionCounter, TicksOnceForEachWriteByAnyAlias) {
  for (const auto& [name, write] : writes()) {
    Tensor x({1, 2});
    EXPECT_EQ(x.version(), 0U);
    write(x);
    EXPECT_EQ(x.version(), 1U) << name;
    Tensor alias = x.detach();
    write(alias);
    EXPECT_EQ(x.version(), 2U) << name;
    const Tensor view = x.reshape({2, 1});
    EXPECT_EQ(view.version(), 2U) << name;
  }
}

TEST(VersionCounter, DoesNotTickForNewTensors) {
  const Tensor x({1, 2});
  const Tensor y = x + 1;
  EXPECT_EQ(x.version(), 0U);
  EXPECT_EQ(y.version(), 0U);
  EXPECT_EQ(x.transpose(0, -1).version(), 0U);
}

}  // namespace
}  // namespace gradbook
