#include "tests/fuzz/intended.hpp"

#include <gtest/gtest.h>

#include <set>

#include "engine/graph/node.hpp"
#include "engine/parity.hpp"
#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/compare_planted.hpp"
#include "tests/fuzz/expect_intended.hpp"

// What is meant to differ, compare() names, and nothing else by that name.

namespace gradbook::fuzz {
namespace {

using reference::Outcome;
using reference::Program;

// A report shows each of them, also where it explains nothing.
TEST(IntendedDifference, AllAreOnThePageAndTheOthersHaveNoLine) {
  std::set<std::string> others;
  for (const auto& difference : parity::differences()) others.insert(difference.name);
  for (const std::string& name : all_intended()) EXPECT_EQ(others.erase(name), 1U) << name;
  std::erase_if(others, [](const std::string& name) { return name.starts_with("Value "); });
  EXPECT_EQ(others,
            (std::set<std::string>{"raw array", "dtypes do not mix", "argmax", "checkpoint"}));
}

TEST(IntendedDifference, WriteThroughReshape) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  const auto h = b.line("neg", {x});
  b.line("reshape", {h}, {{"shape", {2, 1}}});
  b.line("add_", {h}, {{"scalar", {1}}});
  expect_intended(b, "no recorded writes through reshapes");
}

TEST(IntendedDifference, IsNoWriteThroughReshapeWithoutOne) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  const auto h = b.line("neg", {x});
  b.line("add_", {h}, {{"scalar", {1}}});
  Program other = b.program();
  other.lines.back().inputs = {x};  // the engine refuses, for another reason
  EXPECT_NE(found_when_engine_runs(b.program(), other), "");
}

TEST(IntendedDifference, GradientOfALargerShape) {
  for (const bool by_grad : {false, true}) {
    ProgramBuilder b;
    const auto x = b.leaf({2}, {1, 2}, true);
    const auto h = b.line("neg", {x});
    const auto g = b.leaf({3, 2}, {1, 2, 3, 4, 5, 6});
    by_grad ? b.line("grad", {h, x, g}) : b.line("backward", {h, g});
    expect_intended(b, "gradient of a larger shape");
  }
}

TEST(IntendedDifference, ValuesThatNoWantedGradientReads) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  const auto w = b.leaf({2}, {3, 4}, true);
  const auto y = b.line("sum", {b.line("mul", {x, w})});
  b.line("add_", {b.line("detach", {x})}, {{"scalar", {1}}});
  ProgramBuilder read = b;
  b.line("grad", {y, x});
  expect_intended(b, "values that no wanted gradient reads");
  read.line("grad", {y, w});
  const Comparison comparison = compare(read.program());
  EXPECT_EQ(comparison.disagreement, "");
  EXPECT_TRUE(comparison.raised) << "the gradient of w does read x";
}

// --- refusals ------------------------------------------------------------------------------------

TEST(IntendedDifference, IsNoWriteThroughReshapeUnlessItWouldBeRecorded) {
  for (const bool without_recording : {false, true}) {
    ProgramBuilder b;
    const auto x = b.leaf({2}, {1, 2}, without_recording);
    const auto h = b.line("neg", {x});
    b.line("reshape", {h}, {{"shape", {2, 1}}});
    if (without_recording) b.line("no_grad");
    b.line("add_", {h}, {{"scalar", {1}}});
    EXPECT_EQ(compare(b.program()).disagreement, "");
    // As if the engine had refused it.
    Program before = b.program();
    before.lines.pop_back();
    Runs runs;
    runs.engine = run_engine(before, &runs.trace);
    runs.engine.outcome.error = "planted";
    runs.engine.error_class = "InPlaceError";
    runs.engine.shares_storage_with_reshape = true;
    runs.engine.first_step.push_back(runs.trace.steps().size());
    runs.libtorch = reference::run_in_libtorch(b.program());
    const std::string what = compare_runs(b.program(), runs).disagreement;
    EXPECT_NE(what.find("add_: the engine refuses, LibTorch does not"), std::string::npos) << what;
  }
}

