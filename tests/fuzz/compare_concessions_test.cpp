#include "tests/fuzz/compare_concessions.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "reference/saved.hpp"
#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/compare_planted.hpp"
#include "tests/fuzz/expect_intended.hpp"

// LibTorch, made to do as the engine does in one way, explains what differs by that way. It hides
// no fault that is close to it.

namespace gradbook::fuzz {
namespace {

using reference::Outcome;
using reference::Program;

const Attributes one = {{"scalar", {1}}};
const Attributes create_graph = {{"create_graph", {1}}};

// --- what is saved -------------------------------------------------------------------------------

/// As if the engine had not freed what the pass of that line read.
Comparison compare_when_engine_keeps_graph_of(std::size_t pass, const ProgramBuilder& b) {
  Program other = b.program();
  other.lines[pass].attributes = {{"retain_graph", {1}}};
  return compare_when_engine_runs(b.program(), other);
}

/// What that pass reads beside the difference is saved, and freed: a second pass is refused, and an
/// engine that does not refuse it is found.
void expect_freed_beside(const std::string& name, ProgramBuilder& b, std::size_t result) {
  const auto pass = b.line("backward", {result});
  b.line("backward", {result});
  expect_intended(b, name);
  expect_found_beside(name, compare_when_engine_keeps_graph_of(pass, b));
}

TEST(Concession, MeanOverDims) {
  ProgramBuilder b;
  const auto x = b.leaf({2, 2}, {1, 2, 3, 4}, true);
  const auto y = b.line("sum", {b.line("mean", {x}, {{"dims", {0}}})});
  b.line("backward", {y});
  b.line("backward", {y});
  // The comparison goes on behind it.
  b.line("backward", {b.line("sum", {b.line("exp", {y})})});
  if (reference::libtorch_saved_bytes_of_mean_over_dims() == 0) {
    EXPECT_TRUE(compare(b.program()).intended.empty());  // a LibTorch that does as the engine does
  } else {
    expect_intended(b, "mean over dims");
  }
}

TEST(Concession, BatchedMatmul) {
  ProgramBuilder b;
  const auto a = b.leaf({2, 1, 1, 1}, {1, 2}, true);
  const auto c = b.leaf({1, 2, 1, 1}, {3, 4}, true);
  const auto y = b.line("sum", {b.line("matmul", {a, c})});
  b.line("add_", {b.line("detach", {a})}, one);
  b.line("backward", {y});
  expect_intended(b, "batched matmul");
}

TEST(Concession, AGateSavesForTheGradientOfGOnly) {
  ProgramBuilder b;
  const auto y = b.leaf({}, {1}, true);
  const auto gated = b.line("gate", {b.leaf({}, {2}), y});
  b.line("backward", {gated});
  b.line("backward", {gated});
  expect_intended(b, "gate");
  // Where that gradient is wanted, y is saved, and freed.
  expect_freed_beside("gate", b, b.line("gate", {b.leaf({}, {3}, true), y}));
}

// Once it was excused as "constants", or not at all.
TEST(Concession, TheRecordedVjpOfReluIsAGate) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {1}, true);
  const auto y = b.line("relu", {x});
  const auto slope = b.line("grad", {y, x}, create_graph);
  b.line("grad", {slope, y});
  b.line("grad", {slope, y});
  expect_intended(b, "gate");
  b.line("mul", {b.leaf({}, {1})}, {{"scalar", {2}}});
  expect_intended(b, "gate");
}

TEST(Concession, ConstantsAreSavedNowhere) {
  for (const std::string op : {"mul", "div", "mul_"}) {
    SCOPED_TRACE(op);
    ProgramBuilder b;
    const auto x = b.leaf({}, {1}, true);
    const auto y = b.line(op, {op == "mul_" ? b.line("clone", {x}) : x}, {{"scalar", {2}}});
    const auto slope = b.line("grad", {y, x, b.leaf({}, {1}, true)}, create_graph);
    b.line("backward", {slope});
    b.line("backward", {slope});
    if (reference::libtorch_saves_no_constants()) {  // from 2 on: it does as the engine does
      EXPECT_TRUE(compare(b.program()).intended.empty());
      continue;
    }
    expect_intended(b, "constants");
    // Tensors are, also in a product.
    expect_freed_beside("constants", b, b.line("mul", {x, x}));
  }
}

TEST(Concession, SavedLeavesKeepTheirFlag) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {1}, true);
  const auto w = b.leaf({}, {2}, true);
  const auto y = b.line("mul", {w, x});
  const auto change = b.line("requires_grad_", {w}, {{"wanted", {0}}});
  b.line("grad", {y, x}, create_graph);
  expect_intended(b, "flags of saved leaves");
  // The leaf itself does not keep it.
  Program other = b.program();
  other.lines[change] = {"end_no_grad", {}, {}, {}};
  expect_found_beside("flags of saved leaves", compare_when_engine_runs(b.program(), other));
}

// --- what shares storage -------------------------------------------------------------------------

