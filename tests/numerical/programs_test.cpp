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
    if (!smooth) {
      ++skipped["nothing to differentiate"];
      continue;
    }
    const SmoothProgram function = derived(*smooth);
    const ProgramComparison comparison = compare_program(function);
    EXPECT_EQ(comparison.failure, "") << "program " << tried << " of seed " << seed << ":\n"
                                      << fuzz::to_text(function.program);
    if (!comparison.skipped.empty()) {
      ++skipped[comparison.skipped];
      continue;
    }
    operations.push_back(function.operations());
    largest_ratio = std::max(largest_ratio, comparison.largest_ratio);
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
  // Writes in place do not know what a pass that comes later reads, but seldom hit it.
  EXPECT_LE(skipped["refused: SavedTensorChangedError"], tried / 10) << figures;
}

TEST(ProgramsNumerically, GradientsOf200AreCentralDifferences) {
  expect_agreement([](const SmoothProgram& program) { return program; });
}

TEST(ProgramsNumerically, GradientsOfGradientsOf200AreCentralDifferences) {
  expect_agreement(gradients_of);
}

}  // namespace
}  // namespace gradbook::numerical
