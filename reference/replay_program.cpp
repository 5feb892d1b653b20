#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>

#include "reference/cycles_internal.hpp"
#include "reference/leaf_flags_internal.hpp"
#include "reference/quiet_internal.hpp"
#include "reference/replay_internal.hpp"
#include "reference/replay_table_internal.hpp"
#include "reference/saves_less_internal.hpp"
#include "reference/view_history_internal.hpp"

// End to end: the program as LibTorch would have run it from its leaves on, with writes in place to
// real aliases, grad mode, and backward passes of its own. Errors pile up here as they do in any
// program, so the values give a figure and no verdict. What must agree is what has no rounding:
// shapes, which results require grad, which gradients exist, and that LibTorch allows it at all.

namespace gradbook::reference {

namespace {

class ProgramReplay {
 public:
  ProgramReplay(const Trace& trace, Findings& findings)
      : trace_(trace), findings_(findings), options_(dtype_of(findings.precision())) {}
  ProgramReplay(const ProgramReplay&) = delete;
  ProgramReplay& operator=(const ProgramReplay&) = delete;
  ~ProgramReplay() {
    for (const auto& [identity, tensor] : tensors_) cut_cycles(tensor);
  }

  void run(std::size_t, const Trace::Leaf& leaf) {
    const Trace::Value& made = value(leaf.value);
    tensors_[made.tensor] = fresh(made);
    starts_late_ = starts_late_ || (!made.is_leaf && !traced_.contains(made.node));
  }

  void run(std::size_t step, const Trace::Operation& operation) {
    traced_.insert(value(operation.output).node);
    if (operation.inside_backward) return;
    const Row* row = row_of(operation.name);
    if (row == nullptr) throw std::runtime_error("it has no LibTorch counterpart");
    const at::AutoGradMode mode(operation.grad_mode);
    const Constants constants(operation.attributes, findings_.precision());
    Tensors inputs;
    for (const Trace::ValueId id : operation.inputs) {
      if (id != Trace::kNone) inputs.push_back(tensor(id));
    }
    const Trace::Value& output = value(operation.output);
    if (operation.in_place) {
      if (operation.grad_mode && output.requires_grad) inputs[0] = no_view(operation.inputs[0]);
      (row->write_in_program != nullptr ? row->write_in_program : row->write)(inputs, constants);
      if (!operation.grad_mode || !value(operation.output).requires_grad) {
        for (const auto& [identity, other] : tensors_) keep_history(other);
      }
    } else {
      if (hands_on_a_view(operation.name)) inputs[0] = with_own_gradient(inputs[0]);
      const auto run = row->run_in_program != nullptr ? row->run_in_program : row->run;
      const at::Tensor result = run(inputs, constants);
      // A view keeps the flag even where nothing is recorded; our results never do.
      tensors_[output.tensor] = operation.grad_mode ? result : result.detach();
    }
    compare(step, operation.name, output, tensor(operation.output));
  }

  void run(std::size_t, const Trace::GradSet& set) {
    tensor(set.value).mutable_grad() =
        set.gradient == Trace::kNone ? at::Tensor() : tensor(set.gradient);
  }

  void run(std::size_t, const Trace::RetainGrad& retain) {
    const at::Tensor& tensor = tensors_.at(retain.tensor);
    // LibTorch 1.13 crashes on a view that was written to if it has not been asked for this.
    tensor.grad_fn();
    tensor.retain_grad();
  }

  void run(std::size_t, const Trace::RequiresGradChange& change) {
    at::Tensor& tensor = tensors_.at(change.tensor);
    const at::Tensor successor = leaf_flags_.changed(tensor, change.wanted);
    for (auto& [identity, other] : tensors_) replace_gradient(other, tensor, successor);
    tensor = successor;
  }

  // Parts of a backward pass: LibTorch's own does that.
  void run(std::size_t, const Trace::Gradient&) {}
  void run(std::size_t, const Trace::Accumulation&) {}

  /// Can this step be run? Not a backward pass into a graph of which the trace has seen the end
  /// only: its gradients are not all ours, and neither is what the program makes of them.
  bool can_run(const Trace::Step& step) const {
    return !starts_late_ || !std::holds_alternative<Trace::Backward>(step);
  }

