#include "tests/fuzz/compare.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <variant>

#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/compare_planted.hpp"

// What differs between the engines, compare() finds.

namespace gradbook::fuzz {
namespace {

using reference::Precision;
using reference::Program;

/// Two layers, a loss, a backward pass and a step of gradient descent.
struct SmallProgram {
  ProgramBuilder b;
  std::size_t x = b.leaf({2, 2}, {0.5, -1, 2, 0.25});
  std::size_t w = b.leaf({2, 2}, {1, 0.5, -0.75, 0.3}, true);
  std::size_t h = b.line("tanh", {b.line("matmul", {x, w})});
  std::size_t kept = b.line("retain_grad", {h});
  std::size_t y = b.line("sum", {b.line("mul", {h, h})}, {{"dims", {0}}});
  std::size_t loss = b.line("mean", {y});
  std::size_t pass = b.line("backward", {loss});
  std::size_t off = b.line("no_grad");
  std::size_t gradient = b.line("grad_of", {w});
  std::size_t step = b.line("mul", {gradient}, {{"scalar", {0.1}}});
  std::size_t moved = b.line("sub_", {w, step});
  std::size_t on = b.line("end_no_grad");
};

TEST(Compare, FindsNothingWhereTheEnginesAgree) {
  const SmallProgram small;
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const Comparison comparison = compare(small.b.in(precision));
    EXPECT_EQ(comparison.disagreement, "");
    EXPECT_TRUE(comparison.intended.empty());
    EXPECT_EQ(comparison.operations, 7U);
    EXPECT_FALSE(comparison.raised);
    EXPECT_TRUE(comparison.gradient_not_zero);
    EXPECT_GT(comparison.worst_ratio, 0);
    EXPECT_LE(comparison.worst_ratio, 1);
    EXPECT_FALSE(comparison.ill_conditioned);
    EXPECT_EQ(comparison.covered.count({"matmul", "in place"}), 1U);
    EXPECT_EQ(comparison.covered.count({"matmul", "float64"}),
              precision == Precision::float64 ? 1U : 0U);
  }
}

TEST(Compare, SaysThatBothRefused) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  b.line("backward", {b.line("mul", {x, x})});
  const Comparison comparison = compare(b.program());
  EXPECT_EQ(comparison.disagreement, "");
  EXPECT_TRUE(comparison.raised);
  EXPECT_EQ(comparison.refusal, "BackwardError");
  EXPECT_EQ(comparison.operations, 1U);
  EXPECT_FALSE(comparison.gradient_not_zero);
}

// --- planted faults ------------------------------------------------------------------------------

/// What is found when `fault` has changed what came of the small program.
std::string found(const std::function<void(Runs&, const SmallProgram&)>& fault) {
  const SmallProgram small;
  Runs runs = run_both(small.b.program());
  fault(runs, small);
  return compare_runs(small.b.program(), runs).disagreement;
}

TEST(Compare, FindsEveryWrongValueOfAStep) {
  const SmallProgram small;
  const Runs sound = run_both(small.b.program());
  std::size_t planted = 0;
  for (std::size_t i = 0; i < sound.trace.steps().size(); ++i) {
    const Trace::Step& step = sound.trace.steps()[i];
    Snapshot wrong;
    if (const auto* operation = std::get_if<Trace::Operation>(&step)) {
      wrong = sound.trace.values()[operation->output].snapshot;
    } else if (const auto* gradient = std::get_if<Trace::Gradient>(&step)) {
      wrong = gradient->result;
    } else {
      continue;
    }
    wrong.values.back() += 1e-3;
    Runs runs = run_both(small.b.program());
    runs.trace.plant(i, wrong);
    EXPECT_NE(compare_runs(small.b.program(), runs).disagreement, "") << "step " << i;
    ++planted;
  }
  EXPECT_GT(planted, 15U);
}

TEST(Compare, NamesTheLineOfAWrongStep) {
  const std::string what = found([](Runs& runs, const SmallProgram& small) {
    runs.trace.plant(runs.engine.first_step.at(small.h), Snapshot({2, 2}, {1, 1, 1, 1}));
  });
  EXPECT_EQ(what.find("line 3, tanh: step 3, tanh: element"), 0U) << what;
}

TEST(Compare, FindsAWrongFlag) {
  const auto flipped = [](bool& flag) { flag = !flag; };
  EXPECT_NE(found([&](Runs& runs, const SmallProgram& small) {
              flipped(runs.engine.outcome.results[small.h].requires_grad);
            }).find("does not require grad, in LibTorch it does"),
            std::string::npos);
  EXPECT_NE(found([&](Runs& runs, const SmallProgram& small) {
              flipped(runs.engine.outcome.results[small.x].is_leaf);
            }).find("is no leaf, in LibTorch it is"),
            std::string::npos);
  EXPECT_NE(found([&](Runs& runs, const SmallProgram& small) {
              flipped(runs.engine.outcome.finals[small.w].requires_grad);
            }).find("at the end"),
            std::string::npos);
}

