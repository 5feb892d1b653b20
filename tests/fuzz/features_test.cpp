#include "tests/fuzz/features.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/run_engine.hpp"

namespace gradbook::fuzz {
namespace {

std::set<Covered> covered_by(const ProgramBuilder& b) {
  Trace trace;
  const EngineRun engine = run_engine(b.program(), &trace);
  return covered(b.program(), engine, trace);
}

TEST(Features, AreAllNamed) {
  ProgramBuilder b;
  const auto x = b.leaf({2, 2}, {0.5, -1, 2, 0.25});
  const auto w = b.leaf({2, 2}, {1, 0.5, -0.75, 0.3}, true);
  const auto h = b.line("tanh", {b.line("matmul", {x, w})});
  b.line("backward", {b.line("mean", {b.line("sum", {b.line("mul", {h, h})}, {{"dims", {0}}})})});
  b.line("no_grad");
  b.line("sub_", {w, b.line("mul", {b.line("grad_of", {w})}, {{"scalar", {0.1}}})});
  const std::set<Feature> all = all_features();
  EXPECT_GE(all.size(), 12U);
  EXPECT_FALSE(covered_by(b).empty());
  for (const auto& [operation, feature] : covered_by(b))
    EXPECT_TRUE(all.contains(feature)) << feature;
}

TEST(Features, OfALineAreNotThoseOfOthers) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2});
  const auto row = b.line("exp", {x});
  const auto sum = b.line("add", {b.leaf({3, 2}, {1, 2, 3, 4, 5, 6}), row});
  b.line("neg", {sum});
  b.line("mul", {sum, sum});
  const auto found = covered_by(b);
  EXPECT_TRUE(found.contains({"add", "broadcast"}));
  EXPECT_TRUE(found.contains({"exp", "broadcast"})) << "its result is broadcast";
  EXPECT_FALSE(found.contains({"neg", "broadcast"}));
  EXPECT_FALSE(found.contains({"mul", "broadcast"}));
  EXPECT_TRUE(found.contains({"add", "shared subexpression"}));
  EXPECT_FALSE(found.contains({"exp", "shared subexpression"}));
}

TEST(Features, ABatchOfMatricesBroadcastsAndAVectorDoesNot) {
  const auto broadcasts = [](const Shape& a, const Shape& b) {
    ProgramBuilder p;
    const auto leaf = [&](const Shape& shape) {
      return p.leaf(shape, std::vector<double>(numel(shape), 1));
    };
    p.line("matmul", {leaf(a), leaf(b)});
    return covered_by(p).contains({"matmul", "broadcast"});
  };
  EXPECT_TRUE(broadcasts({2, 3, 3}, {3, 3}));
  EXPECT_TRUE(broadcasts({2, 1, 3, 3}, {4, 3, 3}));
  EXPECT_FALSE(broadcasts({2, 3, 3}, {2, 3, 3}));
  EXPECT_FALSE(broadcasts({3, 4}, {4, 3}));
  EXPECT_FALSE(broadcasts({3, 4}, {4}));
}

TEST(Features, WritesInPlaceBelongToLinesWithThatStorage) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2});
  const auto y = b.line("exp", {x});
  const auto alias = b.line("detach", {y});
  b.line("add_", {alias}, {{"scalar", {1}}});
  b.line("tanh", {y});
  b.line("neg", {x});
  const auto found = covered_by(b);
  for (const char* op : {"exp", "detach", "add_", "tanh"}) {
    EXPECT_TRUE(found.contains({op, "in place"})) << op;
  }
  EXPECT_FALSE(found.contains({"neg", "in place"}));
  EXPECT_TRUE(found.contains({"add_", "alias"}));
  EXPECT_TRUE(found.contains({"tanh", "alias"}));
  EXPECT_FALSE(found.contains({"exp", "alias"})) << "there was no alias yet";
}

