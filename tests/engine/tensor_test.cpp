// The tensor as an object: how it is made, what it holds, and what it says about gradients.
#include "engine/tensor.hpp"

#include <xtensor/xarray.hpp>

#include "engine/graph/node.hpp"
#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

TEST(Tensor, IsMadeFromNestedLists) {
  EXPECT_EQ(Tensor(2.5).snapshot(), Snapshot(2.5));
  EXPECT_EQ(Tensor({1, 2, 3}).snapshot(), snap({3}, {1, 2, 3}));
  EXPECT_EQ(Tensor({{1, 2, 3}, {4, 5, 6}}).snapshot(), snap({2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Tensor({{{1}, {2}}, {{3}, {4}}}).shape(), (Shape{2, 2, 1}));
  EXPECT_EQ(Tensor({{1, 2}}).shape(), (Shape{1, 2}));
  EXPECT_EQ(Tensor({7}).shape(), Shape{1});
}

TEST(Tensor, RefusesRaggedRows) {
  const auto message = message_of<ShapeError>([] { Tensor({{1, 2, 3}, {4, 5}}); });
  expect_mentions(message, {"tensor", "(3,)", "(2,)", "alike"});
  message_of<ShapeError>([] { Tensor({{1, 2}, 3}); });
}

TEST(Tensor, IsMadeFromAShapeAndValues) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(Tensor({3, 2}, values).snapshot(), snap({3, 2}, {1, 2, 3, 4, 5, 6}));
  const auto message = message_of<ShapeError>([&] { Tensor({2, 2}, values); });
  expect_mentions(message, {"tensor", "6 values", "(2, 2)", "4 elements"});
}

TEST(Tensor, IsMadeFilled) {
  EXPECT_EQ(Tensor::zeros({2}).snapshot(), snap({2}, {0, 0}));
  EXPECT_EQ(Tensor::ones({2, 1}).snapshot(), snap({2, 1}, {1, 1}));
  EXPECT_EQ(Tensor::full({}, 3).snapshot(), Snapshot(3.0));
  EXPECT_EQ(Tensor::zeros({2, 0, 3}).snapshot(), snap({2, 0, 3}, {}));
  EXPECT_TRUE(Tensor::ones({2}, requires_grad).requires_grad());
  EXPECT_FALSE(Tensor::ones({2}).requires_grad());
}

TEST(Tensor, KnowsItsSize) {
  const auto x = Tensor::zeros({2, 3, 4});
  EXPECT_EQ(x.dim(), 3);
  EXPECT_EQ(x.numel(), 24U);
  EXPECT_EQ(Tensor(1.0).dim(), 0);
  EXPECT_EQ(Tensor(1.0).numel(), 1U);
  EXPECT_EQ(Tensor::zeros({3, 0}).numel(), 0U);
}

TEST(Tensor, RoundsToItsPrecision) {
  EXPECT_EQ(Tensor(0.1).snapshot(), Snapshot(static_cast<double>(0.1F)));
  EXPECT_EQ(Tensor64(0.1).snapshot(), Snapshot(0.1));
  EXPECT_EQ(Tensor::from(Snapshot(0.1)).item(), 0.1F);
  EXPECT_EQ(Tensor64::from(Snapshot(0.1)).item(), 0.1);
}

TEST(Tensor, ASnapshotIsACopyAndGoesBothWays) {
  Tensor x({1, 2}, requires_grad);
  const Snapshot before = x.snapshot();
  {
    const NoGradGuard no_grad;
    x.add_(1);
  }
  EXPECT_EQ(before, snap({2}, {1, 2}));
  EXPECT_EQ(x.snapshot(), snap({2}, {2, 3}));
  const auto back = Tensor::from(before, requires_grad);
  EXPECT_EQ(back.snapshot(), before);
  EXPECT_TRUE(back.requires_grad());
  message_of<ShapeError>([] { Tensor::from(Snapshot({3}, {1, 2})); });
}

TEST(Tensor, ItemIsTheOnlyElement) {
  EXPECT_EQ(Tensor(2.0).item(), 2.0F);
  EXPECT_EQ(Tensor::full({1, 1}, 3).item(), 3.0F);
  expect_mentions(message_of<ShapeError>([] { Tensor({1, 2}).item(); }), {"item", "(2,)", "2"});
  message_of<ShapeError>([] { Tensor::zeros({0}).item(); });
}

TEST(Tensor, IsAHandleCopiesAreTheSameTensor) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor copy = x;
  (copy * 3).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {3, 3}));
  Tensor y({1, 2});
  Tensor alias = y;
  alias.add_(1);
  EXPECT_EQ(y.snapshot(), snap({2}, {2, 3}));
}

