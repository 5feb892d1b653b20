#include <fmt/format.h>

#include "reference/replay_internal.hpp"
#include "reference/replay_table_internal.hpp"

// Step by step: each on the engine's own recorded inputs, so that errors do not pile up and the
// step that is wrong is the one that is named.

namespace gradbook::reference {

namespace {

Precision precision_of(const Trace& trace) {
  return trace.float64() ? Precision::float64 : Precision::float32;
}

OneStep one_step(const Trace& trace, const Trace::Operation& operation, Precision precision) {
  const Row* row = row_of(operation.name);
  if (row == nullptr) {
    throw Error(fmt::format("no LibTorch counterpart for '{}'", operation.name));
  }
  Tensors inputs;
  for (const Trace::ValueId id : operation.inputs) {
    if (id == Trace::kNone) continue;
    inputs.push_back(to_torch(trace.values().at(id).snapshot, dtype_of(precision)));
  }
  return {*row, Constants(operation.attributes, precision_of(trace)), std::move(inputs)};
}

const Trace::Operation& operation_of(const Trace& trace, const Trace::Gradient& gradient) {
  return std::get<Trace::Operation>(trace.steps().at(gradient.step));
}

class StepReplay {
 public:
  StepReplay(const Trace& trace, Findings& findings) : trace_(trace), findings_(findings) {}

  void operation(std::size_t step, const Trace::Operation& operation) {
    findings_.count_operation();
    judge(step, operation.name, trace_.values().at(operation.output).snapshot, operation);
  }

  void gradient(std::size_t step, const Trace::Gradient& gradient) {
    findings_.count_gradient();
    const std::string name =
        fmt::format("vjp of {} (step {}) for input {}", operation_of(trace_, gradient).name,
                    gradient.step, gradient.input);
    judge(step, name, gradient.result, gradient);
  }

  void accumulation(std::size_t step, const Trace::Accumulation& sum) {
    findings_.count_gradient();
    judge(step, "sum of gradients", sum.after, sum);
  }

 private:
  /// Where LibTorch refuses what the engine did, that is a disagreement too.
  template <class Step>
  void judge(std::size_t step, const std::string& name, const Snapshot& engine, const Step& what) {
    try {
      findings_.judge(step, name, engine, answer_to(trace_, what));
    } catch (const Error& error) {
      findings_.disagree(step, name, error.what());
    } catch (const std::exception& error) {
      findings_.disagree(step, name, "LibTorch refuses: " + first_line(error));
    }
  }

  const Trace& trace_;
  Findings& findings_;
};

}  // namespace

Answer answer_to(const Trace& trace, const Trace::Operation& operation) {
  const OneStep step = one_step(trace, operation, Precision::float64);
  const at::Tensor truth = step.result();
  Answer answer{snapshot(truth), {}, snapshot(step.result_scale(truth)), step.terms(truth)};
  if (!trace.float64()) {
    answer.peer = snapshot(one_step(trace, operation, Precision::float32).result());
  }
  return answer;
}

Answer answer_to(const Trace& trace, const Trace::Gradient& gradient) {
  const Trace::Operation& operation = operation_of(trace, gradient);
  const std::size_t input = gradient.input;
  const OneStep step = one_step(trace, operation, Precision::float64);
  const at::Tensor g = to_torch(gradient.arriving, torch::kDouble);
  const at::Tensor truth = step.vjp(input, g);
  Answer answer{
      snapshot(truth), {}, snapshot(step.vjp_scale(input, g, truth)), step.vjp_terms(input, g)};
  if (!trace.float64()) {
    answer.peer = snapshot(one_step(trace, operation, Precision::float32)
                               .vjp(input, to_torch(gradient.arriving, torch::kFloat)));
  }
  return answer;
}

Answer answer_to(const Trace& trace, const Trace::Accumulation& sum) {
  const auto add = [&](at::ScalarType dtype) {
    return to_torch(sum.before, dtype) + to_torch(sum.contribution, dtype);
  };
  const at::Tensor truth = add(torch::kDouble);
  Answer answer{snapshot(truth), {}, snapshot(finite(truth.abs()))};
  if (!trace.float64()) answer.peer = snapshot(add(torch::kFloat));
  return answer;
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
