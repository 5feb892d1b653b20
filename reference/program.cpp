#include "reference/program.hpp"

#include <c10/util/Logging.h>

#include <algorithm>
#include <numeric>

#include "reference/cycles_internal.hpp"
#include "reference/leaf_flags_internal.hpp"
#include "reference/quiet_internal.hpp"
#include "reference/refused_passes_internal.hpp"
#include "reference/replay_internal.hpp"
#include "reference/replay_table_internal.hpp"
#include "reference/retained_gradients_internal.hpp"
#include "reference/saves_less_internal.hpp"
#include "reference/view_history_internal.hpp"

// A program as someone would write it with LibTorch, line by line.

namespace gradbook::reference {

namespace {

/// LibTorch walks and names the whole stack for every error that it throws, which takes longer than
/// the rest of a program. Nobody reads it here.
void without_backtraces() {
  static const bool done = [] {
    c10::SetStackTraceFetcher([] { return std::string(); });
    return true;
  }();
  static_cast<void>(done);
}

class ProgramRun {
 public:
  ProgramRun(const Program& program, const Concessions& concessions)
      : program_(program),
        concessions_(concessions),
        retained_(concessions.grad_leaves_retained_gradients_alone) {}
  ProgramRun(const ProgramRun&) = delete;
  ProgramRun& operator=(const ProgramRun&) = delete;
  ~ProgramRun() {
    for (const at::Tensor& tensor : tensors_) cut_cycles(tensor);
  }

  Outcome outcome() {
    const at::AutoGradMode recorded(true);
    Outcome outcome;
    try {
      for (const Line& line : program_.lines) outcome.results.push_back(run(line));
    } catch (const std::exception& error) {
      outcome.error = first_line(error);
    }
    tensors_.resize(outcome.results.size());
    for (const at::Tensor& tensor : tensors_) {
      outcome.finals.push_back(result_of(tensor));
      outcome.gradients.push_back(tensor.defined() ? result_of(tensor.grad()).value : std::nullopt);
    }
    return outcome;
  }

 private:
  static LineResult result_of(const at::Tensor& tensor) {
    if (!tensor.defined()) return {};
    return {snapshot(tensor), tensor.requires_grad(), tensor.is_leaf()};
  }

  LineResult run(const Line& line) {
    tensors_.emplace_back();
    if (line.op == "argmax") return {argmax(line)};
    const at::Tensor result = tensor_of(line);
    tensors_.back() = result;
    return result_of(result);
  }

  const at::Tensor& input(const Line& line, std::size_t i) const {
    return tensors_.at(line.inputs.at(i));
  }
  at::Tensor input_or_none(const Line& line, std::size_t i) const {
    return i < line.inputs.size() ? input(line, i) : at::Tensor();
  }

  at::Tensor tensor_of(const Line& line) {
    if (line.op == "leaf") return leaf(line);
    if (line.op == "no_grad" || line.op == "end_no_grad") {
      at::GradMode::set_enabled(line.op == "end_no_grad");
      return {};
    }
    const at::Tensor& x = input(line, 0);
    TORCH_CHECK(x.defined(), "an undefined tensor");  // some functions would go on without one
    if (line.op == "clone") return x.clone();
    if (line.op == "grad") return grad(line);
    if (line.op == "grad_of") return contiguous_gradient(x);
    if (line.op == "backward") {
      backward(line);
    } else if (line.op == "zero_grad") {
      x.mutable_grad().reset();
    } else if (line.op == "retain_grad") {
      // LibTorch 1.13 crashes on a view that was written to if it has not been asked for this.
      x.grad_fn();
      concessions_.grad_leaves_retained_gradients_alone ? retained_.retain(x) : x.retain_grad();
    } else if (line.op == "requires_grad_") {
      change_flag(x, flag(line, "wanted"));
    } else {
      return computed(line);
    }
    return {};
  }

  static bool flag(const Line& line, std::string_view name) {
    return number_or(line, name, 0) != 0;
  }

  at::Tensor leaf(const Line& line) const {
    const auto options = at::TensorOptions(dtype_of(program_.precision));
    return to_torch(line.data, options.requires_grad(flag(line, "requires_grad")));
  }

  Snapshot argmax(const Line& line) const {
    const at::Tensor& x = input(line, 0);
    const auto dim = integers_or_none(line, "dim");
    const at::Tensor indices = dim.empty() ? x.argmax() : x.argmax(dim.front());
    Snapshot numbers = snapshot(indices);
    numbers.shape = {numbers.values.size()};  // as the engine returns them
    return numbers;
  }

  at::Tensor grad(const Line& line) {
    const bool create_graph = flag(line, "create_graph");
    Tensors starts;
    if (line.inputs.size() > 2) starts.push_back(input(line, 2));
    const RetainedGradients::InGrad in_grad(retained_);
    const at::Tensor gradient = torch::autograd::grad({input(line, 0)}, {input(line, 1)}, starts,
                                                      flag(line, "retain_graph") || create_graph,
                                                      create_graph, flag(line, "allow_unused"))[0];
    const at::AutoGradMode mode(create_graph);
    if (!gradient.defined() || !gradient.is_view()) return gradient;
    if (concessions_.gradients_are_no_views) return gradient.clone();
    return view(gradient.contiguous());
  }

