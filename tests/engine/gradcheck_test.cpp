#include "engine/gradcheck.hpp"

#include <cmath>
#include <string>

#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

using Many = std::vector<Tensor64>;

TEST(Gradcheck, AcceptsARightGradient) {
  const auto f = [](const Many& in) { return matmul(in[0], in[1]).sigmoid().log(); };
  const GradcheckResult result =
      gradcheck(f, {Tensor64({{1, 2}, {3, -4}}), Tensor64({{0.1, 0.2}, {-0.3, 0.4}})});
  EXPECT_TRUE(result.ok) << result.where;
  EXPECT_GT(result.largest_error, 0) << "a central difference is never exact here";
}

TEST(Gradcheck, FindsAGradientWithAPathCutOff) {
  const auto f = [](const Many& in) { return in[0] * in[0].detach(); };
  const GradcheckResult result = gradcheck(f, {Tensor64({1, 2, 3})});
  EXPECT_FALSE(result.ok);
  EXPECT_GT(result.largest_error, 0.1);
}

TEST(Gradcheck, NamesTheElementThatIsWrong) {
  const auto f = [](const Many& in) {
    const Tensor64 mask({0, 0, 1});  // the third element's gradient is lost
    return in[0] * in[0] - mask * (in[0] * in[0]) + mask * (in[0] * in[0]).detach();
  };
  const GradcheckResult result = gradcheck(f, {Tensor64({1, 2, 3})});
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.where, "input 0, element 2");
}

TEST(Gradcheck, TakesAnUnusedInputAsAGradientOfZero) {
  const auto f = [](const Many& in) { return in[0] * 2; };
  EXPECT_TRUE(gradcheck(f, {Tensor64({1, 2}), Tensor64({3})}).ok);
}

TEST(Gradcheck, FailsOnNaNAndNamesTheFirst) {
  const auto f = [](const Many& in) { return in[0].log(); };
  const GradcheckResult result = gradcheck(f, {Tensor64({3, -1, 2, -2})});
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.where, "input 0, element 0") << "one NaN in the sum spoils every difference";
}

TEST(Gradcheck, TakesAConstantAsAGradientOfZero) {
  const auto f = [](const Many&) { return Tensor64({1, 2}); };
  EXPECT_TRUE(gradcheck(f, {Tensor64({1, 2})}).ok);
}

TEST(Gradcheck, NoticesWhatASumWouldCancel) {
  // The gradients of both elements are wrong, by amounts that add up to nothing.
  const auto f = [](const Many& in) {
    const Tensor64 wrong({1, -1});
    return in[0] + wrong * in[0] - wrong * in[0].detach();
  };
  EXPECT_FALSE(gradcheck(f, {Tensor64({1, 1})}).ok);
}

/// f(x) = by_value x, of which `by_gradient` x is all that the engine gets to differentiate.
std::function<Tensor64(const Many&)> partly_detached(const Tensor64& by_value,
                                                     const Tensor64& by_gradient) {
  return [=](const Many& in) {
    return by_gradient * in[0] + (by_value - by_gradient) * in[0].detach();
  };
}

/// What gradcheck() multiplies an output of `shape` with.
std::vector<double> weights(const Shape& shape, std::uint32_t seed) {
  return random_tensor(shape, seed).snapshot().values;
}

TEST(Gradcheck, HasTheDefaultsThatItsPageStates) {
  const GradcheckOptions options;
  EXPECT_EQ(options.step, 1e-6);
  EXPECT_EQ(options.rtol, 1e-6);
  EXPECT_EQ(options.atol, 1e-8);
  EXPECT_EQ(options.seed, 0U);
  const GradcheckResult nothing = gradcheck([](const Many&) { return Tensor64(1); }, {});
  EXPECT_TRUE(nothing.ok);
  EXPECT_EQ(nothing.largest_error, 0);
  EXPECT_EQ(nothing.allowance, 0);
  EXPECT_EQ(nothing.where, "");
}