TEST(Features, OfAPassBelongToLinesThatItRunsThrough) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {0.5, 1}, true);
  const auto h = b.line("exp", {x});
  b.line("neg", {h});
  const auto y = b.line("tanh", {h});
  b.line("grad", {y, h, b.leaf({2}, {1, 2})}, {{"retain_graph", {1}}});
  b.line("backward", {b.line("sum", {y})}, {{"create_graph", {1}}});
  b.line("log", {b.line("detach", {h})});
  const auto found = covered_by(b);
  for (const char* feature : {"given gradient", "retain_graph", "several backward"}) {
    EXPECT_TRUE(found.contains({"tanh", feature})) << feature;
    for (const char* op : {"exp", "sum", "neg", "log"}) {
      EXPECT_FALSE(found.contains({op, feature})) << op << feature;
    }
    EXPECT_TRUE(found.contains({"detach", feature})) << "no pass runs through it: of the program";
  }
  for (const char* op : {"exp", "tanh", "sum", "detach"}) {
    EXPECT_TRUE(found.contains({op, "create_graph"})) << op;
  }
  EXPECT_FALSE(found.contains({"neg", "create_graph"}));
  EXPECT_FALSE(found.contains({"log", "create_graph"}));
}

TEST(Features, OfATensorBelongToLinesThatReadItOrWhatWasMadeOfIt) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {0.5, 1}, true);
  const auto h = b.line("exp", {x});
  b.line("retain_grad", {h});
  b.line("tanh", {b.line("neg", {h})});
  b.line("sqrt", {b.line("sigmoid", {b.line("detach", {h})})});
  b.line("no_grad");
  const auto unrecorded = b.line("relu", {h});
  b.line("end_no_grad");
  b.line("log", {unrecorded});
  const auto gradient = b.line("grad", {b.line("sum", {h}), x});
  b.line("reciprocal", {b.line("mul", {gradient, gradient})});
  b.line("add", {b.leaf({0}, {}), b.leaf({1}, {2})});
  const auto found = covered_by(b);
  std::map<Feature, std::set<std::string>> operations;
  for (const auto& [operation, feature] : found) operations[feature].insert(operation);
  using Names = std::set<std::string>;
  EXPECT_EQ(operations["retain_grad"],
            (Names{"exp", "neg", "tanh", "detach", "sigmoid", "sqrt", "relu", "log", "sum"}));
  EXPECT_EQ(operations["detach"], (Names{"detach", "sigmoid", "sqrt"}));
  EXPECT_EQ(operations["no-grad"], (Names{"relu", "log"}));
  EXPECT_EQ(operations["gradient as data"], (Names{"mul", "reciprocal"}));
  EXPECT_EQ(operations["zero-size"], Names{"add"});
}

TEST(Features, FlagsOfALeafAndWritesWithoutRecordingBelongToItsReaders) {
  ProgramBuilder b;
  const auto w = b.leaf({}, {0.5}, true);
  const auto other = b.leaf({}, {0.25});
  b.line("requires_grad_", {other}, {{"wanted", {1}}});
  b.line("backward", {b.line("exp", {w})});
  b.line("zero_grad", {w});
  b.line("no_grad");
  b.line("add_", {w}, {{"scalar", {1}}});
  b.line("end_no_grad");
  b.line("tanh", {w});
  b.line("neg", {other});
  const auto found = covered_by(b);
  for (const char* op : {"exp", "add_", "tanh"}) {
    EXPECT_TRUE(found.contains({op, "zero_grad"})) << op;
    EXPECT_TRUE(found.contains({op, "no-grad"})) << op;
    EXPECT_FALSE(found.contains({op, "requires_grad_"})) << op;
  }
  EXPECT_TRUE(found.contains({"neg", "requires_grad_"}));
  EXPECT_FALSE(found.contains({"neg", "zero_grad"}));
  EXPECT_FALSE(found.contains({"neg", "no-grad"}));
}

TEST(Features, OfAPassThroughGradientsBelongToTheLinesBehindThem) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0.5}, true);
  const auto y = b.line("exp", {x});
  const auto gradient = b.line("grad", {y, x}, {{"create_graph", {1}}});
  b.line("backward", {b.line("mul", {gradient, gradient})});
  const auto found = covered_by(b);
  EXPECT_TRUE(found.contains({"exp", "create_graph"}));
  EXPECT_FALSE(found.contains({"mul", "create_graph"})) << "its gradient was not recorded";
}

}  // namespace
}  // namespace gradbook::fuzz
