// What a trace holds, step by step. That a replay of it in LibTorch agrees is the
// cross-validation's.
#include "engine/trace.hpp"

#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "engine/checkpoint.hpp"
#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

using Lines = std::vector<std::string>;

std::string id(Trace::ValueId value) {
  return value == Trace::kNone ? "-" : "v" + std::to_string(value);
}

std::string ids(const Trace::ValueIds& values) {
  std::vector<std::string> names;
  for (const Trace::ValueId value : values) names.push_back(id(value));
  return fmt::format("{}", fmt::join(names, ","));
}

std::string numbers(const Snapshot& snapshot) {
  return fmt::format("{}", fmt::join(snapshot.values, " "));
}

/// Each step as a line.
struct Describe {
  std::string operator()(const Trace::Leaf& step) const { return "leaf " + id(step.value); }
  std::string operator()(const Trace::Operation& step) const {
    std::string text = step.inside_backward ? "~" : "";
    text += fmt::format("{} = {}({})", id(step.output), step.name, ids(step.inputs));
    for (const auto& [name, values] : step.attributes) {
      text += fmt::format(" {}={}", name, fmt::join(values, " "));
    }
    return text + (step.in_place ? " in place" : "") + (step.grad_mode ? "" : " unrecorded");
  }
  std::string operator()(const Trace::Gradient& step) const {
    return fmt::format("vjp {}.{}: {} to {}", step.step, step.input, numbers(step.arriving),
                       numbers(step.result));
  }
  std::string operator()(const Trace::Accumulation& step) const {
    return fmt::format("{} + {} = {}", numbers(step.before), numbers(step.contribution),
                       numbers(step.after));
  }
  std::string operator()(const Trace::GradSet& step) const {
    return fmt::format("grad of {} set to {}", id(step.value), id(step.gradient));
  }
  std::string operator()(const Trace::RetainGrad& step) const {
    return fmt::format("retain t{}", step.tensor);
  }
  std::string operator()(const Trace::RequiresGradChange& step) const {
    return fmt::format("t{} requires grad: {}", step.tensor, step.wanted);
  }
  std::string operator()(const Trace::Backward& step) const {
    std::string text = fmt::format("backward from {} with {} to {} since {}:", ids(step.outputs),
                                   ids(step.grad_outputs), ids(step.inputs), step.first);
    for (const auto& [value, gradient] : step.gradients) {
      text += fmt::format(" {}: {};", id(value), numbers(gradient));
    }
    return text + " in " + ids(step.gradient_values) + (step.retain_graph ? " retained" : "") +
           (step.create_graph ? " recorded" : "");
  }
};

Lines lines(const Trace& trace) {
  Lines result;
  for (const Trace::Step& step : trace.steps()) result.push_back(std::visit(Describe(), step));
  return result;
}

/// The states of the tensors: which tensor, and what of it a gradient would ask.
Lines states(const Trace& trace) {
  Lines result;
  for (const Trace::Value& value : trace.values()) {
    result.push_back(fmt::format("t{} {}{}{}", value.tensor, numbers(value.snapshot),
                                 value.requires_grad ? " grad" : "", value.is_leaf ? " leaf" : ""));
  }
  return result;
}

/// A trace of what `program` does.
template <class Program>
Trace trace_of(const Program& program) {
  Trace trace;
  const TraceScope scope(trace);
  program();
  return trace;
}

TEST(Trace, HoldsLeavesOperationsAndTheBackwardPassInOrder) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor c({3, 4});
  const Trace trace = trace_of([&] { (x * c + 5).sum().backward(); });
  EXPECT_EQ(lines(trace),
            (Lines{"leaf v0", "leaf v1", "v2 = mul(v0,v1)", "v3 = add(v2) scalar=5",
                   "v4 = sum(v3) dims=0 keepdim=0", "leaf v5",
                   "~v6 = reshape(v5) shape=1 unrecorded", "~v7 = expand(v6) shape=2 unrecorded",
                   "vjp 4.0: 1 to 1 1", "vjp 3.0: 1 1 to 1 1", "vjp 2.0: 1 1 to 3 4", "leaf v8",
                   "backward from v4 with - to  since 5: v0: 3 4; in v8"}));
  EXPECT_EQ(states(trace),
            (Lines{"t0 1 2 grad leaf", "t1 3 4 leaf", "t2 3 8 grad", "t3 8 13 grad", "t4 21 grad",
                   "t5 1 leaf", "t6 1 leaf", "t7 1 1 leaf", "t8 3 4 leaf"}));
}

TEST(Trace, TwoContributionsAreAnAccumulation) {
  const Tensor x({1, 2}, requires_grad);
  const Trace trace = trace_of([&] { (x * x).backward(Tensor({10, 20})); });
  EXPECT_EQ(lines(trace), (Lines{"leaf v0", "v1 = mul(v0,v0)", "leaf v2", "vjp 1.0: 10 20 to 10 40",
                                 "vjp 1.1: 10 20 to 10 40", "10 40 + 10 40 = 20 80", "leaf v3",
                                 "backward from v1 with v2 to  since 3: v0: 20 80; in v3"}));
}