  void run(std::size_t step, const Trace::Backward& call) {
    const Quiet quiet;
    if (call.inputs.empty()) {
      const at::Tensor start =
          call.grad_outputs.at(0) == Trace::kNone ? at::Tensor() : tensor(call.grad_outputs.at(0));
      std::vector<bool> had_gradient;
      for (const auto& [id, gradient] : call.gradients) {
        had_gradient.push_back(tensor(id).grad().defined());
      }
      tensor(call.outputs.at(0))
          .backward(start, call.retain_graph || call.create_graph, call.create_graph);
      for (std::size_t k = 0; k < call.gradients.size(); ++k) {
        const auto& [id, gradient] = call.gradients[k];
        if (!had_gradient[k]) own_storage(tensor(id), call.create_graph);
        // One that grew in place is the tensor that it was.
        const bool is_new = !tensors_.contains(value(call.gradient_values[k]).tensor);
        arrived(step, fmt::format("backward: the gradient of tensor {}", value(id).tensor),
                gradient, tensor(id).grad(), call.gradient_values[k], is_new);
      }
      return;
    }
    Tensors outputs;
    Tensors starts;
    Tensors inputs;
    for (const Trace::ValueId id : call.outputs) outputs.push_back(tensor(id));
    for (const Trace::ValueId id : call.grad_outputs) {
      starts.push_back(id == Trace::kNone ? at::Tensor() : tensor(id));
    }
    for (const Trace::ValueId id : call.inputs) inputs.push_back(tensor(id));
    const Tensors gradients =
        torch::autograd::grad(outputs, inputs, starts, call.retain_graph || call.create_graph,
                              call.create_graph, /*allow_unused=*/true);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const Trace::ValueId id = call.gradient_values[i];
      const std::string name = fmt::format("grad: the gradient of input {}", i);
      if (id != Trace::kNone) {
        // LibTorch may hand out a view of something smaller, which the program could not write to.
        const at::AutoGradMode mode(call.create_graph);
        const bool is_view = gradients[i].defined() && gradients[i].is_view();
        // The engine hands back the program's own tensor where a cotangent passes unchanged.
        const bool is_new = !tensors_.contains(value(id).tensor);
        arrived(step, name, value(id).snapshot, is_view ? gradients[i].clone() : gradients[i], id,
                is_new);
      } else if (gradients[i].defined()) {
        findings_.disagree(step, name, "the engine has none, LibTorch has one");
      }
    }
  }

 private:
  const Trace::Value& value(Trace::ValueId id) const { return trace_.values().at(id); }

  at::Tensor fresh(const Trace::Value& from) const {
    const at::Tensor leaf = to_torch(from.snapshot, options_.requires_grad(from.requires_grad));
    return from.is_leaf ? leaf : leaf.clone();
  }

  /// Our tensor for the engine's. One that the trace shows only now stands for itself.
  at::Tensor& tensor(Trace::ValueId id) {
    const auto found = tensors_.find(value(id).tensor);
    if (found != tensors_.end()) return found->second;
    return tensors_[value(id).tensor] = fresh(value(id));
  }

  /// Our tensor, about to be written to and recorded. Where the engine allows that, nobody else
  /// sees its storage; LibTorch would record the write for a base that the program does not have.
  at::Tensor& no_view(Trace::ValueId id) {
    at::Tensor& view = tensor(id);
    if (!view.is_view()) return view;
    const Quiet quiet;
    const at::Tensor copy = view.clone();
    if (copy.requires_grad() && view.retains_grad()) copy.retain_grad();
    copy.mutable_grad() = view.grad();
    view.mutable_grad().reset();
    return view = copy;
  }

  void compare(std::size_t step, const std::string& name, const Trace::Value& engine,
               const at::Tensor& libtorch) {
    findings_.end_to_end(engine.snapshot, snapshot(libtorch));
    if (engine.requires_grad == libtorch.requires_grad()) return;
    findings_.disagree(step, name,
                       fmt::format("the result {} grad, in LibTorch it {}",
                                   engine.requires_grad ? "requires" : "does not require",
                                   engine.requires_grad ? "does not" : "does"));
  }

  /// LibTorch may have made the gradient a view of something else (engine/parity.md).
  static void own_storage(const at::Tensor& leaf, bool create_graph) {
    if (create_graph || !leaf.grad().defined() || leaf.grad().storage().use_count() == 1) return;
    leaf.mutable_grad() = leaf.grad().clone();
  }

  /// A gradient that a backward pass gave; if it `is_new`, from now on `id` is LibTorch's tensor.
  void arrived(std::size_t step, const std::string& name, const Snapshot& engine,
               const at::Tensor& libtorch, Trace::ValueId id, bool is_new) {
    if (libtorch.defined()) {
      findings_.end_to_end(engine, snapshot(libtorch));
      if (is_new) tensors_[value(id).tensor] = libtorch;
    } else {
      findings_.disagree(step, name, "the engine has one, LibTorch has none");
    }
  }

  const Trace& trace_;
  Findings& findings_;
  at::TensorOptions options_;
  std::unordered_map<std::size_t, at::Tensor> tensors_;
  LeafFlags leaf_flags_;
  std::unordered_set<std::uint64_t> traced_;  // nodes of traced operations
  bool starts_late_ = false;
};

}  // namespace

void replay_program(const Trace& trace, Findings& findings) {
  ProgramReplay replay(trace, findings);
  for (std::size_t i = 0; i < trace.steps().size(); ++i) {
    if (!replay.can_run(trace.steps()[i])) return;
    try {
      std::visit([&](const auto& step) { replay.run(i, step); }, trace.steps()[i]);
    } catch (const std::exception& error) {
      findings.disagree(i, "the whole program", "LibTorch stops here: " + first_line(error));
      return;
    }
  }
}

}  // namespace gradbook::reference