TEST(Compare, FindsAGradientThatOnlyOneHas) {
  const std::string lost = found([](Runs& runs, const SmallProgram& small) {
    runs.engine.outcome.gradients[small.h].reset();
  });
  EXPECT_NE(lost.find("at the end its result has no gradient, in LibTorch it has one"),
            std::string::npos)
      << lost;
  const std::string added = found([](Runs& runs, const SmallProgram& small) {
    runs.engine.outcome.gradients[small.y] = Snapshot({2}, {1, 1});
  });
  EXPECT_NE(added.find("its result has a gradient, in LibTorch it has none"), std::string::npos)
      << added;
}

TEST(Compare, FindsAResultThatOnlyOneHas) {
  EXPECT_NE(found([](Runs& runs, const SmallProgram& small) {
              runs.engine.outcome.results[small.gradient].value.reset();
            }),
            "");
}

TEST(Compare, FindsAWrongShape) {
  EXPECT_NE(found([](Runs& runs, const SmallProgram& small) {
              runs.engine.outcome.results[small.y].value->shape = {1, 2};
            }).find("its shape is (1, 2), in LibTorch (2,)"),
            std::string::npos);
}

/// Each step of such a program is right, and all are consistent: only the whole shows it.
TEST(Compare, FindsThatTheWrongDimensionIsReduced) {
  ProgramBuilder b;
  const auto x = b.leaf({2, 2}, {1, 2, 3, 4}, true);
  const auto y = b.line("sum", {x}, {{"dims", {0}}});
  b.line("backward", {b.line("sum", {b.line("mul", {y, y})})});
  Program other = b.program();
  other.lines[y].attributes = {{"dims", {1}}};
  const std::string what = found_when_engine_runs(b.program(), other);
  EXPECT_EQ(what.find("line 1, sum: its result is {3, 7} of shape (2,), in LibTorch {4, 6}"), 0U)
      << what;
}

TEST(Compare, FindsAnAliasThatIsACopy) {
  ProgramBuilder b;
  const auto x = b.leaf({2, 2}, {1, 2, 3, 4});
  const auto alias = b.line("detach", {x});
  b.line("add_", {alias}, {{"scalar", {1}}});
  Program other = b.program();
  other.lines[alias].op = "clone";
  const std::string what = found_when_engine_runs(b.program(), other);
  EXPECT_EQ(what.find("line 0, leaf: what becomes of its result is {1, 2, 3, 4}"), 0U) << what;
}

TEST(Compare, FindsALineThatOneSkips) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  const auto y = b.line("sum", {b.line("mul", {x, x})});
  b.line("backward", {y}, {{"retain_graph", {1}}});
  const auto forget = b.line("zero_grad", {x});
  b.line("backward", {y});
  Program other = b.program();
  other.lines[forget] = {"end_no_grad", {}, {}, {}};
  const std::string what = found_when_engine_runs(b.program(), other);
  EXPECT_EQ(what.find("line 0, leaf: the gradient of its result is {4, 8}"), 0U) << what;
}

TEST(Compare, FindsThatOnlyOneRefuses) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  const auto h = b.line("mul", {x, x});
  b.line("add_", {h}, {{"scalar", {1}}});
  b.line("backward", {b.line("sum", {h})});
  Program other = b.program();
  other.lines[h + 1].inputs = {x};
  std::string what = found_when_engine_runs(b.program(), other);
  EXPECT_EQ(what.find("line 2, add_: the engine refuses, LibTorch does not: InPlaceError"), 0U)
      << what;
  what = found_when_engine_runs(other, b.program());
  EXPECT_EQ(what.find("line 2, add_: LibTorch refuses, the engine does not"), 0U) << what;
}

TEST(Compare, FindsAnErrorThatIsNoneOfTheEngines) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2});
  b.line("sum", {x}, {{"dims", {1}}});
  Runs runs = run_both(b.program());
  runs.engine.error_class.clear();
  EXPECT_NE(compare_runs(b.program(), runs).disagreement, "");
}

TEST(Compare, ComparesTheEndsBehindARefusal) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  const auto h = b.line("mul", {x, x});
  b.line("backward", {b.line("sum", {h})}, {{"retain_graph", {1}}});
  const auto not_a_scalar = [&](ProgramBuilder p) { return p.line("backward", {h}), p; };
  const auto no_part_in_it = [&](ProgramBuilder p) {
    return p.line("grad", {p.line("sum", {h}), p.leaf({}, {0}, true)}), p;
  };
  const auto wrong_shape = [&](ProgramBuilder p) {
    return p.line("backward", {h, p.leaf({3}, {1, 2, 3})}), p;
  };
  for (const Program& program :
       {not_a_scalar(b).program(), no_part_in_it(b).program(), wrong_shape(b).program()}) {
    Runs runs = run_both(program);
    ASSERT_TRUE(runs.engine.outcome.raised());
    EXPECT_EQ(compare_runs(program, runs).disagreement, "");
    runs.engine.outcome.gradients[x].reset();
    EXPECT_EQ(compare_runs(program, runs).disagreement,
              "line 0, leaf: at the end its result has no gradient, in LibTorch it has one");
  }
}

}  // namespace
}  // namespace gradbook::fuzz