TEST(Trace, AddingToAGradientThatIsThereIsAnAccumulation) {
  Tensor x({1, 2}, requires_grad);
  x.set_grad(Tensor({100, 200}));
  const Trace trace = trace_of([&] { (-x).backward(Tensor({10, 20}), {.retain_graph = true}); });
  EXPECT_EQ(lines(trace),
            (Lines{"leaf v0", "leaf v1", "grad of v0 set to v1", "v2 = neg(v0)", "leaf v3",
                   "vjp 3.0: 10 20 to -10 -20", "100 200 + -10 -20 = 90 180",
                   "backward from v2 with v3 to  since 5: v0: 90 180; in v4 retained"}));
}

TEST(Trace, AWriteInPlaceGivesTheTensorANewState) {
  const Tensor x({1, 2}, requires_grad);
  const Trace trace = trace_of([&] {
    Tensor y = x * 2;
    y.add_(Tensor({5, 6}));
    y.mul_(3);
  });
  EXPECT_EQ(lines(trace), (Lines{"leaf v0", "v1 = mul(v0) scalar=2", "leaf v2",
                                 "v3 = add_(v1,v2) in place", "v4 = mul_(v3) scalar=3 in place"}));
  EXPECT_EQ(states(trace), (Lines{"t0 1 2 grad leaf", "t1 2 4 grad", "t2 5 6 leaf", "t1 7 10 grad",
                                  "t1 21 30 grad"}));
}

TEST(Trace, AWriteThroughAnAliasIsSeenWhereTheTensorIsUsedNext) {
  const Trace trace = trace_of([] {
    const Tensor x({1, 2});
    Tensor alias = x.detach();
    alias.add_(1);
    x * 2;
  });
  EXPECT_EQ(lines(trace), (Lines{"leaf v0", "v1 = detach(v0)", "v2 = add_(v1) scalar=1 in place",
                                 "v4 = mul(v3) scalar=2"}));
  EXPECT_EQ(states(trace),
            (Lines{"t0 1 2 leaf", "t1 1 2 leaf", "t1 2 3 leaf", "t0 2 3 leaf", "t2 4 6 leaf"}));
}

TEST(Trace, KeepsWhatIsDoneWithRecordingOff) {
  Tensor w({1, 2}, requires_grad);
  const Trace trace = trace_of([&] {
    const NoGradGuard guard;
    w.sub_(w * 0.5);
  });
  EXPECT_EQ(lines(trace), (Lines{"leaf v0", "v1 = mul(v0) scalar=0.5 unrecorded",
                                 "v2 = sub_(v0,v1) in place unrecorded"}));
  EXPECT_EQ(states(trace), (Lines{"t0 1 2 grad leaf", "t1 0.5 1 leaf", "t0 0.5 1 grad leaf"}));
}

TEST(Trace, KeepsWhatIsAskedOfGradients) {
  Tensor x({1, 2}, requires_grad);
  const Trace trace = trace_of([&] {
    Tensor y = x * 2;
    y.retain_grad();
    y.sum().backward();
    x.zero_grad();
    x.set_grad(Tensor({7, 8}));
    x.requires_grad_(false);
    x.requires_grad_();
    x.requires_grad_();  // nothing changes
    Tensor unseen({1, 1});
    unseen.requires_grad_();
  });
  EXPECT_EQ(
      lines(trace),
      (Lines{"leaf v0", "v1 = mul(v0) scalar=2", "retain t1", "v2 = sum(v1) dims=0 keepdim=0",
             "leaf v3", "~v4 = reshape(v3) shape=1 unrecorded",
             "~v5 = expand(v4) shape=2 unrecorded", "vjp 3.0: 1 to 1 1", "vjp 1.0: 1 1 to 2 2",
             "leaf v6", "backward from v2 with - to  since 4: v1: 1 1; v0: 2 2; in v5,v6",
             "grad of v0 set to -", "leaf v7", "grad of v0 set to v7", "t0 requires grad: false",
             "t0 requires grad: true"}));
}

TEST(Trace, AGradientThatIsThereAtTheBeginningIsSet) {
  Tensor x({1, 2}, requires_grad);
  x.set_grad(Tensor({7, 8}));
  const Trace trace = trace_of([&] { x * 2; });
  EXPECT_EQ(lines(trace),
            (Lines{"leaf v0", "leaf v1", "grad of v0 set to v1", "v2 = mul(v0) scalar=2"}));
}

TEST(Trace, KeepsACallOfGradWithWhatItReturned) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor unused({1, 1}, requires_grad);
  const Trace trace = trace_of([&] {
    grad<float>({x * 2}, {unused, x}, {Tensor({10, 20})},
                {.create_graph = true, .allow_unused = true});
  });
  EXPECT_EQ(lines(trace),
            (Lines{"leaf v0", "v1 = mul(v0) scalar=2", "leaf v2", "leaf v3",
                   "~v4 = mul(v2) scalar=2", "vjp 1.0: 10 20 to 20 40",
                   "backward from v1 with v2 to v3,v0 since 4: v0: 20 40; in -,v4 recorded"}));
}

