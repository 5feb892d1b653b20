// Programs that are traced, replayed, and must agree.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <variant>

#include "engine/random.hpp"
#include "reference/replay.hpp"

namespace gradbook::reference {

inline std::set<std::string> operations_of(const Trace& trace) {
  std::set<std::string> names;
  for (const Trace::Step& step : trace.steps()) {
    if (const auto* operation = std::get_if<Trace::Operation>(&step)) names.insert(operation->name);
  }
  return names;
}

template <class AnyTensor>
class ReplayTest : public testing::Test {
 protected:
  using Float = typename AnyTensor::value_type;

  AnyTensor random(const Shape& shape, RequiresGrad wanted = without_grad) {
    AnyTensor x = numbers_.randn<Float>(shape);
    if (wanted) leaves_.push_back(node_of(x.requires_grad_()));
    return x;
  }
  /// Between 0.1 and 1.1.
  AnyTensor positive(const Shape& shape, RequiresGrad wanted = without_grad) {
    Snapshot values = numbers_.randn<Float>(shape).snapshot();
    for (double& value : values.values) value = 0.1 + 1 / (1 + std::exp(-value));
    const AnyTensor x = AnyTensor::from(values, wanted);
    if (wanted) leaves_.push_back(node_of(x));
    return x;
  }
  // A recorded gradient owns the graph that owns its leaf.
  void TearDown() override {
    for (const Ref<Node<Float>>& leaf : leaves_) leaf->grad = AnyTensor();
  }

  template <class Program>
  ReplayReport replayed(const Program& program) {
    Trace trace;
    {
      const TraceScope scope(trace);
      program();
    }
    return replay(trace);
  }

  /// Runs the program, and agrees with LibTorch about it.
  template <class Program>
  ReplayReport expect_agreement(const Program& program) {
    Trace trace;
    {
      const TraceScope scope(trace);
      program();
    }
    const ReplayReport report = replay(trace);
    EXPECT_TRUE(report.ok()) << report.summary();
    EXPECT_GT(report.steps, 0U);
    EXPECT_EQ(report.steps, report.operations + report.gradients);
    EXPECT_LE(report.worst_ratio, 1);
    if (!after_a_failure_) {
      EXPECT_LT(report.end_to_end_error, sizeof(Float) == 4 ? 1e-5 : 1e-13) << report.summary();
    }
    seen_.merge(operations_of(trace));
    return report;
  }

  bool after_a_failure_ = false;  // of which no trace tells what it did
  RandomState numbers_{7};
  std::vector<Ref<Node<Float>>> leaves_;
  std::set<std::string> seen_;
};

using BothPrecisions = testing::Types<Tensor, Tensor64>;

}  // namespace gradbook::reference
