#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/parity.hpp"
#include "tests/fuzz/expect_outcome.hpp"

// Programs of which it is known what they come to, in both interpreters and both precisions.

namespace gradbook::fuzz {
namespace {

using reference::Outcome;

TEST(Interpreters, RunEveryOperation) {
  ProgramBuilder b;
  const auto x = b.leaf({2, 2}, {1, 4, 0.25, 2}, true);
  const auto y = b.leaf({2}, {2, -1});
  struct Expected {
    std::size_t line;
    Snapshot value;
  };
  std::vector<Expected> all;
  const auto expect = [&](std::size_t line, Shape shape, std::vector<double> values) {
    all.push_back({line, Snapshot(std::move(shape), std::move(values))});
  };
  expect(b.line("add", {x, y}), {2, 2}, {3, 3, 2.25, 1});
  expect(b.line("sub", {x, y}), {2, 2}, {-1, 5, -1.75, 3});
  expect(b.line("mul", {x, y}), {2, 2}, {2, -4, 0.5, -2});
  expect(b.line("div", {x, y}), {2, 2}, {0.5, -4, 0.125, -2});
  expect(b.line("add", {x}, {{"scalar", {1}}}), {2, 2}, {2, 5, 1.25, 3});
  expect(b.line("sub", {x}, {{"scalar", {1}}}), {2, 2}, {0, 3, -0.75, 1});
  expect(b.line("rsub", {x}, {{"scalar", {1}}}), {2, 2}, {0, -3, 0.75, -1});
  expect(b.line("mul", {x}, {{"scalar", {2}}}), {2, 2}, {2, 8, 0.5, 4});
  expect(b.line("div", {x}, {{"scalar", {2}}}), {2, 2}, {0.5, 2, 0.125, 1});
  expect(b.line("pow", {x}, {{"scalar", {2}}}), {2, 2}, {1, 16, 0.0625, 4});
  expect(b.line("gate", {x, y}), {2, 2}, {1, 0, 0.25, 0});
  expect(b.line("neg", {y}), {2}, {-2, 1});
  expect(b.line("reciprocal", {x}), {2, 2}, {1, 0.25, 4, 0.5});
  expect(b.line("relu", {y}), {2}, {2, 0});
  const auto zero = b.leaf({}, {0});
  expect(b.line("exp", {zero}), {}, {1});
  expect(b.line("tanh", {zero}), {}, {0});
  expect(b.line("sigmoid", {zero}), {}, {0.5});
  const auto four = b.leaf({1}, {4});
  expect(b.line("sqrt", {four}), {1}, {2});
  const auto one = b.leaf({1}, {1});
  expect(b.line("log", {one}), {1}, {0});
  expect(b.line("matmul", {x, y}), {2}, {-2, -1.5});
  expect(b.line("matmul", {x, x}), {2, 2}, {2, 12, 0.75, 5});
  expect(b.line("sum", {x}), {}, {7.25});
  expect(b.line("sum", {x}, {{"dims", {-1}}}), {2}, {5, 2.25});
  expect(b.line("sum", {x}, {{"dims", {0}}, {"keepdim", {1}}}), {1, 2}, {1.25, 6});
  expect(b.line("mean", {x}), {}, {1.8125});
  expect(b.line("mean", {x}, {{"dims", {}}, {"keepdim", {1}}}), {1, 1}, {1.8125});
  expect(b.line("mean", {x}, {{"dims", {-2}}}), {2}, {0.625, 3});
  expect(b.line("transpose", {x}, {{"dim0", {0}}, {"dim1", {-1}}}), {2, 2}, {1, 0.25, 4, 2});
  expect(b.line("reshape", {x}, {{"shape", {-1, 1}}}), {4, 1}, {1, 4, 0.25, 2});
  expect(b.line("expand", {y}, {{"shape", {2, 2}}}), {2, 2}, {2, -1, 2, -1});
  expect(b.line("sum_to", {x}, {{"shape", {2}}}), {2}, {1.25, 6});
  expect(b.line("detach", {x}), {2, 2}, {1, 4, 0.25, 2});
  expect(b.line("clone", {x}), {2, 2}, {1, 4, 0.25, 2});
  expect(b.line("argmax", {x}), {1}, {1});
  expect(b.line("argmax", {x}, {{"dim", {0}}}), {2}, {0, 0});
  const auto h = b.line("clone", {x});
  expect(b.line("add_", {h, y}), {2, 2}, {3, 3, 2.25, 1});
  expect(b.line("sub_", {h}, {{"scalar", {1}}}), {2, 2}, {2, 2, 1.25, 0});
  expect(b.line("mul_", {h, x}), {2, 2}, {2, 8, 0.3125, 0});
  expect(b.line("copy_", {h, y}), {2, 2}, {2, -1, 2, -1});
  expect(b.line("zero_", {h}), {2, 2}, {0, 0, 0, 0});

  std::set<std::string> used;
  for (const auto& line : b.program().lines) used.insert(line.op);
  for (const std::string& op : reference::line_operations()) {
    if (!reference::computes_a_tensor(op)) continue;
    EXPECT_EQ(used.count(op), 1U) << op;
  }
  expect_runs(b, [&](const Outcome& outcome) {
    for (const Expected& expected : all) {
      SCOPED_TRACE(b.program().lines[expected.line].op);
      ASSERT_TRUE(outcome.results[expected.line].value);
      EXPECT_EQ(*outcome.results[expected.line].value, expected.value);
      const bool constant = b.program().lines[expected.line].inputs[0] != x &&
                            b.program().lines[expected.line].inputs[0] != h;
      const bool cut = b.program().lines[expected.line].op == "detach" ||
                       b.program().lines[expected.line].op == "argmax";
      EXPECT_EQ(outcome.results[expected.line].requires_grad, !constant && !cut);
    }
    EXPECT_EQ(*outcome.finals[h].value, Snapshot({2, 2}, {0, 0, 0, 0}));
  });
}

TEST(Interpreters, EngineOperationsAreAllThereButCheckpoint) {
  const std::vector<std::string> known = reference::line_operations();
  for (const parity::OperationFacts& facts : parity::operation_facts()) {
    if (facts.name == "checkpoint") continue;  // of a function, which a line cannot hold
    EXPECT_EQ(std::count(known.begin(), known.end(), facts.name), 1) << facts.name;
  }
}

TEST(Interpreters, AccumulateGradientsOfSeveralPasses) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {3, -1}, true);
  const auto h = b.line("mul", {x, x});
  b.line("retain_grad", {h});
  const auto y = b.line("sum", {h});
  b.line("backward", {y}, {{"retain_graph", {1}}});
  const auto seen = b.line("grad_of", {x});
  b.line("backward", {y});
  expect_runs(b, [&](const Outcome& outcome) {
    EXPECT_EQ(*outcome.results[seen].value, Snapshot({2}, {6, -2}));
    EXPECT_EQ(*outcome.finals[seen].value, Snapshot({2}, {12, -4})) << "it is the gradient itself";
    EXPECT_EQ(*outcome.gradients[x], Snapshot({2}, {12, -4}));
    EXPECT_EQ(*outcome.gradients[h], Snapshot({2}, {2, 2}));
    EXPECT_FALSE(outcome.gradients[y]);
    EXPECT_FALSE(outcome.results[y + 1].value) << "backward has no result";
  });
}