TEST(Gradcheck, MeasuresTheErrorAndSaysWhatWasAllowed) {
  const auto f = partly_detached(Tensor64({3}), Tensor64({1}));
  for (const std::uint32_t seed : {0U, 5U}) {
    const double weight = std::abs(weights({1}, seed)[0]);
    const GradcheckResult result =
        gradcheck(f, {Tensor64({2})}, {.rtol = 0.25, .atol = 0.5, .seed = seed});
    EXPECT_NEAR(result.largest_error, 2 * weight, 1e-7);
    EXPECT_NEAR(result.allowance, 0.5 + 0.25 * 3 * weight, 1e-7);
  }
}

TEST(Gradcheck, AllowsTheSumOfARelativeAndAnAbsoluteError) {
  const auto f = partly_detached(Tensor64({3}), Tensor64({1}));
  const double weight = std::abs(weights({1}, 0)[0]);
  const auto ok = [&](double rtol, double atol) {
    return gradcheck(f, {Tensor64({2})}, {.rtol = rtol, .atol = atol}).ok;
  };
  EXPECT_TRUE(ok(0.667, 0)) << "an error of 2 where the derivative is 3";
  EXPECT_FALSE(ok(0.666, 0));
  EXPECT_TRUE(ok(0, 2.001 * weight));
  EXPECT_FALSE(ok(0, 1.999 * weight));
  EXPECT_TRUE(ok(0.334, weight));
  EXPECT_FALSE(ok(0.333, 0.999 * weight));
}

TEST(Gradcheck, TakesTheDifferenceOverTheStepOnBothSides) {
  const auto cube = [](const Many& in) { return in[0] * in[0] * in[0]; };
  const GradcheckResult result = gradcheck(cube, {Tensor64({1})}, {.step = 0.5});
  EXPECT_FALSE(result.ok);
  // ((x + h)³ - (x - h)³) / 2h = 3x² + h²
  EXPECT_NEAR(result.largest_error, 0.25 * std::abs(weights({1}, 0)[0]), 1e-12);
}

TEST(Gradcheck, NamesTheErrorThatIsLargestForWhatIsAllowed) {
  const std::vector<double> weight = weights({2}, 0);
  for (const std::size_t wrong : {0U, 1U}) {
    // A fifth is missing of the derivative of one, half of the other's, which is smaller.
    std::vector<double> by_value{10, 10};
    std::vector<double> by_gradient{8, 8};
    by_value[wrong] = 1;
    by_gradient[wrong] = 0.5;
    const GradcheckResult result =
        gradcheck(partly_detached(Tensor64({2}, by_value), Tensor64({2}, by_gradient)),
                  {Tensor64({1, 2})}, {.rtol = 1, .atol = 0});
    EXPECT_TRUE(result.ok);
    EXPECT_EQ(result.where, "input 0, element " + std::to_string(wrong));
    EXPECT_NEAR(result.largest_error, 0.5 * std::abs(weight[wrong]), 1e-7);
    EXPECT_NEAR(result.allowance, std::abs(weight[wrong]), 1e-7);
  }
}

TEST(Gradcheck, NamesTheInputThatIsWrong) {
  const auto f = [](const Many& in) { return in[0] + in[1].detach() * 2 + in[2]; };
  const GradcheckResult result = gradcheck(f, {Tensor64({1}), Tensor64({2}), Tensor64({3})});
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.where, "input 1, element 0");
}

TEST(Gradcheck, LeavesTheInputsAloneAndGivesTheFunctionLeavesThatRequireGrad) {
  const Tensor64 x({1, 2}, requires_grad);
  int runs = 0;
  const auto f = [&](const Many& in) {
    EXPECT_TRUE(in[0].requires_grad() && in[0].is_leaf());
    ++runs;
    return in[0].exp();
  };
  EXPECT_TRUE(gradcheck(f, {x}).ok);
  EXPECT_EQ(runs, 5) << "once for the gradient, and on both sides of each element";
  EXPECT_EQ(x.snapshot(), Snapshot({2}, {1, 2}));
  EXPECT_FALSE(x.grad().defined());
}

}  // namespace
}  // namespace gradbook