TEST(Tensor, UndefinedStandsForNoTensor) {
  const Tensor none;
  EXPECT_FALSE(none.defined());
  EXPECT_EQ(none.to_string(), "undefined");
  const Tensor x({1, 2}, requires_grad);
  EXPECT_FALSE(x.grad().defined());
  for (const auto& use : std::vector<std::function<void()>>{[&] { none.shape(); },
                                                            [&] { none.numel(); },
                                                            [&] { none.item(); },
                                                            [&] { none.snapshot(); },
                                                            [&] { none.requires_grad(); },
                                                            [&] { none.is_leaf(); },
                                                            [&] { none.grad(); },
                                                            [&] { none.detach(); },
                                                            [&] { none.backward(); },
                                                            [&] { none.exp(); },
                                                            [&] { x + none; },
                                                            [&] { none + x; },
                                                            [&] { matmul(x, none); },
                                                            [&] { none.sum(); },
                                                            [&] { none.reshape({1}); },
                                                            [&] { none.transpose(0, 1); },
                                                            [&] { Tensor(none).add_(1); },
                                                            [&] {
                                                              Tensor({1, 2}).copy_(none);
                                                            },
                                                            [&] { grad(none, x); },
                                                            [&] { grad(x.sum(), none); },
                                                            [&] { none.to_xarray(); },
                                                            [&] { none.argmax(); },
                                                            [&] { Tensor(none).requires_grad_(); },
                                                            [&] { Tensor(none).retain_grad(); }}) {
    expect_mentions(message_of<UndefinedTensorError>(use),
                    {"undefined", "run backward() first", "ask defined()"});
  }
}

TEST(Tensor, GoesThroughArraysWithoutItsHistory) {
  const Tensor x({{1, 2}, {3, 4}}, requires_grad);
  const auto message = message_of<RequiresGradError>([&] { x.to_xarray(); });
  expect_mentions(message, {"to_xarray", "(2, 2)", "detach()"});
  message_of<RequiresGradError>([&] { (x * 2).to_xarray(); });

  const xt::xarray<float> array = x.detach().to_xarray();
  EXPECT_EQ(array, (xt::xarray<float>{{1, 2}, {3, 4}}));
  const auto back = Tensor::from(array);
  EXPECT_EQ(back.snapshot(), x.snapshot());
  EXPECT_FALSE(back.requires_grad());
  EXPECT_TRUE(Tensor::from(array, requires_grad).requires_grad());
}

TEST(Tensor, AnArrayIsACopy) {
  Tensor x({1, 2});
  xt::xarray<float> array = x.to_xarray();
  array(0) = 9;
  EXPECT_EQ(x.snapshot(), snap({2}, {1, 2}));
  x.add_(1);
  EXPECT_EQ(array(1), 2.0F);
}

TEST(Tensor, LeavesAreWhatNoRecordedOperationMade) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor c({1, 2});
  EXPECT_TRUE(x.is_leaf());
  EXPECT_TRUE(c.is_leaf());
  EXPECT_TRUE((c * 2).is_leaf()) << "nothing was recorded";
  EXPECT_FALSE((c * 2).requires_grad());
  EXPECT_FALSE((x * 2).is_leaf());
  EXPECT_TRUE((x * 2).requires_grad());
  EXPECT_TRUE((c * x).requires_grad());
  EXPECT_TRUE(x.detach().is_leaf());
}

TEST(Tensor, RequiresGradIsSwitchedOnLeaves) {
  Tensor x({1, 2});
  EXPECT_TRUE(x.requires_grad_().requires_grad());
  EXPECT_TRUE(x.requires_grad_().requires_grad()) << "twice does no harm";
  EXPECT_FALSE(x.requires_grad_(false).requires_grad());
  x.requires_grad_();
  Tensor y = x * 2;
  EXPECT_TRUE(y.requires_grad_().requires_grad()) << "a result requires grad already";
  const auto message = message_of<RequiresGradError>([&] { y.requires_grad_(false); });
  expect_mentions(message, {"requires_grad_", "(2,)", "mul", "detach()"});
  EXPECT_TRUE(y.requires_grad());
}

