#include "tests/fuzz/end_to_end.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/compare_planted.hpp"

// Values of whole programs: rounding is no difference, and hides none.

namespace gradbook::fuzz {
namespace {

using reference::LineResult;
using reference::Outcome;
using reference::Precision;

/// Each of `steps` steps doubles the error of the one before, relative to its result.
struct IllConditioned {
  explicit IllConditioned(int steps) {
    for (int i = 0; i < steps; ++i) {
      y = b.line("mul",
                 {b.line("mul", {y}, {{"scalar", {3.9}}}), b.line("rsub", {y}, {{"scalar", {1}}})});
    }
  }
  ProgramBuilder b;
  std::size_t x = b.leaf({2}, {0.3, 0.7}, true);
  std::size_t y = b.line("mul", {b.line("sum", {x})}, {{"scalar", {0.1}}});
};

/// As rounding would change the results of a line.
void change(Outcome& outcome, std::size_t line) {
  for (LineResult* result : {&outcome.results[line], &outcome.finals[line]}) {
    for (double& value : result->value->values) value *= 1.001;
  }
}

TEST(EndToEnd, TakesRoundingInAnIllConditionedProgramForWhatItIs) {
  EXPECT_EQ(compare(IllConditioned(16).b.program()).disagreement, "");
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const IllConditioned program(40);
    const Comparison comparison = compare_with_fault(
        program.b.in(precision), [&](Outcome& outcome) { change(outcome, program.y); });
    EXPECT_EQ(comparison.disagreement, "");
    EXPECT_TRUE(comparison.ill_conditioned) << "an excuse that is to be counted";
  }
}

TEST(EndToEnd, CountsWhatOnlyFloat32RoundsAway) {
  const IllConditioned program(16);
  Runs runs = run_both(program.b.program());
  change(runs.engine.outcome, program.y);  // but not in float64
  const Comparison comparison = compare_runs(program.b.program(), runs);
  EXPECT_EQ(comparison.disagreement, "");
  EXPECT_TRUE(comparison.ill_conditioned);
}

TEST(EndToEnd, FindsAWrongValueBehindAnIllConditionedOne) {
  IllConditioned program(40);
  const auto later = program.b.line("tanh", {program.x});
  program.b.line("backward", {program.b.line("sum", {later})});
  const auto found = [&](const std::function<void(Outcome&)>& fault) {
    const auto compared_in = [&](Precision precision) {
      return compare_with_fault(program.b.in(precision), [&](Outcome& outcome) {
        change(outcome, program.y);
        fault(outcome);
      });
    };
    const Comparison comparison = compared_in(Precision::float64);
    EXPECT_TRUE(comparison.ill_conditioned);
    EXPECT_EQ(compared_in(Precision::float32).disagreement, comparison.disagreement);
    return comparison.disagreement;
  };
  std::string what = found([&](Outcome& outcome) { change(outcome, later); });
  EXPECT_TRUE(what.starts_with(fmt::format("line {}, tanh: its result is", later))) << what;
  what = found([&](Outcome& outcome) { outcome.gradients[program.x]->values[0] = 2; });
  EXPECT_TRUE(what.starts_with("line 0, leaf: the gradient of its result is {2, ")) << what;
}

}  // namespace
}  // namespace gradbook::fuzz
