#include "tests/fuzz/intended.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace gradbook::fuzz {

using reference::Line;

namespace {

// --- "no recorded writes through reshapes" -------------------------------------------------------

bool is_write_through_reshape(const OneSidedRefusal& refusal) {
  return refusal.engine_refused && refusal.engine.error_class == "InPlaceError" &&
         refusal.engine.shares_storage_with_reshape &&
         refusal.program.lines[refusal.line].op.back() == '_';
}

// --- "gradient of a larger shape" ----------------------------------------------------------------

bool is_gradient_of_larger_shape(const OneSidedRefusal& refusal) {
  const Line& line = refusal.program.lines[refusal.line];
  const std::size_t given = line.op == "backward" ? 1 : 2;
  if (line.op != "backward" && line.op != "grad") return false;
  if (!refusal.engine_refused || refusal.engine.error_class != "BackwardError") return false;
  if (line.inputs.size() <= given) return false;
  const auto& results = refusal.engine.outcome.finals;
  const Shape& output = results[line.inputs[0]].value->shape;
  const Shape& gradient = results[line.inputs[given]].value->shape;
  return output != gradient && broadcasts_to(output, gradient);
}

// --- what a pass on the traced graph reads and writes --------------------------------------------

/// Which inputs of a traced operation the gradient of input `i` reads.
std::vector<std::size_t> read_by_gradient(const Trace::Operation& operation, std::size_t i) {
  const std::string& name = operation.name;
  if (operation.inputs.size() == 1) {
    return name == "pow" || name == "log" ? std::vector<std::size_t>{0}
                                          : std::vector<std::size_t>{};
  }
  if (name == "mul" || name == "matmul") return {1 - i};
  if (name == "div") return i == 0 ? std::vector<std::size_t>{1} : std::vector<std::size_t>{0, 1};
  if (name == "gate" && i == 0) return {1};
  return {};
}

/// What the trace knows of the line that was refused, and of the storages before it.
class TracedLine {
 public:
  explicit TracedLine(const OneSidedRefusal& refusal) : trace_(refusal.trace) {
    const auto& first = refusal.engine.first_step;
    const std::size_t end =
        refusal.line + 1 < first.size() ? first[refusal.line + 1] : trace_.steps().size();
    for (std::size_t i = 0; i < end; ++i) {
      if (const auto* operation = std::get_if<Trace::Operation>(&trace_.steps()[i])) {
        look_at(i, *operation);
        if (i >= first[refusal.line] && operation->in_place) write_ = operation;
      } else if (const auto* call = std::get_if<Trace::Backward>(&trace_.steps()[i])) {
        if (i >= first[refusal.line]) {
          find_gradients(i, *call);
          return;
        }
        look_at(i, *call);
      }
    }
  }

  /// The write in place, if it is one.
  const Trace::Operation* write() const { return write_; }
  /// Gradients that were computed: the operation's step, the input.
  const std::set<std::pair<std::size_t, std::size_t>>& gradients() const { return gradients_; }
  const Trace::Operation& operation(std::size_t step) const {
    return std::get<Trace::Operation>(trace_.steps()[step]);
  }
  bool requires_grad(Trace::ValueId id) const { return trace_.values()[id].requires_grad; }
  bool written_after(std::size_t step, Trace::ValueId id) const {
    const auto later = writes_.upper_bound({storage(id), step});
    return later != writes_.end() && later->first == storage(id);
  }
  /// Are these tensors of different shapes over the same storage?
  bool share_storage(Trace::ValueId a, Trace::ValueId b) const {
    return storage(a) == storage(b) &&
           trace_.values()[a].snapshot.shape != trace_.values()[b].snapshot.shape;
  }
  /// Does this pass add to a gradient that is stored there?
  bool accumulates_into(Trace::ValueId id) const { return accumulated_.contains(storage(id)); }

 private:
  std::size_t storage(Trace::ValueId id) const {
    const auto found = storage_.find(trace_.values()[id].tensor);
    return found == storage_.end() ? trace_.values()[id].tensor : found->second;
  }

  void look_at(std::size_t step, const Trace::Operation& operation) {
    if (operation.name == "detach" || operation.name == "reshape") {
      storage_[trace_.values()[operation.output].tensor] = storage(operation.inputs[0]);
    }
    if (operation.in_place) writes_.emplace(storage(operation.output), step);
  }