TEST(Concession, ViewsWithoutRecordingRequireNoGrad) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  b.line("no_grad");
  const auto view = b.line("reshape", {x}, {{"shape", {2}}});
  expect_intended(b, "views without recording");
  b.line("end_no_grad");
  const auto recorded = b.line("reshape", {x}, {{"shape", {2}}});
  b.line("add_", {view}, one);
  expect_intended(b, "views without recording");
  // Views with recording do require grad, and those without are no copies.
  Program never_requires_grad = b.program();
  never_requires_grad.lines[recorded].op = "detach";
  expect_found_beside("views without recording",
                      compare_when_engine_runs(b.program(), never_requires_grad));
  Program copies = b.program();
  copies.lines[view].op = "clone";
  expect_found_beside("views without recording", compare_when_engine_runs(b.program(), copies));
}

TEST(Concession, GradientsOwnTheirStorage) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  const auto g = b.leaf({2, 1}, {1, 1});
  b.line("backward", {b.line("reshape", {x}, {{"shape", {2, 1}}}), g});
  ProgramBuilder given = b;
  given.line("add_", {g}, one);
  expect_intended(given, "gradients own their storage");
  // What a program makes an alias of a gradient is one.
  const auto alias = b.line("detach", {b.line("grad_of", {x})});
  b.line("add_", {alias}, one);
  expect_intended(b, "gradients own their storage");
  Program copies = b.program();
  copies.lines[alias].op = "clone";
  expect_found_beside("gradients own their storage", compare_when_engine_runs(b.program(), copies));
}

TEST(Concession, TheGradientOfASumIsNoView) {
  ProgramBuilder b;
  const auto x = b.leaf({1}, {1}, true);
  const auto g = b.leaf({}, {1});
  const auto gradient = b.line("grad", {b.line("sum", {x}), x, g});
  const auto alias = b.line("detach", {g});
  b.line("add_", {alias}, one);
  expect_intended(b, "expand copies");
  // An alias of what was given to begin with is one.
  Program copies = b.program();
  copies.lines[alias].op = "clone";
  EXPECT_NE(found_when_engine_runs(b.program(), copies), "");
  EXPECT_NE(found_with_fault(
                b.program(),
                [&](Outcome& outcome) { outcome.finals[gradient].value = Snapshot({1}, {3}); }),
            "");
}

// --- histories -----------------------------------------------------------------------------------

TEST(Concession, ViewsKeepTheirHistory) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {1}, true);
  const auto view = b.line("reshape", {x}, {{"shape", {1}}});
  const auto y = b.line("neg", {view});
  b.line("add_", {b.line("detach", {view})}, one);
  b.line("grad", {y, view});
  expect_intended(b, "history of views");
  // Their values they do not keep.
  expect_found_beside("history of views", compare_with_fault(b.program(), [&](Outcome& outcome) {
                        outcome.finals[view] = outcome.results[view];
                      }));
}

TEST(Concession, ViewsDoNotKeepTheirHistoryInARecordedWrite) {
  ProgramBuilder b;
  const auto base = b.line("neg", {b.leaf({}, {1}, true)});
  const auto view = b.line("reshape", {base}, {{"shape", {1}}});
  const auto y = b.line("neg", {view});
  const auto mode = b.line("end_no_grad");
  // Not the view itself: LibTorch gives other aliases their new history when it is asked for.
  b.line("add_", {base}, one);
  b.line("end_no_grad");
  b.line("grad", {y, view});
  expect_intended(b, "no recorded writes through reshapes");
  // As if the engine had taken the write for one that is not recorded.
  Program other = b.program();
  other.lines[mode].op = "no_grad";
  const Comparison comparison = compare_when_engine_runs(b.program(), other);
  EXPECT_NE(comparison.disagreement, "");
  EXPECT_TRUE(comparison.intended.empty());
}

TEST(Concession, GradLeavesRetainedGradientsAlone) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {1}, true);
  const auto y = b.line("neg", {x});
  b.line("retain_grad", {y});
  b.line("grad", {y, x});
  expect_intended(b, "retained gradients");
  // A backward pass does not.
  const auto z = b.line("neg", {x});
  const auto retain = b.line("retain_grad", {z});
  b.line("backward", {z});
  expect_intended(b, "retained gradients");
  Program other = b.program();
  other.lines[retain] = {"end_no_grad", {}, {}, {}};
  expect_found_beside("retained gradients", compare_when_engine_runs(b.program(), other));
}

// --- formulas ------------------------------------------------------------------------------------

TEST(Concession, SigmoidIsDifferentiatedTwiceByItsRule) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 1}, true);
  const auto slope = b.line("grad", {b.line("sigmoid", {x}), x, b.leaf({2}, {1, 1})}, create_graph);
  const auto curvature = b.line("grad", {slope, x, b.leaf({2}, {infinity, 1})});
  // A NaN and an infinity pass for alike until this makes one of them a number.
  const auto y = b.line("tanh", {curvature});
  expect_intended(b, "second derivative of sigmoid");
  // Where no infinities meet, no number passes for another, and none for a NaN.
  for (const double wrong : {0.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_NE(
        found_with_fault(b.program(),
                         [&](Outcome& outcome) { outcome.results[y].value->values[1] = wrong; }),
        "");
  }
}

}  // namespace
}  // namespace gradbook::fuzz