TEST(Interpreters, DifferentiateAGradient) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {3, -1}, true);
  const auto cube = b.line("pow", {x}, {{"scalar", {3}}});
  const auto v = b.leaf({2}, {1, 10});
  const auto g = b.line("grad", {cube, x, v}, {{"create_graph", {1}}});
  const auto y = b.line("sum", {g});
  b.line("backward", {y});
  const auto none = b.line("grad", {y, v}, {{"allow_unused", {1}}});
  expect_last_line_refused(b);  // v requires no grad
  static_cast<void>(none);

  ProgramBuilder c;
  const auto a = c.leaf({2}, {3, -1}, true);
  const auto unused = c.leaf({2}, {1, 1}, true);
  const auto s = c.line("sum", {c.line("pow", {a}, {{"scalar", {3}}})});
  const auto first = c.line("grad", {s, a}, {{"create_graph", {1}}});
  const auto second = c.line("sum", {first});
  c.line("backward", {second});
  const auto undefined = c.line("grad", {s, unused}, {{"allow_unused", {1}}});
  expect_runs(c, [&](const Outcome& outcome) {
    EXPECT_EQ(*outcome.results[first].value, Snapshot({2}, {27, 3}));
    EXPECT_TRUE(outcome.results[first].requires_grad);
    EXPECT_FALSE(outcome.results[first].is_leaf);
    EXPECT_EQ(*outcome.gradients[a], Snapshot({2}, {18, -6}));
    EXPECT_FALSE(outcome.results[undefined].value);
  });
}