  void look_at(std::size_t step, const Trace::Backward& call) {
    if (!call.inputs.empty()) return;
    for (const Trace::ValueId id : call.gradient_values) writes_.emplace(storage(id), step);
  }

  void find_gradients(std::size_t step, const Trace::Backward& call) {
    for (std::size_t i = call.first; i < step; ++i) {
      const auto* gradient = std::get_if<Trace::Gradient>(&trace_.steps()[i]);
      if (gradient != nullptr) gradients_.emplace(gradient->step, gradient->input);
    }
    if (!call.inputs.empty() || call.create_graph) return;
    for (const Trace::ValueId id : call.gradient_values) accumulated_.insert(storage(id));
  }

  const Trace& trace_;
  std::unordered_map<std::size_t, std::size_t> storage_;  // of an alias: that of its original
  std::set<std::pair<std::size_t, std::size_t>> writes_;  // storage, step
  std::set<std::pair<std::size_t, std::size_t>> gradients_;
  std::set<std::size_t> accumulated_;
  const Trace::Operation* write_ = nullptr;
};

bool libtorch_found_a_saved_value_changed(const OneSidedRefusal& refusal, std::string_view op) {
  return !refusal.engine_refused && refusal.program.lines[refusal.line].op == op &&
         refusal.libtorch.error.find("modified by an inplace operation") != std::string::npos;
}

// --- "values that no wanted gradient reads" ------------------------------------------------------

/// Was an operation of two inputs run backward towards one of them, and had something changed that
/// only the gradient of the other one reads?
bool is_unread_value(const OneSidedRefusal& refusal) {
  if (!libtorch_found_a_saved_value_changed(refusal, "grad")) return false;
  const TracedLine pass(refusal);
  return std::any_of(pass.gradients().begin(), pass.gradients().end(), [&](const auto& wanted) {
    const auto& [step, input] = wanted;
    const Trace::Operation& operation = pass.operation(step);
    if (operation.inputs.size() != 2 || operation.in_place) return false;
    const std::size_t other = 1 - input;
    if (!pass.requires_grad(operation.inputs[other]) || pass.gradients().contains({step, other})) {
      return false;
    }
    const std::vector<std::size_t> read = read_by_gradient(operation, other);
    return std::any_of(read.begin(), read.end(), [&, step = step](std::size_t i) {
      return pass.written_after(step, operation.inputs[i]);
    });
  });
}

// --- "leaves accumulate in their turn" -----------------------------------------------------------

/// Does the pass read a gradient that was accumulated before, and add to it too?
bool is_early_accumulation(const OneSidedRefusal& refusal) {
  if (!libtorch_found_a_saved_value_changed(refusal, "backward")) return false;
  const TracedLine pass(refusal);
  return std::any_of(pass.gradients().begin(), pass.gradients().end(), [&](const auto& wanted) {
    const Trace::Operation& operation = pass.operation(wanted.first);
    const std::vector<std::size_t> read = read_by_gradient(operation, wanted.second);
    return std::any_of(read.begin(), read.end(),
                       [&](std::size_t i) { return pass.accumulates_into(operation.inputs[i]); });
  });
}

// --- "operands that share memory" ----------------------------------------------------------------

/// Does the line write to a tensor what it reads through an alias of another shape?
bool is_operand_over_same_storage(const OneSidedRefusal& refusal) {
  if (refusal.engine_refused) return false;
  if (refusal.libtorch.error.find("refer to a single memory location") == std::string::npos) {
    return false;
  }
  const TracedLine line(refusal);
  const Trace::Operation* write = line.write();
  return write != nullptr && write->inputs.size() == 2 &&
         line.share_storage(write->inputs[0], write->inputs[1]);
}

}  // namespace

std::string intended_difference(const OneSidedRefusal& refusal) {
  if (is_write_through_reshape(refusal)) return "no recorded writes through reshapes";
  if (is_gradient_of_larger_shape(refusal)) return "gradient of a larger shape";
  if (is_unread_value(refusal)) return "values that no wanted gradient reads";
  if (is_operand_over_same_storage(refusal)) return "operands that share memory";
  if (is_early_accumulation(refusal)) return "leaves accumulate in their turn";
  return {};
}

}  // namespace gradbook::fuzz
