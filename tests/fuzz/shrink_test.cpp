// Failing programs get small, stay failing, and the same program gives the same result.
#include "tests/fuzz/shrink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/run_engine.hpp"
#include "tests/fuzz/shrink_internal.hpp"

namespace gradbook::fuzz {
namespace {

using reference::Line;
using reference::Precision;
using reference::Program;

std::vector<reference::LineResult> evaluate(const Program& program) {
  return run_engine(program).outcome.results;
}

bool has(const Program& program, std::string_view op) {
  return std::ranges::find(program.lines, op, &Line::op) != program.lines.end();
}

// The planted failure: the result of a mul is what a sum sums up.
bool mul_feeds_sum(const Program& program) {
  return std::ranges::any_of(program.lines, [&](const Line& line) {
    return line.op == "sum" && program.lines[line.inputs.at(0)].op == "mul";
  });
}

// Twenty lines, float64, with a mul that feeds a sum among them.
Program large_program() {
  ProgramBuilder p(Precision::float64);
  const auto a = p.leaf({2, 3}, {1.5, -2.25, 3.125, 0.1, 7, -0.3}, true);
  const auto b = p.leaf({3}, {0.7, 0.11, 1234.5}, true);
  const auto unused = p.leaf({5}, {9, 9, 9, 9, 9});
  p.line("exp", {unused});
  const auto c = p.line("tanh", {p.line("add", {a, b})});
  p.line("no_grad");
  const auto d = p.line("sigmoid", {c});
  p.line("end_no_grad");
  const auto e = p.line("sub", {c, d});
  const auto product = p.line("mul", {e, p.line("neg", {b})});
  const auto f = p.line("sum", {product}, {{"dims", {-1}}, {"keepdim", {1}}});
  const auto g = p.line("mean", {p.line("relu", {f})});
  p.line("retain_grad", {f});
  p.line("backward", {g}, {{"retain_graph", {1}}, {"create_graph", {1}}});
  p.line("add_", {p.line("detach", {g})}, {{"scalar", {0.3}}});
  p.line("grad", {g, a}, {{"retain_graph", {1}}, {"allow_unused", {1}}});
  return p.program();
}

TEST(FuzzShrink, APlantedFailureBecomesTheMinimalProgram) {
  const Program program = large_program();
  ASSERT_EQ(program.lines.size(), 20U);
  const std::string minimal =
      "float32\n"
      "x0 = leaf((), [0])\n"
      "x1 = leaf((), [0])\n"
      "x2 = mul(x0, x1)\n"
      "x3 = sum(x2)\n";
  EXPECT_EQ(to_text(shrink(program, mul_feeds_sum)), minimal);
  EXPECT_EQ(to_text(shrink(program, mul_feeds_sum, {.evaluate = evaluate})), minimal);
}

TEST(FuzzShrink, KeepsWhatTheFailureNeeds) {
  const auto fails = [](const Program& program) {
    return std::ranges::any_of(program.lines, [](const Line& line) {
      return line.op == "backward" && flag(line, "create_graph");
    });
  };
  EXPECT_EQ(to_text(shrink(large_program(), fails, {.evaluate = evaluate})),
            "float32\n"
            "x0 = leaf((), [0])\n"
            "backward(x0, create_graph = 1)\n");
}

// With the engine itself as the judge of what is still a program: the sizes have to fit.
TEST(FuzzShrink, SizesShrinkTogether) {
  const auto fails = [](const Program& program) {
    if (!has(program, "matmul") || !has(program, "reshape")) return false;
    const auto run = run_engine(program).outcome;
    return !run.raised() && std::ranges::all_of(run.results, [](const auto& result) {
      return !result.value || result.value->shape.size() == 2;
    });
  };
  ProgramBuilder p;
  const auto a = p.leaf({4, 3}, std::vector<double>(12, 0.3), true);
  const auto b = p.leaf({3, 5}, std::vector<double>(15, -0.7), true);
  p.line("reshape", {p.line("matmul", {a, b})}, {{"shape", {5, 4}}});
  ASSERT_TRUE(fails(p.program()));
  EXPECT_EQ(to_text(shrink(p.program(), fails)),
            "float32\n"
            "x0 = leaf((1, 1), [0])\n"
            "x1 = leaf((1, 1), [0])\n"
            "x2 = matmul(x0, x1)\n"
            "x3 = reshape(x2, shape = [1, 1])\n");
}

// The size of one leaf is the product of the other's.
TEST(FuzzShrink, SizesThatHangTogetherShrinkTogether) {
  const auto fails = [](const Program& program) {
    return has(program, "reshape") && has(program, "mul") && !run_engine(program).outcome.raised();
  };
  ProgramBuilder p;
  const auto a = p.leaf({2, 4, 3}, std::vector<double>(24, 0.5));
  p.line("mul",
         {p.line("reshape", {a}, {{"shape", {-1}}}), p.leaf({24}, std::vector<double>(24, 0.5))});
  EXPECT_EQ(to_text(shrink(p.program(), fails)),
            "float32\n"
            "x0 = leaf((), [0])\n"
            "x1 = reshape(x0, shape = [])\n"
            "x2 = leaf((), [0])\n"
            "x3 = mul(x1, x2)\n");
}

// Neither leaf could lose a dimension alone.
TEST(FuzzShrink, DimensionsGoTogether) {
  const auto fails = [](const Program& program) {
    const auto run = run_engine(program).outcome;
    return std::ranges::any_of(program.lines, [&](const Line& line) {
      return line.op == "add" && !run.raised() &&
             run.results[line.inputs[0]].value->shape == run.results[line.inputs[1]].value->shape;
    });
  };
  ProgramBuilder p;
  const auto a = p.leaf({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto b = p.leaf({2, 3}, {6, 5, 4, 3, 2, 1});
  p.line("sum", {p.line("add", {a, b})}, {{"dims", {1}}});
  EXPECT_EQ(to_text(shrink(p.program(), fails)),
            "float32\n"
            "x0 = leaf((), [0])\n"
            "x1 = leaf((), [0])\n"
            "x2 = add(x0, x1)\n");
}

// A failure that hangs on a value: the element that makes it is found in its leaf, and what
// computed it becomes a leaf.
TEST(FuzzShrink, ResultsBecomeLeavesOfTheirValue) {
  const auto fails = [](const Program& program) {
    const auto run = run_engine(program).outcome;
    for (std::size_t i = 0; i < run.results.size(); ++i) {
      if (program.lines[i].op != "sqrt" || !run.results[i].value) continue;
      if (std::ranges::any_of(run.results[i].value->values, [](double v) { return v > 100; }))
        return true;
    }
    return false;
  };
  ProgramBuilder p;
  const auto x = p.leaf({2, 3}, {1, 2, 3, 4, 10.25, 5}, true);
  const auto y = p.line("exp", {p.line("transpose", {x}, {{"dim0", {0}}, {"dim1", {1}}})});
  p.line("sum", {p.line("sqrt", {y})});
  ASSERT_TRUE(fails(p.program()));
  EXPECT_FALSE(has(shrink(p.program(), fails, {.evaluate = evaluate}), "exp"));
  EXPECT_EQ(to_text(shrink(p.program(), fails, {.evaluate = evaluate})),
            "float32\n"
            "x0 = leaf((), [28282])\n"
            "x1 = sqrt(x0)\n");
}

TEST(FuzzShrink, AsksNoMoreThanItMay) {
  std::size_t asked = 0;
  const auto fails = [&](const Program& program) {
    ++asked;
    return mul_feeds_sum(program);
  };
  const Program some = shrink(large_program(), fails, {.most_tries = 5});
  EXPECT_EQ(asked, 5U);
  EXPECT_TRUE(mul_feeds_sum(some));
  EXPECT_LT(some.lines.size(), large_program().lines.size());
  asked = 0;
  shrink(large_program(), fails);
  EXPECT_LT(asked, 200U);
}

TEST(FuzzShrink, NeverAsksAboutTheSameProgramTwice) {
  std::set<std::string> asked;
  shrink(large_program(), [&](const Program& program) {
    EXPECT_TRUE(asked.insert(to_text(program)).second) << to_text(program);
    return mul_feeds_sum(program);
  });
  EXPECT_GT(asked.size(), 20U);
}

// Whatever is asked about is a program: inputs are earlier lines.
TEST(FuzzShrink, AsksAboutWellFormedProgramsOnly) {
  for (const char* op : {"mean", "grad", "add_", "no_grad", "sigmoid"}) {
    shrink(large_program(), [&](const Program& program) {
      EXPECT_NO_THROW(reference::check_well_formed(program)) << to_text(program);
      return has(program, op);
    });
  }
}

TEST(FuzzShrink, SimplerNumbersAreSimpler) {
  for (const double value : {0.1, 2.5, 17.0, -3.0, -1.0, 2.0, 1.0, HUGE_VAL, -HUGE_VAL, -0.0}) {
    for (const double other : simpler(value)) EXPECT_LT(complexity(other), complexity(value));
    EXPECT_EQ(simpler(value).front(), 0) << value;
  }
  EXPECT_TRUE(simpler(0).empty());
}

}  // namespace
}  // namespace gradbook::fuzz
