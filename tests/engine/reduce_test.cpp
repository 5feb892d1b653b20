// Sums, means and argmax over every set of dimensions, against a loop over all elements.
#include <cmath>
#include <limits>
#include <vector>

#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

/// For each element of a tensor of `shape`: which element of the reduced tensor it belongs to.
std::vector<std::size_t> reference_targets(const Shape& shape, const std::vector<bool>& reduced) {
  std::vector<std::size_t> targets;
  for (std::size_t i = 0; i < numel(shape); ++i) {
    std::size_t rest = i;
    std::size_t target = 0;
    std::size_t stride = 1;
    for (std::size_t d = shape.size(); d-- > 0;) {
      const std::size_t index = rest % shape[d];
      rest /= shape[d];
      if (reduced[d]) continue;
      target += index * stride;
      stride *= shape[d];
    }
    targets.push_back(target);
  }
  return targets;
}

/// The set bits of `subset` as dimensions, every second one counted from the end.
Dims dims_of(unsigned subset, std::size_t rank) {
  Dims dims;
  for (std::size_t d = 0; d < rank; ++d) {
    if ((subset & (1U << d)) == 0) continue;
    const auto dim = static_cast<std::int64_t>(d);
    dims.push_back(d % 2 == 0 ? dim : dim - static_cast<std::int64_t>(rank));
  }
  return dims;
}

void expect_reductions(const Shape& shape, const Dims& dims, bool keepdim) {
  const std::string what =
      to_string(shape) + ::testing::PrintToString(dims) + (keepdim ? " keepdim" : "");
  std::vector<bool> reduced(shape.size(), dims.empty());
  for (const std::int64_t dim : dims) {
    reduced[static_cast<std::size_t>(dim) + (dim < 0 ? shape.size() : 0)] = true;
  }
  Shape result;
  double terms = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (reduced[d]) terms *= static_cast<double>(shape[d]);
    if (!reduced[d]) result.push_back(shape[d]);
    if (reduced[d] && keepdim) result.push_back(1);
  }
  const auto targets = reference_targets(shape, reduced);

  const Tensor64 x = Tensor64::from(random_tensor(shape, 1).snapshot(), requires_grad);
  const Tensor64 g = random_tensor(result, 2);
  const Snapshot values = x.snapshot();
  const Snapshot cotangent = g.snapshot();
  Snapshot sum(result, std::vector<double>(numel(result), 0.0));
  Snapshot sum_gradient = values;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    sum.values[targets[i]] += values.values[i];
    sum_gradient.values[i] = cotangent.values[targets[i]];
  }
  Snapshot mean = sum;
  Snapshot mean_gradient = sum_gradient;
  for (double& value : mean.values) value /= terms;
  for (double& value : mean_gradient.values) value /= terms;

  const Tensor64 engine_sum = x.sum(dims, keepdim);
  const Tensor64 engine_mean = x.mean(dims, keepdim);
  expect_near(engine_sum.snapshot(), sum, 1e-13, what);
  expect_near(engine_mean.snapshot(), mean, 1e-13, what);
  expect_near(grad<double>({engine_sum}, {x}, {g})[0].snapshot(), sum_gradient, 0, what);
  expect_near(grad<double>({engine_mean}, {x}, {g})[0].snapshot(), mean_gradient, 1e-15, what);
}

TEST(Reduce, EverySetOfDimensionsOfEveryRank) {
  for (const Shape& shape :
       {Shape{}, Shape{1}, Shape{5}, Shape{2, 3}, Shape{3, 1}, Shape{2, 3, 4}, Shape{1, 3, 1},
        Shape{2, 3, 2, 4}, Shape{3, 1, 2, 1}, Shape{2, 1, 3, 2, 2}, Shape{2, 3, 2, 2, 3, 2}}) {
    for (unsigned subset = 0; subset < (1U << shape.size()); ++subset) {
      for (const bool keepdim : {false, true}) {
        expect_reductions(shape, dims_of(subset, shape.size()), keepdim);
      }
    }
  }
}

// Long enough for the blocked kernels: many rows, long rows, and both.
TEST(Reduce, LongDimensions) {
  for (const Shape& shape : {Shape{1000}, Shape{3, 700}, Shape{700, 3}, Shape{130, 2, 150},
                             Shape{2, 300, 3}, Shape{100, 3, 40, 2}}) {
    for (unsigned subset = 0; subset < (1U << shape.size()); ++subset) {
      expect_reductions(shape, dims_of(subset, shape.size()), false);
    }
  }
}

