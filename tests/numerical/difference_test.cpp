// The yardstick itself: that its bounds hold, are no looser than they need be, and notice.
#include "tests/numerical/difference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradbook::numerical {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

TEST(CentralDifference, IsWithinItsBoundWhateverTheFifthDerivative) {
  for (const double frequency : {1.0, 5.0, 25.0, 125.0}) {
    const auto sine = [&](double x) { return std::sin(frequency * (x + 0.3)); };
    const double exact = frequency * std::cos(frequency * 0.3);
    // std::sin is right to an ulp, and its argument is rounded twice.
    const Difference difference = central_difference(sine, (1 + frequency) * epsilon);
    EXPECT_LE(std::abs(difference.value - exact), difference.error) << frequency;
    EXPECT_TRUE(says_something(difference.error, frequency)) << difference.error;
  }
}

TEST(CentralDifference, BoundsRounding) {
  const auto noisy = [](double x) { return std::round((1.9 * x + 0.1) * 0x1p30) * 0x1p-30; };
  const Difference difference = central_difference(noisy, 0x1p-31);
  EXPECT_GT(std::abs(difference.value - 1.9), 0);
  EXPECT_LE(std::abs(difference.value - 1.9), difference.error);
}

TEST(CentralDifference, OfAKinkHasABoundThatSaysNothing) {
  const auto kink = [](double x) { return std::max(x - coarse_step / 3, 0.0); };
  EXPECT_FALSE(says_something(central_difference(kink, 0).error, 1));
}

const std::vector<Snapshot> inputs = {{{2}, {0.5, -1.25}}, {{1}, {2}}};

TEST(CompareGradients, AgreesWithARightGradient) {
  const Comparison comparison = compare_gradients(
      [](const std::vector<Tensor64>& in) { return (in[0].exp() * in[1]).sum(); }, inputs);
  EXPECT_EQ(comparison.failure, "");
  EXPECT_NEAR(comparison.largest_gradient, 2 * std::exp(0.5), 1e-12);
  EXPECT_LT(comparison.largest_allowance, 1e-9);
  EXPECT_GT(comparison.largest_allowance, comparison.largest_error);
}

TEST(CompareGradients, NoticesAGradientThatIsSlightlyWrong) {
  const auto slightly_detached = [](const std::vector<Tensor64>& in) {
    return (in[0].exp() * in[1]).sum() + (in[0].detach() * 1e-8).sum();
  };
  const Comparison comparison = compare_gradients(slightly_detached, inputs);
  EXPECT_NE(comparison.failure.find("the gradient of input 0, element"), std::string::npos)
      << comparison.failure;
}

TEST(CompareGradients, NoticesAnInputThatIsLeftOut) {
  const Comparison comparison = compare_gradients(
      [](const std::vector<Tensor64>& in) { return (in[0] * in[1].detach()).sum(); }, inputs);
  EXPECT_NE(comparison.failure.find("the gradient of input 1, element 0 is 0"), std::string::npos)
      << comparison.failure;
}

TEST(CompareGradients, DoesNotPassWhereDifferencesSayNothing) {
  const Comparison comparison = compare_gradients(
      [](const std::vector<Tensor64>& in) { return (in[0] - 0.5).relu().sum(); }, inputs);
  EXPECT_NE(comparison.failure, "");
}

TEST(CompareGradients, DoesNotPassNaN) {
  const Comparison comparison =
      compare_gradients([](const std::vector<Tensor64>& in) { return in[0].log().sum(); }, inputs);
  EXPECT_NE(comparison.failure, "");
}

TEST(RoundingOfResult, IsThatOfTheLastBackwardPassOnly) {
  Trace trace;
  {
    const TraceScope scope(trace);
    const Tensor64 x({1000, 1000}, requires_grad);
    x.exp().sum().backward();
    const Tensor64 y({0.5, 0.25}, requires_grad);
    (y * 2).sum().backward();
  }
  // Each of five places holds 0.75 or 1.5: y at its multiplication and at the end, the product at
  // its multiplication and at the sum, the sum.
  EXPECT_DOUBLE_EQ(rounding_of_result(trace), 4 * epsilon * (1.5 * 5));
}

}  // namespace
}  // namespace gradbook::numerical
