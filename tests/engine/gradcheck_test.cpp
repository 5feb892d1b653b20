#include "engine/gradcheck.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gradbook