TEST(Reduce, DimensionsInAnyOrderAreTheSameSet) {
  const Tensor64 x = random_tensor({2, 3, 4}, 1);
  EXPECT_EQ(x.sum({2, 0}).snapshot(), x.sum({0, 2}).snapshot());
  EXPECT_EQ(x.sum({-1, -3}).snapshot(), x.sum({0, 2}).snapshot());
  EXPECT_EQ(x.mean({1, 0}).snapshot(), x.mean({-3, -2}).snapshot());
}

TEST(Reduce, ZeroSizedDimensionsSumToZeroAndHaveNoMean) {
  const auto x = Tensor::zeros({2, 0, 3}, requires_grad);
  EXPECT_EQ(x.sum().snapshot(), Snapshot(0.0));
  EXPECT_EQ(x.sum({1}).snapshot(), snap({2, 3}, std::vector<double>(6, 0.0)));
  EXPECT_EQ(x.sum({0}).snapshot(), snap({0, 3}, {}));
  EXPECT_EQ(x.sum({1}, true).shape(), (Shape{2, 1, 3}));
  EXPECT_TRUE(std::isnan(x.mean().item())) << "as LibTorch: 0 / 0";
  for (const double value : x.mean({1}).snapshot().values) EXPECT_TRUE(std::isnan(value));
  x.mean().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2, 0, 3}, {}));
}

TEST(Reduce, AScalarHasOneDimensionToName) {
  const Tensor x(3.0, requires_grad);
  EXPECT_EQ(x.sum({0}).snapshot(), Snapshot(3.0));
  EXPECT_EQ(x.mean({-1}, true).snapshot(), Snapshot(3.0));
  x.sum({0}).backward();
  EXPECT_EQ(x.grad().item(), 1.0F);
}

// Rows are added up side by side, as many as a register holds numbers, and long ones in parts: the
// sizes here lie around all of these. Whole numbers, so that every order of additions is exact.
template <class T>
void expect_exact_row_sums(std::size_t rows, std::size_t n) {
  const auto number = [](std::size_t i) { return static_cast<double>(i * 37 % 101) - 50; };
  std::vector<double> sums(rows, 0);
  double total = 0;
  std::vector<T> values;
  for (std::size_t i = 0; i < rows * n; ++i) {
    values.push_back(static_cast<T>(number(i)));
    sums[i / n] += number(i);
    total += number(i);
  }
  const BasicTensor<T> x({rows, n}, values);
  EXPECT_EQ(x.sum({1}).snapshot().values, sums) << rows << " rows of " << n;
  EXPECT_EQ(x.sum().snapshot().values, std::vector<double>{total}) << rows << " rows of " << n;
}

TEST(Reduce, RowsOfEveryLengthInGroupsOfEverySize) {
  for (const std::size_t rows : {1, 3, 4, 7, 8, 9, 16, 23}) {
    for (const std::size_t n :
         {1, 2, 7, 8, 9, 31, 32, 33, 67, 1024, 1025, 2047, 2048, 2049, 5003}) {
      expect_exact_row_sums<float>(rows, n);
      expect_exact_row_sums<double>(rows, n);
    }
  }
}

TEST(Reduce, MeanOfTheTextbookMatrix) {
  const Tensor x({{1, 2, 3}, {4, 5, 6}}, requires_grad);
  const Tensor y = x.mean();
  EXPECT_EQ(y.item(), 3.5F);
  y.backward();
  expect_near(x.grad().snapshot(), snap({2, 3}, std::vector<double>(6, 0.16666667)), 1e-8);
}

TEST(Reduce, DimensionsOutOfRangeOrNamedTwiceAreRefused) {
  const auto x = Tensor::zeros({2, 3});
  expect_mentions(message_of<DimensionError>([&] { x.sum({2}); }),
                  {"sum", "2", "(2, 3)", "-2 to 1"});
  expect_mentions(message_of<DimensionError>([&] { x.mean({-3}); }), {"mean", "-3", "(2, 3)"});
  expect_mentions(message_of<DimensionError>([&] { x.sum({0, -2}); }), {"sum", "twice", "(2, 3)"});
}

// --- accuracy ---