TEST(Interpreters, RecordNothingInsideNoGrad) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {3, -1}, true);
  b.line("no_grad");
  const auto step = b.line("sub_", {x}, {{"scalar", {1}}});
  const auto h = b.line("mul", {x, x});
  b.line("end_no_grad");
  const auto y = b.line("mul", {x, x});
  const auto frozen = b.line("detach", {x});
  b.line("requires_grad_", {frozen}, {{"wanted", {1}}});
  b.line("requires_grad_", {x}, {{"wanted", {0}}});
  const auto z = b.line("neg", {x});
  expect_runs(b, [&](const Outcome& outcome) {
    EXPECT_EQ(*outcome.results[step].value, Snapshot({2}, {2, -2}));
    EXPECT_TRUE(outcome.results[step].is_leaf);
    EXPECT_FALSE(outcome.results[h].requires_grad);
    EXPECT_TRUE(outcome.results[y].requires_grad);
    EXPECT_FALSE(outcome.results[frozen].requires_grad);
    EXPECT_TRUE(outcome.finals[frozen].requires_grad);
    EXPECT_FALSE(outcome.results[z].requires_grad);
  });
}

TEST(Interpreters, ForgetAGradient) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {3, -1}, true);
  const auto y = b.line("sum", {x});
  b.line("backward", {y});
  const auto kept = b.line("grad_of", {x});
  b.line("zero_grad", {x});
  const auto gone = b.line("grad_of", {x});
  expect_runs(b, [&](const Outcome& outcome) {
    EXPECT_EQ(*outcome.finals[kept].value, Snapshot({2}, {1, 1}));
    EXPECT_FALSE(outcome.results[gone].value);
    EXPECT_FALSE(outcome.gradients[x]);
  });
}

TEST(Interpreters, WriteThroughAliases) {
  ProgramBuilder b;
  const auto x = b.leaf({2, 2}, {1, 2, 3, 4});
  const auto flat = b.line("reshape", {x}, {{"shape", {4}}});
  const auto cut = b.line("detach", {x});
  const auto turned = b.line("transpose", {x}, {{"dim0", {0}}, {"dim1", {1}}});
  const auto copied = b.line("clone", {x});
  b.line("mul_", {flat}, {{"scalar", {10}}});
  expect_runs(b, [&](const Outcome& outcome) {
    EXPECT_EQ(*outcome.results[x].value, Snapshot({2, 2}, {1, 2, 3, 4}));
    EXPECT_EQ(*outcome.finals[x].value, Snapshot({2, 2}, {10, 20, 30, 40}));
    EXPECT_EQ(*outcome.finals[cut].value, Snapshot({2, 2}, {10, 20, 30, 40}));
    EXPECT_EQ(*outcome.finals[turned].value, Snapshot({2, 2}, {1, 3, 2, 4}));
    EXPECT_EQ(*outcome.finals[copied].value, Snapshot({2, 2}, {1, 2, 3, 4}));
  });
}

}  // namespace
}  // namespace gradbook::fuzz