TEST(Trace, AFailedBackwardPassIsNoneAndIsOver) {
  const Tensor x({1, 2}, requires_grad);
  const Trace trace = trace_of([&] {
    Tensor y = x * 2;
    const Tensor loss = (y * y).sum();
    y.add_(1);
    message_of<SavedTensorChangedError>([&] { loss.backward(); });
    x * 3;
  });
  const Lines all = lines(trace);
  EXPECT_EQ(all.back(), "v8 = mul(v0) scalar=3") << "not part of a backward pass";
  for (const std::string& line : all) EXPECT_EQ(line.find("backward"), std::string::npos) << line;
}

TEST(Trace, WhatRanBeforeItBeganIsALeafWithHistory) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * 2;
  const Trace trace = trace_of([&] { (y + 1).backward(Tensor({10, 20})); });
  EXPECT_EQ(lines(trace), (Lines{"leaf v0", "v1 = add(v0) scalar=1", "leaf v2",
                                 "vjp 1.0: 10 20 to 10 20", "leaf v3", "leaf v4",
                                 "backward from v1 with v2 to  since 3: v3: 20 40; in v4"}));
  EXPECT_EQ(states(trace), (Lines{"t0 2 4 grad", "t1 3 5 grad", "t2 10 20 leaf", "t3 1 2 grad leaf",
                                  "t4 20 40 leaf"}));
}

TEST(Trace, OnlyTheInnermostScopeIsActiveAndNullPauses) {
  const Tensor x({1, 2});
  Trace outer;
  Trace inner;
  EXPECT_EQ(Trace::active(), nullptr);
  {
    const TraceScope scope(outer);
    x * 1;
    {
      const TraceScope nested(inner);
      EXPECT_EQ(Trace::active(), &inner);
      x * 2;
      const TraceScope paused(nullptr);
      EXPECT_EQ(Trace::active(), nullptr);
      x * 3;
    }
    EXPECT_EQ(Trace::active(), &outer);
    x * 4;
  }
  EXPECT_EQ(Trace::active(), nullptr);
  x * 5;
  EXPECT_EQ(lines(outer), (Lines{"leaf v0", "v1 = mul(v0) scalar=1", "v2 = mul(v0) scalar=4"}));
  EXPECT_EQ(lines(inner), (Lines{"leaf v0", "v1 = mul(v0) scalar=2"}));
}

TEST(Trace, IsOfOnePrecision) {
  EXPECT_FALSE(trace_of([] { Tensor({1}) * 2; }).float64());
  EXPECT_TRUE(trace_of([] { Tensor64({1}) * 2; }).float64());
  message_of<Error>([] {
    trace_of([] {
      Tensor({1}) * 2;
      Tensor64({1}) * 2;
    });
  });
}

TEST(Trace, PlantsAWrongValueWhereItIsTold) {
  const Tensor x({1, 2}, requires_grad);
  Trace trace = trace_of([&] { (x * x).backward(Tensor({10, 20})); });
  const Lines before = lines(trace);
  const Snapshot wrong({2}, {-1, -2});
  for (std::size_t step = 0; step < before.size(); ++step) {
    const bool can = std::holds_alternative<Trace::Operation>(trace.steps()[step]) ||
                     std::holds_alternative<Trace::Gradient>(trace.steps()[step]) ||
                     std::holds_alternative<Trace::Accumulation>(trace.steps()[step]);
    if (can) trace.plant(step, wrong);
  }
  EXPECT_EQ(lines(trace), (Lines{"leaf v0", "v1 = mul(v0,v0)", "leaf v2", "vjp 1.0: 10 20 to -1 -2",
                                 "vjp 1.1: 10 20 to -1 -2", "10 40 + 10 40 = -1 -2", "leaf v3",
                                 "backward from v1 with v2 to  since 3: v0: 20 80; in v3"}));
  EXPECT_EQ(states(trace),
            (Lines{"t0 1 2 grad leaf", "t1 -1 -2 grad", "t2 10 20 leaf", "t3 20 80 leaf"}));
}

TEST(Trace, OfACheckpointIsThatOfThePlainFunction) {
  const Tensor x({1, 2}, requires_grad);
  const Trace trace = trace_of(
      [&] { checkpoint([](const Tensor& in) { return in.exp() * in; }, x).sum().backward(); });
  EXPECT_EQ(
      lines(trace),
      (Lines{
          "leaf v0", "v2 = exp(v1)", "v3 = mul(v2,v1)", "v5 = sum(v4) dims=0 keepdim=0", "leaf v6",
          "~v7 = reshape(v6) shape=1 unrecorded", "~v8 = expand(v7) shape=2 unrecorded",
          "vjp 3.0: 1 to 1 1", "leaf v9",
          "backward from v5 with - to  since 4: v0: 5.436563491821289 22.16716766357422; in v9"}));
  EXPECT_EQ(trace.values()[1].tensor, trace.values()[0].tensor) << "the input inside is x";
  EXPECT_EQ(trace.values()[4].tensor, trace.values()[3].tensor)
      << "the result inside is the result";
}

}  // namespace
}  // namespace gradbook