  void backward(const Line& line) {
    const bool create_graph = flag(line, "create_graph");
    std::vector<bool> had_gradient;
    for (const at::Tensor& tensor : tensors_) {
      had_gradient.push_back(tensor.defined() && tensor.grad().defined());
    }
    const auto& unmoved = concessions_.unmoved_by_refused_passes;
    const GradientsBefore before(unmoved.empty() ? Tensors() : tensors_);
    try {
      input(line, 0).backward(input_or_none(line, 1), flag(line, "retain_graph") || create_graph,
                              create_graph);
    } catch (const std::exception&) {
      for (const std::size_t i : unmoved) {
        if (i < tensors_.size()) before.put_back(tensors_[i]);
      }
      throw;
    }
    if (!concessions_.gradients_own_their_storage || create_graph) return;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const at::Tensor& tensor = tensors_[i];
      if (had_gradient[i] || !tensor.defined() || !tensor.grad().defined()) continue;
      if (tensor.grad().storage().use_count() > 1) tensor.mutable_grad() = tensor.grad().clone();
    }
  }

  void change_flag(at::Tensor x, bool wanted) {
    if (!concessions_.saved_leaves_keep_their_flag) {
      x.requires_grad_(wanted);
      return;
    }
    const at::Tensor successor = leaf_flags_.changed(x, wanted);
    for (at::Tensor& tensor : tensors_) {
      replace_gradient(tensor, x, successor);
      if (tensor.is_same(x)) tensor = successor;
    }
  }

  /// The engine's tensors are contiguous, LibTorch's gradients sometimes views of smaller or
  /// transposed ones.
  static at::Tensor contiguous_gradient(const at::Tensor& x) {
    const at::Tensor& gradient = x.grad();
    if (!gradient.defined() || gradient.is_contiguous()) return gradient;
    const at::AutoGradMode mode(gradient.requires_grad());
    x.mutable_grad() = gradient.contiguous();
    return x.grad();
  }

  /// Everything that the table of LibTorch's counterparts has.
  at::Tensor computed(const Line& line) {
    Tensors inputs;
    for (const std::size_t i : line.inputs) inputs.push_back(tensors_.at(i));
    if (line.op == "matmul") {
      return concessions_.matmul_saves_operands ? matmul_of_products(inputs[0], inputs[1])
                                                : at::matmul(inputs[0], inputs[1]);
    }
    const bool is_scalar = inputs[0].defined() && inputs[0].dim() == 0;
    if (line.op == "transpose" && is_scalar) {  // nothing to copy: the engine's is an alias too
      return view(inputs[0].transpose(integers_or_none(line, "dim0")[0],
                                      integers_or_none(line, "dim1")[0]));
    }
    if (concessions_.gradients_are_no_views && hands_on_a_view(line.op)) {
      inputs[0] = with_own_gradient(inputs[0]);
    }
    if (line.op == "sum" || line.op == "mean") return reduced(line, inputs);
    const Row& row = *row_of(line.op);
    const Constants constants(line.attributes, program_.precision);
    if (line.op.back() == '_') {
      const bool is_recorded =
          at::GradMode::is_enabled() &&
          std::any_of(inputs.begin(), inputs.end(),
                      [](const at::Tensor& input) { return input.requires_grad(); });
      const bool concede = concessions_.constants_are_not_saved && row.write_in_program != nullptr;
      (concede ? row.write_in_program : row.write)(inputs, constants);
      if (is_recorded) {
        retained_.rewritten(inputs[0]);
      } else if (concessions_.views_keep_their_history) {
        for (const at::Tensor& tensor : tensors_) keep_history(tensor);
      }
      return inputs[0];
    }
    if (line.op == "reshape") return view(row.run(inputs, constants));
    const bool concede = row.run_in_program != nullptr && concedes(line.op);
    return concede ? row.run_in_program(inputs, constants) : row.run(inputs, constants);
  }

  /// Is it the concession of this operation that is made?
  bool concedes(std::string_view op) const {
    if (op == "gate" || op == "relu") return concessions_.gate_saves_for_g_only;
    if (op == "sigmoid") return concessions_.sigmoid_goes_by_its_rule;
    return concessions_.constants_are_not_saved;
  }

  at::Tensor view(const at::Tensor& made) const {
    const bool concede = concessions_.unrecorded_views_are_detached && !at::GradMode::is_enabled();
    return concede ? made.detach() : made;
  }

  at::Tensor reduced(const Line& line, const Tensors& inputs) const {
    std::vector<std::int64_t> dims = integers_or_none(line, "dims");
    const bool keepdim = flag(line, "keepdim");
    if (line.op == "sum") return at::sum(inputs[0], dims, keepdim);
    if (dims.empty() && !keepdim) return at::mean(inputs[0]);
    if (!concessions_.mean_saves_nothing) return at::mean(inputs[0], dims, keepdim);
    {
      const at::NoGradGuard for_its_refusals_only;
      at::mean(inputs[0], dims, keepdim);
    }
    const auto rank = static_cast<std::size_t>(inputs[0].dim());
    if (dims.empty() || rank == 0) {
      dims.resize(rank);
      std::iota(dims.begin(), dims.end(), 0);
    }
    return mean_saving_nothing(inputs[0], dims, keepdim);
  }

  /// A product of matrices by the definition: it saves both operands as they are.
  static at::Tensor matmul_of_products(const at::Tensor& a, const at::Tensor& b) {
    {
      const at::NoGradGuard for_its_refusals_only;
      at::matmul(a, b);
    }
    if (a.dim() < 2 || b.dim() < 2) return at::matmul(a, b);
    return at::sum(a.unsqueeze(-1) * b.unsqueeze(-3), {-2});
  }

  const Program& program_;
  const Concessions& concessions_;
  const Quiet quiet_;
  Tensors tensors_;
  RetainedGradients retained_;
  LeafFlags leaf_flags_;
};

}  // namespace

Outcome run_in_libtorch(const Program& program, const Concessions& concessions) {
  check_well_formed(program);
  without_backtraces();
  return ProgramRun(program, concessions).outcome();
}

}  // namespace gradbook::reference