/// exp(x) is written to after its product with w was made. The gradients of w and of x read it,
/// that of exp(x) does not.
struct ChangedExponential {
  ProgramBuilder b;
  std::size_t x = b.leaf({2}, {1, 2}, true);
  std::size_t w = b.leaf({2}, {3, 4}, true);
  std::size_t h = b.line("exp", {x});
  std::size_t y = b.line("sum", {b.line("mul", {h, w})});
  std::size_t write = b.line("add_", {b.line("detach", {h})}, {{"scalar", {1}}});
};

TEST(IntendedDifference, ValuesThatNoWantedGradientReadsMayBeResults) {
  ChangedExponential changed;
  changed.b.line("grad", {changed.y, changed.h});
  expect_intended(changed.b, "values that no wanted gradient reads");
}

TEST(IntendedDifference, IsNoUnreadValueWhereAWantedGradientReadsAChangedResult) {
  ChangedExponential changed;
  const auto line = changed.b.line("grad", {changed.y, changed.x});
  const Outcome libtorch = reference::run_in_libtorch(changed.b.program());
  ASSERT_TRUE(libtorch.raised());
  EXPECT_EQ(run_engine(changed.b.program()).error_class, "SavedTensorChangedError");
  // As if the engine had run it, down to x or only to exp(x).
  for (const bool down_to_x : {false, true}) {
    Trace trace;
    const TraceScope scope(trace);
    const Tensor x = Tensor::from(Snapshot({2}, {1, 2}), requires_grad);
    const Tensor w = Tensor::from(Snapshot({2}, {3, 4}), requires_grad);
    const Tensor h = x.exp();
    const Tensor product = h * w;
    const Tensor y = product.sum();
    h.detach().add_(1);
    const std::size_t begin = trace.steps().size();
    trace.backward_begins();
    trace.gradient(*node_of(y), 0, y, product);
    trace.gradient(*node_of(product), 0, product, h);
    if (down_to_x) trace.gradient(*node_of(h), 0, h, x);
    Trace::Backward call = {};
    call.inputs = {trace.value_of(x)};
    trace.backward_ends(call);
    EngineRun engine;
    engine.first_step.assign(line + 1, begin);
    EXPECT_EQ(intended_difference({changed.b.program(), trace, engine, libtorch, line, false}),
              down_to_x ? "" : "values that no wanted gradient reads");
  }
}

/// x is written to, reading an alias of it that has another shape.
struct WriteThatReadsItsTarget {
  ProgramBuilder b;
  std::size_t x = b.leaf({1, 2}, {1, 2});
  std::size_t alias = b.line("reshape", {x}, {{"shape", {2}}});
  std::size_t write = b.line("add_", {x, alias});
};

TEST(IntendedDifference, OperandsThatShareMemory) {
  const WriteThatReadsItsTarget it;
  expect_intended(it.b, "operands that share memory");
  // The write itself is still judged, and what came before it compared.
  Runs runs = run_both(it.b.program());
  runs.trace.plant(runs.engine.first_step.at(it.write), Snapshot({1, 2}, {3, 4}));
  expect_found_beside("operands that share memory", compare_runs(it.b.program(), runs));
  expect_found_beside("operands that share memory",
                      compare_with_fault(it.b.program(), [&](Outcome& outcome) {
                        outcome.results[it.alias].value = Snapshot({2}, {3, 4});
                      }));
}

TEST(IntendedDifference, IsNoOperandThatSharesMemoryIfTheEngineReadsACopy) {
  const WriteThatReadsItsTarget it;
  Program other = it.b.program();
  other.lines[it.alias] = {"sum", {it.x}, {{"dims", {0}}}, {}};  // the same numbers, copied
  const Comparison comparison = compare_when_engine_runs(it.b.program(), other);
  EXPECT_NE(comparison.disagreement, "");
  EXPECT_TRUE(comparison.intended.empty());
}

// --- passes that both refuse ---------------------------------------------------------------------

