// Random programs, once and twice differentiated, against central differences.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/fuzz/compare.hpp"
#include "tests/fuzz/edit.hpp"
#include "tests/numerical/smooth_program.hpp"

namespace gradbook::numerical {
namespace {

constexpr std::uint64_t seed = 20;
constexpr std::size_t wanted = 200;
constexpr std::size_t most_tries = 4000;

/// Compares random programs until `wanted` of them were; `derived` makes of a smooth program what
/// is to be compared.
template <class Derive>
void expect_agreement(const Derive& derived) {
  std::map<Skipped, std::size_t> skipped;
  std::vector<std::size_t> operations;
  double largest_ratio = 0;
  std::size_t tried = 0;
  for (; tried < most_tries && operations.size() < wanted; ++tried) {
    const std::optional<SmoothProgram> smooth = smooth_part(fuzz::random_program(seed, tried));
    const std::optional<SmoothProgram> function = smooth ? derived(*smooth) : std::nullopt;
    if (!function) {
      ++skipped["nothing to differentiate"];
      continue;
    }
    const ProgramComparison comparison = compare_program(*function);
    if (!comparison.skipped.empty()) {
      ++skipped[comparison.skipped];
      continue;
    }
    operations.push_back(function->operations());
    largest_ratio = std::max(largest_ratio, comparison.largest_ratio);
    EXPECT_EQ(comparison.failure, "") << "program " << tried << " of seed " << seed << ":\n"
                                      << fuzz::to_text(function->program);
  }
  std::string counts;
  for (const auto& [why, count] : skipped) counts += fmt::format("; {}: {}", why, count);
  std::sort(operations.begin(), operations.end());
  const std::size_t median = operations.empty() ? 0 : operations[operations.size() / 2];
  const std::string figures = fmt::format(
      "{} of {} programs compared, median of operations {}, at most {:.0f}% of the bound"
      "{}",
      operations.size(), tried, median, 100 * largest_ratio, counts);
  testing::Test::RecordProperty("figures", figures);
  EXPECT_EQ(operations.size(), wanted) << figures;
  EXPECT_GE(median, 12U) << figures;
}

TEST(ProgramsNumerically, GradientsOf200AreCentralDifferences) {
  expect_agreement([](const SmoothProgram& program) { return std::optional(program); });
}

TEST(ProgramsNumerically, GradientsOfGradientsOf200AreCentralDifferences) {
  expect_agreement(gradients_of);
}

reference::Line leaf(std::vector<double> values, double requires_grad = 1) {
  const Shape shape{values.size()};
  return {"leaf", {}, {{"requires_grad", {requires_grad}}}, {shape, std::move(values)}};
}

reference::Program program_of(std::vector<reference::Line> lines) {
  return {reference::Precision::float32, std::move(lines)};
}

TEST(SmoothPart, ActsAsIfNothingWereDetachedOrNotRecorded) {
  const auto smooth = smooth_part(program_of({leaf({0.5, 1}),
                                              {"no_grad", {}},
                                              {"exp", {0}},
                                              {"end_no_grad", {}},
                                              {"detach", {2}},
                                              {"mul", {4, 0}},
                                              {"backward", {5}}}));
  ASSERT_TRUE(smooth);
  EXPECT_EQ(smooth->leaves, std::vector<std::size_t>{0});
  const std::string text = fuzz::to_text(smooth->program);
  EXPECT_EQ(text.find("detach"), std::string::npos) << text;
  EXPECT_EQ(text.find("no_grad"), std::string::npos) << text;
  EXPECT_NE(text.find("x2 = mul(x1, x0)"), std::string::npos) << text;
  EXPECT_EQ(compare_program(*smooth).failure, "");
  EXPECT_EQ(compare_program(*smooth).skipped, "");
}

TEST(SmoothPart, LeavesOutWhatRaises) {
  const auto smooth = smooth_part(program_of({leaf({0.5, 1}),
                                              {"mul_", {0}, {{"scalar", {2}}}},
                                              {"exp", {1}},
                                              leaf({1, 2, 3}),
                                              {"add", {2, 3}},
                                              {"tanh", {4}}}));
  ASSERT_TRUE(smooth);
  EXPECT_EQ(smooth->operations(), 1U + 2) << fuzz::to_text(smooth->program);
}

TEST(SmoothPart, IsNothingWhereNothingRequiresGrad) {
  EXPECT_FALSE(smooth_part(program_of({leaf({0.5, 1}, 0), {"exp", {0}}})));
  EXPECT_FALSE(smooth_part(program_of({leaf({NAN}), {"exp", {0}}})));
}

TEST(GradientsOf, IsNothingWhereTheyAreConstant) {
  const auto smooth = smooth_part(program_of({leaf({0.5, 1}), {"mul", {0}, {{"scalar", {2}}}}}));
  ASSERT_TRUE(smooth);
  EXPECT_FALSE(gradients_of(*smooth));
}

Skipped skipped(const std::vector<reference::Line>& lines) {
  const auto smooth = smooth_part(program_of(lines));
  return smooth ? compare_program(*smooth).skipped : "no function";
}

TEST(CompareProgram, SkipsWhatCannotBeJudgedAndSaysWhy) {
  EXPECT_EQ(skipped({leaf({0.5, -1}), {"relu", {0}}}), "");
  EXPECT_EQ(skipped({leaf({0.5, 0x1p-12}), {"relu", {0}}}), "a kink is within reach");
  EXPECT_EQ(skipped({leaf({0.5, 0}), {"reciprocal", {0}}}), "not finite");
  EXPECT_EQ(skipped({leaf({0.5, 0x1p-8}), {"reciprocal", {0}}}), "too steep");
  EXPECT_EQ(skipped({leaf({-0.5, -1}), {"relu", {0}}}), "the gradient is 0");
}

// The engine cannot be made wrong here, so the program is: what is detached counts as constant for
// the engine, not for differences.
TEST(CompareProgram, NoticesAWrongGradient) {
  auto smooth = smooth_part(program_of({leaf({0.5, 1}), {"clone", {0}}, {"mul", {0, 1}}}));
  ASSERT_TRUE(smooth);
  EXPECT_EQ(compare_program(*smooth).failure, "");
  smooth->program.lines[1].op = "detach";
  EXPECT_NE(compare_program(*smooth).failure, "");
}

}  // namespace
}  // namespace gradbook::numerical
