// reshape, transpose, t: the same elements, arranged anew. (expand and sum_to are in
// broadcasting_test.cpp.)
#include <functional>
#include <vector>

#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

TEST(Reshape, KeepsTheElementsInOrder) {
  const Tensor x({{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(x.reshape({3, 2}).snapshot(), snap({3, 2}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(x.reshape({6}).snapshot(), snap({6}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(x.reshape({1, 6, 1}).shape(), (Shape{1, 6, 1}));
  EXPECT_EQ(Tensor({7}, without_grad).reshape({}).snapshot(), Snapshot(7.0));
  EXPECT_EQ(Tensor(7.0).reshape({1, 1}).snapshot(), snap({1, 1}, {7}));
}

TEST(Reshape, InfersOneSize) {
  const auto x = Tensor::zeros({2, 3, 4});
  EXPECT_EQ(x.reshape({-1}).shape(), Shape{24});
  EXPECT_EQ(x.reshape({6, -1}).shape(), (Shape{6, 4}));
  EXPECT_EQ(x.reshape({-1, 12}).shape(), (Shape{2, 12}));
  EXPECT_EQ(x.reshape({24, -1}).shape(), (Shape{24, 1}));
  EXPECT_EQ(Tensor(1.0).reshape({-1}).shape(), Shape{1});
  EXPECT_EQ(Tensor::zeros({0, 3}).reshape({-1, 3}).shape(), (Shape{0, 3}));
}

TEST(Reshape, RefusesWhatDoesNotFit) {
  const auto x = Tensor::zeros({2, 3});
  const auto refused = [&](const Dims& sizes) {
    return message_of<ShapeError>([&] { x.reshape(sizes); });
  };
  expect_mentions(refused({4}), {"reshape", "(2, 3)", "6 elements", "(4)", "choose sizes"});
  expect_mentions(refused({-1, 4}), {"reshape", "-1", "choose others"});
  expect_mentions(refused({-1, -1}), {"only one", "-1", "write out the others"});
  expect_mentions(refused({-2, 3}), {"negative", "write -1"});
  refused({});
  refused({0});
  refused({0, -1});
  expect_mentions(message_of<ShapeError>([] {
                    Tensor::zeros({0, 3}).reshape({-1, 0});
                  }),
                  {"reshape", "(0, 3)", "-1"});
}

TEST(Reshape, SharesTheStorage) {
  Tensor x({1, 2, 3, 4});
  const Tensor y = x.reshape({2, 2});
  x.mul_(10);
  EXPECT_EQ(y.snapshot(), snap({2, 2}, {10, 20, 30, 40}));
}

TEST(Reshape, HandsTheGradientBackInTheOldShape) {
  const Tensor x({{1, 2, 3}, {4, 5, 6}}, requires_grad);
  x.reshape({3, 2}).backward(Tensor({{1, 2}, {3, 4}, {5, 6}}));
  EXPECT_EQ(x.grad().snapshot(), snap({2, 3}, {1, 2, 3, 4, 5, 6}));
}

TEST(Transpose, ExchangesTwoDimensions) {
  const Tensor x({{1, 2, 3}, {4, 5, 6}});
  const Snapshot expected = snap({3, 2}, {1, 4, 2, 5, 3, 6});
  EXPECT_EQ(x.transpose(0, 1).snapshot(), expected);
  EXPECT_EQ(x.transpose(1, 0).snapshot(), expected);
  EXPECT_EQ(x.transpose(-1, -2).snapshot(), expected);
  EXPECT_EQ(x.t().snapshot(), expected);
  EXPECT_EQ(x.transpose(1, 1).snapshot(), x.snapshot());
}

// Element by element: result[..., i, ..., k, ...] is x[..., k, ..., i, ...].
TEST(Transpose, EveryPairOfDimensionsUpToRankFour) {
  for (const Shape& shape : {Shape{2, 3}, Shape{1, 3}, Shape{2, 3, 4}, Shape{2, 1, 3, 2},
                             Shape{3, 2, 4, 5}, Shape{2, 0, 3}}) {
    for (std::size_t d0 = 0; d0 < shape.size(); ++d0) {
      for (std::size_t d1 = 0; d1 < shape.size(); ++d1) {
        const Tensor64 x = Tensor64::from(random_tensor(shape, 1).snapshot(), requires_grad);
        Shape swapped = shape;
        std::swap(swapped[d0], swapped[d1]);
        const Tensor64 y =
            x.transpose(static_cast<std::int64_t>(d0), static_cast<std::int64_t>(d1));
        ASSERT_EQ(y.shape(), swapped);
        const Tensor64 g = random_tensor(swapped, 2);
        Snapshot expected = y.snapshot();
        Snapshot gradient = x.snapshot();
        const Shape strides = contiguous_strides(shape);
        for (std::size_t i = 0; i < numel(shape); ++i) {
          std::size_t rest = i;
          Shape index(shape.size(), 0);
          for (std::size_t d = shape.size(); d-- > 0;) {
            index[d] = rest % swapped[d];
            rest /= swapped[d];
          }
          std::swap(index[d0], index[d1]);
          std::size_t source = 0;
          for (std::size_t d = 0; d < shape.size(); ++d) source += index[d] * strides[d];
          expected.values[i] = x.snapshot().values[source];
          gradient.values[source] = g.snapshot().values[i];
        }
        EXPECT_EQ(y.snapshot(), expected) << to_string(shape) << d0 << d1;
        EXPECT_EQ(grad<double>({y}, {x}, {g})[0].snapshot(), gradient)
            << to_string(shape) << d0 << d1;
      }
    }
  }
}

// A decided difference from LibTorch, where a transpose is a view.
TEST(Transpose, IsACopy) {
  Tensor x({{1, 2}, {3, 4}});
  const Tensor y = x.t();
  x.zero_();
  EXPECT_EQ(y.snapshot(), snap({2, 2}, {1, 3, 2, 4}));
  EXPECT_EQ(y.version(), 0U);
}

TEST(Transpose, ScalarsAndVectorsStayWhatTheyAre) {
  EXPECT_EQ(Tensor(3.0).transpose(0, -1).snapshot(), Snapshot(3.0));
  EXPECT_EQ(Tensor({1, 2}).transpose(0, 0).snapshot(), snap({2}, {1, 2}));
  EXPECT_EQ(Tensor({1, 2}).t().snapshot(), snap({2}, {1, 2}));
  EXPECT_EQ(Tensor(3.0).t().snapshot(), Snapshot(3.0));
  const Tensor x(3.0, requires_grad);
  (x.transpose(0, 0) * 2).backward();
  EXPECT_EQ(x.grad().item(), 2.0F);
}

TEST(Transpose, RefusesDimensionsOutOfRange) {
  const auto x = Tensor::zeros({2, 3});
  expect_mentions(message_of<DimensionError>([&] { x.transpose(0, 2); }),
                  {"transpose", "2", "(2, 3)", "-2 to 1"});
  message_of<DimensionError>([&] { x.transpose(-3, 0); });
  message_of<DimensionError>([] { Tensor(1.0).transpose(0, 1); });
  expect_mentions(message_of<ShapeError>([] {
                    Tensor::zeros({2, 3, 4}).t();
                  }),
                  {"t:", "(2, 3, 4)", "transpose(dim0, dim1)"});
}

TEST(Expand, IsACopyThatSumsBack) {
  Tensor x({{1}, {2}}, requires_grad);
  const Tensor y = x.expand({3, 2, 2});
  EXPECT_EQ(y.snapshot(), snap({3, 2, 2}, {1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2}));
  y.sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2, 1}, {6, 6}));
  {
    const NoGradGuard no_grad;
    x.zero_();
  }
  EXPECT_EQ(y.snapshot().values[0], 1.0);
}

TEST(ShapeOps, CombineInOneGraph) {
  const auto f = [](const std::vector<Tensor64>& x) {
    const Tensor64 y = x[0].transpose(0, 2).reshape({4, -1}).t() * x[1];
    return y.reshape({2, 3, 4}).sum({1}).exp().expand({2, 2, 4}).sum_to({2, 1});
  };
  expect_two_derivatives(
      f, {random_tensor({2, 3, 4}, 1).snapshot(), random_tensor({4}, 2).snapshot()});
}

}  // namespace
}  // namespace gradbook
