#include <fmt/format.h>

#include "reference/replay_internal.hpp"
#include "reference/replay_table_internal.hpp"

// Step by step: each on the engine's own recorded inputs, so that errors do not pile up and the
// step that is wrong is the one that is named.

namespace gradbook::reference {

namespace {

class StepReplay {
 public:
  StepReplay(const Trace& trace, Findings& findings) : trace_(trace), findings_(findings) {}

  void operation(std::size_t step, const Trace::Operation& operation) {
    findings_.count_operation();
    guarded(step, operation.name, [&] {
      const Row* row = row_or_disagree(step, operation.name);
      if (row == nullptr) return;
      const OneStep truth = one_step(*row, operation, Precision::float64);
      const at::Tensor result = truth.result();
      findings_.judge(step, operation.name, trace_.values().at(operation.output).snapshot,
                      {snapshot(result), in_own_precision([&](Precision precision) {
                         return one_step(*row, operation, precision).result();
                       }),
                       snapshot(truth.result_scale(result))});
    });
  }

  void gradient(std::size_t step, const Trace::Gradient& gradient) {
    findings_.count_gradient();
    const auto& operation = std::get<Trace::Operation>(trace_.steps().at(gradient.step));
    const std::string name = fmt::format("vjp of {} (step {}) for input {}", operation.name,
                                         gradient.step, gradient.input);
    guarded(step, name, [&] {
      const Row* row = row_or_disagree(step, operation.name);
      if (row == nullptr) return;
      const OneStep truth = one_step(*row, operation, Precision::float64);
      const at::Tensor g = to_torch(gradient.arriving, torch::kDouble);
      const at::Tensor result = truth.vjp(gradient.input, g);
      findings_.judge(step, name, gradient.result,
                      {snapshot(result), in_own_precision([&](Precision precision) {
                         return one_step(*row, operation, precision)
                             .vjp(gradient.input, to_torch(gradient.arriving, dtype_of(precision)));
                       }),
                       snapshot(truth.vjp_scale(gradient.input, g, result))});
    });
  }

  void accumulation(std::size_t step, const Trace::Accumulation& sum) {
    findings_.count_gradient();
    guarded(step, "sum of gradients", [&] {
      const auto add = [&](Precision precision) {
        return to_torch(sum.before, dtype_of(precision)) +
               to_torch(sum.contribution, dtype_of(precision));
      };
      const at::Tensor truth = add(Precision::float64);
      findings_.judge(step, "sum of gradients", sum.after,
                      {snapshot(truth), in_own_precision(add), snapshot(truth.abs())});
    });
  }

 private:
  const Row* row_or_disagree(std::size_t step, const std::string& name) {
    const Row* row = row_of(name);
    if (row == nullptr) {
      findings_.disagree(step, name, fmt::format("no LibTorch counterpart for '{}'", name));
    }
    return row;
  }

  OneStep one_step(const Row& row, const Trace::Operation& operation, Precision precision) const {
    Tensors inputs;
    for (const Trace::ValueId id : operation.inputs) {
      if (id == Trace::kNone) continue;
      inputs.push_back(to_torch(trace_.values().at(id).snapshot, dtype_of(precision)));
    }
    return {row, Constants(operation.attributes, findings_.precision()), std::move(inputs)};
  }

  /// What `run` gives in the precision of the trace. A float64 trace has no other peer than the
  /// truth.
  template <class Run>
  Snapshot in_own_precision(const Run& run) const {
    if (findings_.precision() == Precision::float64) return {};
    return snapshot(run(Precision::float32));
  }

  /// Where LibTorch refuses what the engine did, that is a disagreement too.
  template <class Run>
  void guarded(std::size_t step, const std::string& name, const Run& run) {
    try {
      run();
    } catch (const std::exception& error) {
      findings_.disagree(step, name, "LibTorch refuses: " + first_line(error));
    }
  }

  const Trace& trace_;
  Findings& findings_;
};

}  // namespace

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
