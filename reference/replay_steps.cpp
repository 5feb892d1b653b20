#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "reference/replay_internal.hpp"
#include "reference/replay_table_internal.hpp"

// Step by step: each on the engine's own recorded inputs, so that errors do not pile up and the
// step that is wrong is the one that is named.

namespace gradbook::reference {

namespace {

const Row& row_for(const Trace::Operation& operation) {
  const Row* row = row_of(operation.name);
  if (row == nullptr) {
    throw Error(fmt::format("no LibTorch counterpart for '{}'", operation.name));
  }
  return *row;
}

/// The steps of one trace as LibTorch runs them, each once however often it is asked for: a value
/// is turned into LibTorch's tensor once, an operation runs once for its result and all its vjps.
class TorchSteps {
 public:
  TorchSteps(const Trace& trace, Precision precision)
      : trace_(trace), precision_(precision), values_(trace.values().size()) {}

  const OneStep& operation(const Trace::Operation& operation) {
    const auto found = operations_.find(&operation);
    if (found != operations_.end()) return found->second;
    Tensors inputs;
    for (const Trace::ValueId id : operation.inputs) {
      if (id != Trace::kNone) inputs.push_back(value(id));
    }
    const Constants constants(operation.attributes,
                              trace_.float64() ? Precision::float64 : Precision::float32);
    return operations_
        .emplace(&operation, OneStep{row_for(operation), constants, std::move(inputs)})
        .first->second;
  }

  /// The same, for its vjps.
  const OneStep& differentiated(const Trace::Operation& traced) {
    const OneStep& step = operation(traced);
    if (differentiated_.insert(&traced).second) step.read_in_vjps(value(traced.output));
    return step;
  }

  /// What arrives at an operation: the same tensor for each of its inputs.
  const at::Tensor& arriving(const Trace::Gradient& gradient) {
    const bool is_same = arrived_at_ == gradient.step &&
                         arrived_.shape == gradient.arriving.shape &&
                         is_identical(arrived_.values, gradient.arriving.values);
    if (!is_same) {
      arrived_at_ = gradient.step;
      arrived_ = gradient.arriving;
      arrived_tensor_ = to_torch(gradient.arriving, dtype_of(precision_));
    }
    return arrived_tensor_;
  }

 private:
  /// Bit by bit: 0 and -0 are two gradients.
  static bool is_identical(const std::vector<double>& a, const std::vector<double>& b) {
    const auto bits = [](double number) { return std::bit_cast<std::uint64_t>(number); };
    return std::ranges::equal(a, b, {}, bits, bits);
  }
  const at::Tensor& value(Trace::ValueId id) {
    at::Tensor& tensor = values_.at(id);
    if (!tensor.defined()) {
      tensor = to_torch(trace_.values()[id].snapshot, dtype_of(precision_));
    }
    return tensor;
  }

  const Trace& trace_;
  Precision precision_;
  Tensors values_;
  std::unordered_map<const Trace::Operation*, OneStep> operations_;
  std::unordered_set<const Trace::Operation*> differentiated_;
  std::size_t arrived_at_ = 0;
  Snapshot arrived_;
  at::Tensor arrived_tensor_;
};

const Trace::Operation& operation_of(const Trace& trace, const Trace::Gradient& gradient) {
  return std::get<Trace::Operation>(trace.steps().at(gradient.step));
}

/// LibTorch's word on the steps of one trace.
class Answers {
 public:
  explicit Answers(const Trace& trace)
      : trace_(trace), truth_(trace, Precision::float64), peer_(trace, Precision::float32) {}

  /// From now on it is known that there are vjps of this operation, too.
  void will_be_differentiated(const Trace::Operation& operation) { recorded_.insert(&operation); }

  Answer to(const Trace::Operation& operation) {
    const OneStep& step = truth_.operation(operation);
    const bool recorded = recorded_.contains(&operation);
    if (recorded) step.record();
    const at::Tensor truth = step.result();
    Answer answer{snapshot(truth), {}, snapshot(step.result_scale(truth)), step.terms(truth)};
    if (!trace_.float64()) {
      const OneStep& peer = peer_.operation(operation);
      if (recorded) peer.record();
      answer.peer = snapshot(peer.result());
    }
    return answer;
  }