// Terms are added in pairs, so a sum errs by a few roundings at the scale of the terms' sum,
// however many there are: 16 units in the last place allow for 2^16 terms. One after the other they
// would err by thousands, since every 0.1f is rounded the same way for long stretches.
void expect_accurate_sum(const Shape& shape, const Dims& dims) {
  const double term = static_cast<double>(0.1F);
  const Snapshot sums = Tensor::full(shape, term).sum(dims).snapshot();
  const double terms = static_cast<double>(numel(shape) / sums.values.size());
  for (const double sum : sums.values) {
    EXPECT_NEAR(sum / (terms * term), 1, 16 * 6e-8)
        << to_string(shape) << " over " << ::testing::PrintToString(dims);
  }
}

constexpr std::size_t many = 200000;

TEST(ReduceAccuracy, GrowsWithTheLogarithmOfTheNumberOfTerms) {
  expect_accurate_sum({many}, {});
  expect_accurate_sum({many / 2, 2}, {});
  expect_accurate_sum({many, 2}, {0});
  expect_accurate_sum({2, many}, {1});
  expect_accurate_sum({17, many}, {1});
  expect_accurate_sum({2, many, 2}, {1});
  expect_accurate_sum({many, 2, 3}, {0});
}

TEST(ReduceAccuracy, AlsoWithAKeptDimensionBetweenReducedOnes) {
  expect_accurate_sum({many, 2, 2}, {0, 2});
  expect_accurate_sum({many, 2, 2, 2}, {0, 2});
  expect_accurate_sum({2, 2, many}, {0, 2});
}

TEST(ReduceAccuracy, MoreOnesThanAFloatCanCountOneByOne) {
  // 2^24 + 1 is not a float32: counting by ones stops at 2^24.
  constexpr std::size_t n = (1U << 24) + 64;
  EXPECT_EQ(Tensor::ones({n}).sum().item(), static_cast<float>(n));
}

TEST(ReduceAccuracy, InfinitiesAndNaNPassThrough) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Tensor({1, inf, 2}).sum().item(), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(Tensor({inf, -inf, 1}).sum().item()));
  EXPECT_TRUE(std::isnan(Tensor({1, std::nan(""), 1}).mean().item()));
}

// --- argmax ---

TEST(Argmax, IsTheFirstOfTheLargest) {
  const Tensor x({{1, 5, 5}, {7, 2, 7}});
  EXPECT_EQ(x.argmax(), 3);
  EXPECT_EQ(x.argmax(1), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(x.argmax(-1), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(x.argmax(0), (std::vector<std::int64_t>{1, 0, 1}));
}

TEST(Argmax, AlongAMiddleDimension) {
  const Tensor x({{{1, 8}, {9, 2}, {3, 4}}, {{0, 0}, {-1, 5}, {1, 6}}});
  EXPECT_EQ(x.argmax(1), (std::vector<std::int64_t>{1, 0, 2, 2}));
}

TEST(Argmax, NaNCountsAsLargest) {
  const double nan = std::nan("");
  EXPECT_EQ(Tensor({1, nan, 9, nan}).argmax(), 1);
  EXPECT_EQ(Tensor({nan, 9}).argmax(), 0);
}

TEST(Argmax, OfTensorsThatRequireGradHasNoGradient) {
  const Tensor x({1, 3, 2}, requires_grad);
  EXPECT_EQ((x * 2).argmax(), 1);
  EXPECT_EQ(x.argmax(0), (std::vector<std::int64_t>{1}));
}

TEST(Argmax, OfNothingIsRefused) {
  expect_mentions(message_of<ShapeError>([] { Tensor::zeros({0}).argmax(); }),
                  {"argmax", "(0,)", "ask numel()"});
  expect_mentions(message_of<ShapeError>([] {
                    Tensor::zeros({3, 0}).argmax(1);
                  }),
                  {"argmax", "dimension 1", "(3, 0)", "take another"});
  EXPECT_TRUE(Tensor::zeros({3, 0}).argmax(0).empty());
  expect_mentions(message_of<DimensionError>([] { Tensor::zeros({3}).argmax(1); }),
                  {"argmax", "(3,)", "-1 to 0"});
  EXPECT_EQ(Tensor(4.0).argmax(), 0);
  EXPECT_EQ(Tensor(4.0).argmax(0), (std::vector<std::int64_t>{0}));
}

}  // namespace
}  // namespace gradbook
