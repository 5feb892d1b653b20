#include "tests/fuzz/intended.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace gradbook::fuzz {

using reference::Line;

namespace {

// --- "no recorded writes through reshapes"
// -----------------------------------------------------------

bool is_write_through_reshape(const OneSidedRefusal& refusal) {
  return refusal.engine_refused && refusal.engine.error_class == "InPlaceError" &&
         refusal.engine.shares_storage_with_reshape &&
         refusal.program.lines[refusal.line].op.back() == '_';
}

// --- "gradient of a larger shape"
// --------------------------------------------------------------------

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

// --- "values that no wanted gradient reads"
// ----------------------------------------------------------

/// When the storage of each traced tensor was written to.
class Writes {
 public:
  Writes(const Trace& trace, std::size_t end) : trace_(trace) {
    for (std::size_t i = 0; i < end; ++i) {
      if (const auto* operation = std::get_if<Trace::Operation>(&trace.steps()[i])) {
        const std::size_t output = tensor(operation->output);
        if (operation->name == "detach" || operation->name == "reshape") {
          root_[output] = root(tensor(operation->inputs[0]));
        }
        if (operation->in_place) writes_.emplace(root(output), i);
      } else if (const auto* call = std::get_if<Trace::Backward>(&trace.steps()[i])) {
        if (!call->inputs.empty()) continue;
        for (const Trace::ValueId id : call->gradient_values) writes_.emplace(root(tensor(id)), i);
      }
    }
  }

  bool written_after(std::size_t step, Trace::ValueId value) const {
    const auto later = writes_.upper_bound({root(tensor(value)), step});
    return later != writes_.end() && later->first == root(tensor(value));
  }

 private:
  std::size_t tensor(Trace::ValueId id) const { return trace_.values()[id].tensor; }
  std::size_t root(std::size_t tensor) const {
    const auto found = root_.find(tensor);
    return found == root_.end() ? tensor : found->second;
  }

  const Trace& trace_;
  std::unordered_map<std::size_t, std::size_t> root_;
  std::set<std::pair<std::size_t, std::size_t>> writes_;  // storage, step
};

/// The call of grad() on this line, and its step in the trace.
const Trace::Backward* call_on_line(const OneSidedRefusal& refusal, std::size_t& step) {
  const auto& first = refusal.engine.first_step;
  const std::size_t end =
      refusal.line + 1 < first.size() ? first[refusal.line + 1] : refusal.trace.steps().size();
  for (step = first[refusal.line]; step < end; ++step) {
    const auto* call = std::get_if<Trace::Backward>(&refusal.trace.steps()[step]);
    if (call != nullptr) return call;
  }
  return nullptr;
}

/// Was an operation of two inputs run backward towards one of them, and had the value changed that
/// only the gradient of the other one reads? In mul, div and matmul that is the wanted input
/// itself.
bool is_unread_value(const OneSidedRefusal& refusal) {
  if (refusal.engine_refused || refusal.program.lines[refusal.line].op != "grad") return false;
  if (refusal.libtorch.error.find("modified by an inplace operation") == std::string::npos) {
    return false;
  }
  std::size_t end = 0;
  const Trace::Backward* call = call_on_line(refusal, end);
  if (call == nullptr) return false;
  std::set<std::pair<std::size_t, std::size_t>> sent;
  for (std::size_t i = call->first; i < end; ++i) {
    const auto* gradient = std::get_if<Trace::Gradient>(&refusal.trace.steps()[i]);
    if (gradient != nullptr) sent.emplace(gradient->step, gradient->input);
  }
  const Writes writes(refusal.trace, end);
  return std::any_of(sent.begin(), sent.end(), [&](const auto& wanted) {
    const auto& operation = std::get<Trace::Operation>(refusal.trace.steps()[wanted.first]);
    const std::size_t other = 1 - wanted.second;
    if (operation.inputs.size() != 2 || operation.in_place) return false;
    if (operation.name != "mul" && operation.name != "div" && operation.name != "matmul") {
      return false;
    }
    return refusal.trace.values()[operation.inputs[other]].requires_grad &&
           !sent.contains({wanted.first, other}) &&
           writes.written_after(wanted.first, operation.inputs[wanted.second]);
  });
}

}  // namespace

std::string intended_difference(const OneSidedRefusal& refusal) {
  if (is_write_through_reshape(refusal)) return "no recorded writes through reshapes";
  if (is_gradient_of_larger_shape(refusal)) return "gradient of a larger shape";
  if (is_unread_value(refusal)) return "values that no wanted gradient reads";
  return {};
}

}  // namespace gradbook::fuzz