// Frozen and unfrozen between forward and backward: the graph still leads to the same leaf.
TEST(Tensor, FreezingAndUnfreezingALeafKeepsItsGradientAndItsGraph) {
  Tensor x(2.0, requires_grad);
  (x * 3).backward();
  const Tensor y = x * x;
  x.requires_grad_(false);
  ASSERT_TRUE(x.grad().defined());
  EXPECT_EQ(x.grad().item(), 3.0F);
  x.requires_grad_(true);
  y.backward();
  EXPECT_EQ(x.grad().item(), 7.0F);
}

TEST(Tensor, AFrozenLeafReceivesNothing) {
  Tensor x(2.0, requires_grad);
  const Tensor w(5.0, requires_grad);
  const Tensor y = x * w;
  x.requires_grad_(false);
  y.backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_EQ(w.grad().item(), 2.0F);
  EXPECT_FALSE((x * 3).requires_grad());
}

TEST(Tensor, AFrozenLeafMayBeWrittenAndItsGradientForgotten) {
  Tensor x(2.0, requires_grad);
  (x * 3).backward();
  x.requires_grad_(false);
  x.mul_(2);
  EXPECT_EQ(x.item(), 4.0F);
  x.zero_grad();
  EXPECT_FALSE(x.grad().defined());
  (x.requires_grad_() * 5).backward();
  EXPECT_EQ(x.grad().item(), 5.0F);
}

TEST(Tensor, CloneHasItsOwnStorageAndPassesGradientsBack) {
  Tensor x({1, 2}, requires_grad);
  Tensor copy = x.clone();
  EXPECT_EQ(copy.snapshot(), x.snapshot());
  copy.mul_(10);
  EXPECT_EQ(x.snapshot(), snap({2}, {1, 2}));
  EXPECT_EQ(x.version(), 0U);
  copy.sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {10, 10}));
  EXPECT_FALSE(Tensor({1, 2}).clone().requires_grad());
}

TEST(Tensor, DetachSharesValuesButNotHistory) {
  Tensor x({1, 2}, requires_grad);
  Tensor y = x * 3;
  Tensor d = y.detach();
  EXPECT_FALSE(d.requires_grad());
  EXPECT_EQ(d.snapshot(), y.snapshot());
  d.mul_(2);
  EXPECT_EQ(y.snapshot(), snap({2}, {6, 12})) << "one storage";
  EXPECT_EQ(y.version(), 1U);
  EXPECT_EQ(d.version(), 1U);
  d.requires_grad_();
  EXPECT_TRUE(d.is_leaf());
  EXPECT_FALSE(y.is_leaf());
}

TEST(Tensor, AGradientCanBeSetAndForgotten) {
  Tensor x({1, 2}, requires_grad);
  x.set_grad(Tensor({5, 6}));
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {5, 6}));
  (x * 2).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {7, 8}));
  x.zero_grad();
  EXPECT_FALSE(x.grad().defined());
  const auto message = message_of<ShapeError>([&] { x.set_grad(Tensor({1, 2, 3})); });
  expect_mentions(message, {"set_grad", "(3,)", "(2,)"});
  message_of<ShapeError>([&] { x.set_grad(Tensor({{1, 2}})); });  // as many elements
}

TEST(Tensor, WithoutRequiresGradThereIsNoGradientToSet) {
  Tensor c({1, 2});
  EXPECT_FALSE(c.grad().defined());
  c.zero_grad();
  const auto message = message_of<RequiresGradError>([&] { c.set_grad(Tensor({1, 2})); });
  expect_mentions(message, {"set_grad", "(2,)", "requires_grad_()"});
}

TEST(Tensor, IsWrittenAsPyTorchWritesArrays) {
  EXPECT_EQ(Tensor(2.5).to_string(), "2.5");
  EXPECT_EQ(Tensor({1, 2.5, -3}).to_string(), "[ 1. ,  2.5, -3. ]");
  EXPECT_EQ(Tensor({{1, 2}, {3, 4}}).to_string(), "[[ 1.,  2.],\n [ 3.,  4.]]");
  EXPECT_EQ(Tensor::zeros({0}).to_string(), "[]");
}

TEST(Tensor, ItsNodeForgetsItWhenItIsGone) {
  const Tensor x({1, 2}, requires_grad);
  Ref<Node<float>> node;
  {
    const Tensor y = x * 2;
    node = node_of(y);
    EXPECT_NE(node->output, nullptr);
  }
  EXPECT_EQ(node->output, nullptr);
}

}  // namespace
}  // namespace gradbook
