// What is made of random programs, and the checker itself: that it bites, and what it lets go.
#include "tests/numerical/smooth_program.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/fuzz/edit.hpp"

namespace gradbook::numerical {
namespace {

using reference::Line;

Line leaf(std::vector<double> values, double requires_grad = 1) {
  const Shape shape{values.size()};
  return {"leaf", {}, {{"requires_grad", {requires_grad}}}, {shape, std::move(values)}};
}

reference::Program program_of(std::vector<Line> lines) {
  return {reference::Precision::float32, std::move(lines)};
}

/// The smooth part of what has one.
SmoothProgram smooth(const std::vector<Line>& lines) {
  return smooth_part(program_of(lines)).value();
}

TEST(SmoothPart, ActsAsIfNothingWereDetachedOrNotRecorded) {
  const SmoothProgram function = smooth({leaf({0.5, 1}),
                                         {"no_grad", {}},
                                         {"exp", {0}},
                                         {"end_no_grad", {}},
                                         {"detach", {2}},
                                         {"mul", {4, 0}},
                                         {"backward", {5}}});
  EXPECT_EQ(function.leaves, std::vector<std::size_t>{0});
  const std::string text = fuzz::to_text(function.program);
  EXPECT_EQ(text.find("detach"), std::string::npos) << text;
  EXPECT_EQ(text.find("no_grad"), std::string::npos) << text;
  EXPECT_NE(text.find("x2 = mul(x1, x0)"), std::string::npos) << text;
  EXPECT_EQ(compare_program(function).failure, "");
  EXPECT_EQ(compare_program(function).skipped, "");
}

TEST(SmoothPart, LeavesOutWhatIsMeantToRaise) {
  const SmoothProgram function = smooth({leaf({0.5, 1}),
                                         {"mul_", {0}, {{"scalar", {2}}}},
                                         {"exp", {1}},
                                         leaf({1, 2, 3}),
                                         {"add", {2, 3}},
                                         {"tanh", {4}}});
  EXPECT_EQ(function.operations(), 1U + 2) << fuzz::to_text(function.program);
}

TEST(SmoothPart, SumsUpWhatTheEngineTakesForConstantToo) {
  const SmoothProgram function = smooth({leaf({0.5}), leaf({0.5}, 0), {"exp", {0}}, {"exp", {1}}});
  // Each of two terms is weighted and summed.
  EXPECT_EQ(function.operations(), 2U * 3 + 1) << fuzz::to_text(function.program);
}

TEST(SmoothPart, IsNothingWhereNothingRequiresGrad) {
  EXPECT_FALSE(smooth_part(program_of({leaf({0.5, 1}, 0), {"exp", {0}}})));
  EXPECT_FALSE(smooth_part(program_of({leaf({NAN}), {"exp", {0}}})));
}

TEST(IntendedRefusal, IsOfAKindThatTheLineCanBeToBlameFor) {
  const reference::Program program = program_of({leaf({1}),
                                                 {"exp", {0}},
                                                 {"add", {0, 1}},
                                                 {"reshape", {1}, {{"shape", {2}}}},
                                                 {"sum", {1}, {{"dims", {1}}}},
                                                 {"grad", {4, 1}},
                                                 {"mul_", {1, 0}},
                                                 {"backward", {2}}});
  const std::vector<std::string> classes = {"ShapeError",
                                            "DimensionError",
                                            "BackwardError",
                                            "GraphFreedError",
                                            "InPlaceError",
                                            "SavedTensorChangedError",
                                            "RequiresGradError",
                                            "CheckpointError",
                                            "UndefinedTensorError",
                                            "Error",
                                            ""};
  std::vector<std::string> intended;
  for (std::size_t at = 0; at < program.lines.size(); ++at) {
    for (const std::string& error : classes) {
      if (!is_intended_refusal(program, at, error)) continue;
      intended.push_back(program.lines[at].op + ": " + error);
    }
  }
  const std::vector<std::string> expected = {
      "add: ShapeError",  "reshape: ShapeError", "sum: DimensionError",
      "mul_: ShapeError", "mul_: InPlaceError",  "backward: SavedTensorChangedError"};
  EXPECT_EQ(intended, expected);
}

TEST(IntendedRefusal, IsThatOfAGradientThatMayNotExist) {
  const std::vector<Line> lines = {leaf({1}),                           // x0
                                   leaf({1}, 0),                        // x1
                                   {"exp", {0}},                        // x2
                                   {"exp", {1}},                        // x3
                                   {"mul", {2, 3}},                     // x4
                                   {"grad", {4, 0}},                    // x5
                                   {"exp", {5}},                        // x6
                                   {"neg", {4}},                        // x7
                                   {"reshape", {7}, {{"shape", {1}}}},  // x8
                                   {"copy_", {8, 3}},                   // x9
                                   {"exp", {7}}};                       // x10
  const auto is_intended = [&](std::size_t y, std::size_t x, const Attributes& attributes = {}) {
    std::vector<Line> all = lines;
    all.push_back({"grad", {y, x}, attributes});
    return is_intended_refusal(program_of(all), lines.size(), "BackwardError");
  };
  EXPECT_FALSE(is_intended(4, 0));
  EXPECT_FALSE(is_intended(4, 2));
  EXPECT_TRUE(is_intended(4, 3)) << "x3 does not require grad";
  EXPECT_FALSE(is_intended(4, 3, {{"allow_unused", {1}}}));
  EXPECT_TRUE(is_intended(2, 4)) << "x4 comes later";
  EXPECT_TRUE(is_intended(6, 0)) << "a gradient can be constant";
  EXPECT_TRUE(is_intended(10, 0)) << "x7 is x3 by then";
}

Skipped skipped(const SmoothProgram& function) {
  const ProgramComparison comparison = compare_program(function);
  EXPECT_EQ(comparison.failure, "");
  return comparison.skipped;
}

Skipped skipped(const std::vector<Line>& lines) { return skipped(smooth(lines)); }

TEST(CompareProgram, SkipsWhatCannotBeJudgedAndSaysWhy) {
  EXPECT_EQ(skipped({leaf({0.5, -1}), {"relu", {0}}}), "");
  EXPECT_EQ(skipped({leaf({0.5, 0x1p-12}), {"relu", {0}}}), "a kink is within reach");
  EXPECT_EQ(skipped({leaf({0.5, 0}), {"reciprocal", {0}}}), "the result is not finite");
  EXPECT_EQ(skipped({leaf({0.5, 0x1p-8}), {"reciprocal", {0}}}), "too steep");
  EXPECT_EQ(skipped({leaf({-0.5, -1}), {"relu", {0}}}), "the gradient is 0");
  // A square root has an infinite slope at 0.
  EXPECT_EQ(skipped({leaf({0.5, 0}), {"sqrt", {0}}}), "the gradient is not finite");
  EXPECT_EQ(skipped({leaf({0.5, 1}),
                     {"mul", {0}, {{"scalar", {2}}}},
                     {"exp", {1}},
                     {"add_", {2}, {{"scalar", {1}}}}}),
            "refused: SavedTensorChangedError");
}

TEST(CompareProgram, FindsThatTheGradientsOfALinearFunctionAreConstant) {
  const SmoothProgram linear = smooth({leaf({0.5, 1}), {"mul", {0}, {{"scalar", {2}}}}});
  EXPECT_EQ(skipped(linear), "");
  EXPECT_EQ(skipped(gradients_of(linear)), "the gradient is 0");
  EXPECT_EQ(skipped(gradients_of(gradients_of(linear))), "the gradient is 0");
}

// The engine cannot be made wrong here, so programs are: what is detached counts as constant for
// the engine, not for differences.

/// The function of `lines`, with every clone made a detach.
SmoothProgram with_a_lost_gradient(const std::vector<Line>& lines) {
  SmoothProgram function = smooth(lines);
  EXPECT_EQ(compare_program(function).failure, "");
  for (Line& line : function.program.lines) {
    if (line.op == "clone") line.op = "detach";
  }
  return function;
}

void expect_failure(const SmoothProgram& function, const std::string& part) {
  const ProgramComparison comparison = compare_program(function);
  EXPECT_NE(comparison.failure.find(part), std::string::npos)
      << "failure '" << comparison.failure << "', skipped '" << comparison.skipped << "'";
  EXPECT_EQ(comparison.skipped, "");
}

TEST(CompareProgram, NoticesAWrongGradient) {
  expect_failure(with_a_lost_gradient({leaf({0.5, 1}), {"clone", {0}}, {"mul", {0, 1}}}),
                 "the gradient gives");
}

TEST(CompareProgram, NoticesAGradientThatIs0) {
  // Through a graph in which all that arrives at the leaf is 0.
  expect_failure(
      with_a_lost_gradient(
          {leaf({0.5, 1}), {"mul", {0}, {{"scalar", {0}}}}, {"clone", {0}}, {"add", {1, 2}}}),
      "the gradient gives 0,");
}

TEST(CompareProgram, NoticesThatTheResultIsTakenForConstant) {
  const SmoothProgram function =
      with_a_lost_gradient({leaf({0.5, 1}), {"clone", {0}}, {"exp", {1}}});
  expect_failure(function, "the gradient gives 0,");
  expect_failure(gradients_of(function), "the gradient gives 0,");
}

TEST(CompareProgram, NoticesASecondGradientThatIsTakenForConstant) {
  expect_failure(gradients_of(with_a_lost_gradient(
                     {leaf({0.5, 1}), {"mul", {0, 0}}, {"clone", {0}}, {"mul", {0, 2}}})),
                 "the gradient gives");
  SmoothProgram second = gradients_of(smooth({leaf({0.5, 1}), {"exp", {0}}}));
  for (Line& line : second.program.lines) {
    if (line.op == "grad") line.attributes = {{"retain_graph", {1}}};
  }
  expect_failure(second, "the gradient gives 0,");
}

TEST(CompareProgram, NoticesAGradientThatIsNotFinite) {
  // Infinity times 0, where the function is constant all around.
  expect_failure(smooth({leaf({0.5, 1}), {"mul", {0}, {{"scalar", {0}}}}, {"sqrt", {1}}}),
                 "nan, differences 0");
  expect_failure(smooth({leaf({1000}), {"exp", {0}}, {"tanh", {1}}}), "nan, differences 0");
}

TEST(CompareProgram, NoticesARefusalThatNobodyIntended) {
  SmoothProgram function = smooth({leaf({0.5, 1}), {"exp", {0}}});
  function.result = 1;  // no scalar
  expect_failure(function, "the engine refuses line 5, backward: backward: only a scalar");
  expect_failure(gradients_of(function), "the engine refuses line 5, grad: grad: only a scalar");
  // An undefined gradient, which no random program goes on with.
  expect_failure(smooth({leaf({0.5}),
                         leaf({1}),
                         {"exp", {0}},
                         {"grad", {2, 1}, {{"create_graph", {1}}, {"allow_unused", {1}}}},
                         {"neg", {3}}}),
                 "the engine refuses line 4, neg: this tensor is undefined");
}

TEST(CompareProgram, NoticesAFailureWhicheverDirectionCannotBeJudged) {
  const Line kink = leaf({0x1p-12});
  const Line steep = leaf({0x1p-8});
  for (const auto& [strange, op] : {std::pair(kink, "relu"), std::pair(steep, "reciprocal")}) {
    expect_failure(
        with_a_lost_gradient({leaf({0.5}), strange, {"clone", {0}}, {"exp", {2}}, {op, {1}}}),
        "along x0[0]: the gradient gives 0,");
    expect_failure(
        with_a_lost_gradient({strange, leaf({0.5}), {"clone", {1}}, {"exp", {2}}, {op, {0}}}),
        "along x1[0]: the gradient gives 0,");
  }
}

}  // namespace
}  // namespace gradbook::numerical