/// What is found when a gradient of the engine is another one.
std::string found_with_gradient(const Program& program, std::size_t line, const Snapshot& planted) {
  return found_with_fault(program, [&](Outcome& outcome) { outcome.gradients[line] = planted; });
}

TEST(IntendedDifference, FreedGraphsAreRefusedEarly) {
  ProgramBuilder b;
  const auto w = b.leaf({2}, {1, 2}, true);
  const auto v = b.leaf({2}, {1, 2}, true);
  const auto h = b.line("mul", {v, v});
  b.line("backward", {b.line("sum", {h})});
  b.line("backward", {b.line("sum", {b.line("add", {h, w})})});
  expect_intended(b, "freed graphs are refused early");
  EXPECT_NE(found_with_gradient(b.program(), v, Snapshot({2}, {0, 0})), "");
  EXPECT_NE(found_with_gradient(b.program(), w, Snapshot({2}, {2, 2})), "");
}

TEST(IntendedDifference, AGradientOfALargerShapeMayBeginAPassThatIsRefused) {
  ProgramBuilder b;
  const auto w = b.leaf({2}, {1, 2}, true);
  const auto v = b.leaf({2}, {1, 2}, true);
  const auto h = b.line("mul", {v, v});
  b.line("backward", {b.line("sum", {h})});
  b.line("backward", {b.line("add", {h, w}), b.leaf({3, 2}, {1, 1, 1, 1, 1, 1})});
  expect_intended(b, "gradient of a larger shape");
  EXPECT_NE(found_with_gradient(b.program(), v, Snapshot({2}, {0, 0})), "");
}

TEST(IntendedDifference, LeavesAccumulateInTheirTurn) {
  ProgramBuilder b;
  const auto w = b.leaf({2}, {1, 2}, true);
  b.line("backward", {b.line("sum", {w})});
  const auto gradient = b.line("grad_of", {w});
  const auto x = b.leaf({2}, {1, 2}, true);
  const auto h = b.line("exp", {x});
  b.line("add_", {b.line("detach", {h})}, {{"scalar", {1}}});
  b.line("backward", {b.line("sum", {b.line("add", {h, w})})});
  expect_intended(b, "leaves accumulate in their turn");
  EXPECT_NE(found_with_gradient(b.program(), w, Snapshot({2}, {3, 3})), "");
  EXPECT_NE(found_with_gradient(b.program(), x, Snapshot({2}, {1, 1})), "");
  EXPECT_NE(found_with_fault(b.program(),
                             [&](Outcome& outcome) {
                               outcome.finals[gradient].value = Snapshot({2}, {5, 5});
                             }),
            "");
}

// --- copies --------------------------------------------------------------------------------------

TEST(IntendedDifference, CopiesCountWhereOneOfBothIsWrittenTo) {
  const Attributes swapped = {{"dim0", {0}}, {"dim1", {1}}};
  for (const bool write_to_copy : {false, true}) {
    ProgramBuilder b;
    const auto x = b.leaf({2, 2}, {1, 2, 3, 4});
    const auto y = b.line("transpose", {x}, swapped);
    EXPECT_TRUE(compare(b.program()).intended.empty());
    b.line("add_", {b.line("detach", {write_to_copy ? y : x})}, {{"scalar", {1}}});
    expect_intended(b, "transpose copies");
  }
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2});
  b.line("add_", {x}, {{"scalar", {1}}});
  const auto y = b.line("expand", {x}, {{"shape", {2, 2}}});
  EXPECT_TRUE(compare(b.program()).intended.empty()) << "written to before";
  b.line("zero_", {y});
  expect_intended(b, "expand copies");
}

TEST(IntendedDifference, CopiesOfAGradientCountWhereItGrows) {
  ProgramBuilder b;
  const auto x = b.leaf({1, 2}, {1, 2}, true);
  const auto y = b.line("sum", {x});
  b.line("backward", {y});
  b.line("transpose", {b.line("grad_of", {x})}, {{"dim0", {0}}, {"dim1", {1}}});
  b.line("backward", {y});
  expect_intended(b, "transpose copies");
}

}  // namespace
}  // namespace gradbook::fuzz
