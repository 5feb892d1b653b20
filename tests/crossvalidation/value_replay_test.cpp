#include <gtest/gtest.h>

#include <cmath>

#include "engine/grad_mode.hpp"
#include "reference/replay.hpp"

namespace gradbook::reference {
namespace {

ReplayReport replayed(const Value& root) {
  root.backward();
  return replay(root);
}

/// Writes behind the engine's back.
ValueNode& open(const Value& value) { return const_cast<ValueNode&>(value.node()); }

TEST(ValueReplay, EveryOperationAgrees) {
  const Value a(0.7, "a");
  const Value b(-1.3, "b");
  const Value y = (a + b) * (a - b) / b + (-a).exp() + a.log() * a.sqrt() + b.tanh() + b.sigmoid() +
                  a.relu() + b.relu() + a.pow(2.5) + b.pow(3) + 1 / a;
  const ReplayReport report = replayed(y);
  EXPECT_TRUE(report.ok()) << report.summary();
  EXPECT_EQ(report.gradients, report.steps - report.operations);
  EXPECT_GE(report.operations, 18U);
  EXPECT_LT(report.end_to_end_error, 1e-14);
}

TEST(ValueReplay, AValueUsedManyTimesGetsTheSumOfItsGradients) {
  const Value x(0.1);
  Value y = x * x;
  for (int i = 0; i < 100; ++i) y = y * x + y * 3 - x;
  const ReplayReport report = replayed(y);
  EXPECT_TRUE(report.ok()) << report.summary();
}

TEST(ValueReplay, ALeafAloneAgrees) {
  const ReplayReport report = replayed(Value(3));
  EXPECT_TRUE(report.ok()) << report.summary();
}

TEST(ValueReplay, ALongChainNeedsNoRecursion) {
  const Value x(1);
  Value y = x;
  for (int i = 0; i < 20000; ++i) y = y + 1;
  const ReplayReport report = replayed(y);
  EXPECT_TRUE(report.ok()) << report.summary();
  EXPECT_EQ(report.operations, 20000U);
}

TEST(ValueReplay, EdgesOfTheNumbersAgree) {
  for (const double edge : {0.0, -0.0, 1e308, -1e308, 1e-308, HUGE_VAL, std::nan("")}) {
    const Value x(edge);
    const ReplayReport report =
        replayed(x * x + x.relu() + x.exp() + x.tanh() + x.sigmoid() + x.pow(0) + x.sqrt() / 3);
    EXPECT_TRUE(report.ok()) << edge << ": " << report.summary();
  }
}

TEST(ValueReplay, FindsAWrongNodeAlthoughTheRootIsRight) {
  const Value a(2, "a");
  const Value b(3, "b");
  const Value product = a * b;
  const Value root = (product - product).exp();
  root.backward();
  open(product).data = 7;
  const ReplayReport report = replay(root);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.disagreements.front().operation, "mul");
  EXPECT_EQ(report.disagreements.front().step, 2U);
  EXPECT_NE(report.disagreements.front().what.find("is 7, LibTorch has 6"), std::string::npos);
  EXPECT_GT(report.end_to_end_error, 0.1);
}

TEST(ValueReplay, FindsAWrongGradient) {
  const Value a(2, "a");
  const Value b(3, "b");
  const Value root = (a * b).tanh();
  root.backward();
  open(b).grad += 1;
  const ReplayReport report = replay(root);
  ASSERT_EQ(report.disagreements.size(), 1U);
  EXPECT_EQ(report.disagreements.front().operation, "gradient of leaf 'b'");
}

TEST(ValueReplay, FindsThatBackwardDidNotRun) { EXPECT_FALSE(replay(Value(2) * 3).ok()); }

TEST(ValueReplay, RunsWhereGradientsAreOff) {
  const Value x(2);
  const Value y = x.exp();
  y.backward();
  const NoGradGuard off;
  EXPECT_TRUE(replay(y).ok()) << replay(y).summary();
}

}  // namespace
}  // namespace gradbook::reference