  Answer to(const Trace::Gradient& gradient) {
    const Trace::Operation& operation = operation_of(trace_, gradient);
    const std::size_t input = gradient.input;
    const OneStep& step = truth_.differentiated(operation);
    const at::Tensor& g = truth_.arriving(gradient);
    const at::Tensor truth = step.vjp(input, g);
    Answer answer{
        snapshot(truth), {}, snapshot(step.vjp_scale(input, g, truth)), step.vjp_terms(input, g)};
    if (!trace_.float64()) {
      answer.peer = snapshot(peer_.differentiated(operation).vjp(input, peer_.arriving(gradient)));
    }
    return answer;
  }

  Answer to(const Trace::Accumulation& sum) const {
    const auto add = [&](at::ScalarType dtype) {
      return to_torch(sum.before, dtype) + to_torch(sum.contribution, dtype);
    };
    const at::Tensor truth = add(torch::kDouble);
    Answer answer{snapshot(truth), {}, snapshot(finite(truth.abs()))};
    if (!trace_.float64()) answer.peer = snapshot(add(torch::kFloat));
    return answer;
  }

 private:
  const Trace& trace_;
  TorchSteps truth_;
  TorchSteps peer_;  // not asked for a float64 trace
  std::unordered_set<const Trace::Operation*> recorded_;
};

class StepReplay {
 public:
  StepReplay(const Trace& trace, Findings& findings)
      : trace_(trace), findings_(findings), answers_(trace) {
    for (const Trace::Step& step : trace.steps()) {
      const auto* gradient = std::get_if<Trace::Gradient>(&step);
      if (gradient != nullptr) answers_.will_be_differentiated(operation_of(trace, *gradient));
    }
  }

  void operation(std::size_t step, const Trace::Operation& operation) {
    findings_.count_operation();
    const auto name = [&] { return operation.name; };
    judge(step, name, trace_.values().at(operation.output).snapshot, operation);
  }

  void gradient(std::size_t step, const Trace::Gradient& gradient) {
    findings_.count_gradient();
    const auto name = [&] {
      return fmt::format("vjp of {} (step {}) for input {}", operation_of(trace_, gradient).name,
                         gradient.step, gradient.input);
    };
    judge(step, name, gradient.result, gradient);
  }

  void accumulation(std::size_t step, const Trace::Accumulation& sum) {
    findings_.count_gradient();
    const auto name = [] { return "sum of gradients"; };
    judge(step, name, sum.after, sum);
  }

 private:
  /// Where LibTorch refuses what the engine did, that is a disagreement too.
  template <class Name, class Step>
  void judge(std::size_t step, const Name& name, const Snapshot& engine, const Step& what) {
    try {
      const std::string reason = findings_.held_against(engine, answers_.to(what));
      if (!reason.empty()) findings_.disagree(step, name(), reason);
    } catch (const Error& error) {
      findings_.disagree(step, name(), error.what());
    } catch (const std::exception& error) {
      findings_.disagree(step, name(), "LibTorch refuses: " + first_line(error));
    }
  }

  const Trace& trace_;
  Findings& findings_;
  Answers answers_;
};

}  // namespace

Answer answer_to(const Trace& trace, const Trace::Operation& operation) {
  return Answers(trace).to(operation);
}

Answer answer_to(const Trace& trace, const Trace::Gradient& gradient) {
  return Answers(trace).to(gradient);
}

Answer answer_to(const Trace& trace, const Trace::Accumulation& sum) {
  return Answers(trace).to(sum);
}

void replay_steps(const Trace& trace, Findings& findings) {
  StepReplay replay(trace, findings);
  for (std::size_t i = 0; i < trace.steps().size(); ++i) {
    const Trace::Step& step = trace.steps()[i];
    if (const auto* operation = std::get_if<Trace::Operation>(&step)) {
      replay.operation(i, *operation);
    } else if (const auto* gradient = std::get_if<Trace::Gradient>(&step)) {
      replay.gradient(i, *gradient);
    } else if (const auto* sum = std::get_if<Trace::Accumulation>(&step)) {
      replay.accumulation(i, *sum);
    }
  }
}

}  // namespace gradbook::reference
