#include "tests/fuzz/intended.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/ops/matmul.hpp"
#include "engine/ops/reduce.hpp"
#include "engine/ops/shape.hpp"
#include "engine/rules.hpp"
#include "tests/fuzz/intended_history.hpp"

namespace gradbook::fuzz {

using reference::Line;
using reference::LineResult;
using reference::Program;

namespace {

// --- "no recorded writes through reshapes" -------------------------------------------------------

bool is_recording(const Program& program, std::size_t line) {
  bool recording = true;
  for (std::size_t i = 0; i < line; ++i) {
    if (program.lines[i].op == "no_grad") recording = false;
    if (program.lines[i].op == "end_no_grad") recording = true;
  }
  return recording;
}

/// Is it a write that would be recorded, to what is no leaf that requires grad, and of a shape that
/// fits? All that is left to refuse it for is a live reshape.
bool is_write_through_reshape(const OneSidedRefusal& refusal) {
  const Line& line = refusal.program.lines[refusal.line];
  const EngineRun& engine = refusal.engine;
  if (!refusal.engine_refused || engine.error_class != "InPlaceError") return false;
  if (!engine.shares_storage_with_reshape || line.op.back() != '_') return false;
  // The refused line has changed nothing: what there is at the end was there when it began.
  const auto& before = engine.outcome.finals;
  const auto requires_grad = [&](std::size_t input) { return before[input].requires_grad; };
  const LineResult& written = before[line.inputs[0]];
  const LineResult& read = before[line.inputs.back()];
  return is_recording(refusal.program, refusal.line) &&
         std::any_of(line.inputs.begin(), line.inputs.end(), requires_grad) &&
         !(written.is_leaf && written.requires_grad) && written.value && read.value &&
         broadcasts_to(read.value->shape, written.value->shape);
}

// --- what a pass on the traced graph reads and writes --------------------------------------------

/// The rows of the table of derivatives, by name: what the gradient of each input reads.
const std::unordered_map<std::string_view, std::span<const rules::Reads>>& rows() {
  const auto table = []<class... Rows>(Rows...) {
    return std::unordered_map<std::string_view, std::span<const rules::Reads>>{
        {Rows::name, Rows::reads}...};
  };
  static const auto all = table(
      rules::Add(), rules::Sub(), rules::Rsub(), rules::Mul(), rules::Div(), rules::Pow(),
      rules::Neg(), rules::Reciprocal(), rules::Exp(), rules::Log(), rules::Sqrt(), rules::Tanh(),
      rules::Sigmoid(), rules::Relu(), rules::Gate(), rules::Copy(), rules::Zero(), ops::Sum(),
      ops::Mean(), ops::Matmul(), ops::Transpose(), ops::Reshape(), ops::Expand(), ops::SumTo());
  return all;
}

/// The values of a traced operation that the gradient of input `i` reads, where they are kept: not
/// constants, and not the copy of what is written over.
Trace::ValueIds read_by_gradient(const Trace::Operation& operation, std::size_t i) {
  std::string_view name = operation.name;
  if (operation.in_place) name.remove_suffix(1);
  const auto row = rows().find(name);
  if (row == rows().end()) return {};
  const rules::Reads reads = row->second[i];
  Trace::ValueIds values;
  if ((reads & rules::kA) != 0 && !operation.in_place) values.push_back(operation.inputs[0]);
  if ((reads & rules::kB) != 0 && operation.inputs.size() == 2) {
    values.push_back(operation.inputs[1]);
  }
  if ((reads & rules::kResult) != 0) values.push_back(operation.output);
  return values;
}

/// A gradient that a pass computed: the operation's step, the input.
using GradientOf = std::pair<std::size_t, std::size_t>;

/// What the trace knows of the line that was refused, and of the storages before it.
class TracedLine {
 public:
  explicit TracedLine(const OneSidedRefusal& refusal)
      : trace_(refusal.trace),
        begin_(refusal.engine.first_step[refusal.line]),
        end_(end_of(refusal)),
        history_(trace_, end_) {
    for (std::size_t i = begin_; i < end_; ++i) {
      const auto* operation = std::get_if<Trace::Operation>(&trace_.steps()[i]);
      if (operation != nullptr && operation->in_place) write_ = operation;
    }
    if (end_ == trace_.steps().size()) return;
    const auto* call = std::get_if<Trace::Backward>(&trace_.steps()[end_]);
    if (call != nullptr) find_gradients(*call);
  }

  /// The write in place, if it is one.
  const Trace::Operation* write() const { return write_; }
  const std::set<GradientOf>& gradients() const { return gradients_; }
  const Trace::Operation& operation(std::size_t step) const {
    return std::get<Trace::Operation>(trace_.steps()[step]);
  }
  bool requires_grad(Trace::ValueId id) const { return trace_.values()[id].requires_grad; }
  /// Has something changed since that this gradient reads?
  bool reads_a_changed_value(const GradientOf& gradient) const {
    const Trace::ValueIds read = read_by_gradient(operation(gradient.first), gradient.second);
    return std::any_of(read.begin(), read.end(), [&](Trace::ValueId id) {
      return history_.written_after(gradient.first, id);
    });
  }
  /// Does it read a gradient to which this pass adds?
  bool reads_what_grows(const GradientOf& gradient) const {
    const Trace::ValueIds read = read_by_gradient(operation(gradient.first), gradient.second);
    return std::any_of(read.begin(), read.end(), [&](Trace::ValueId id) {
      return accumulated_.contains(history_.storage(id));
    });
  }
  /// Are these tensors of different shapes over the same storage?
  bool share_storage(Trace::ValueId a, Trace::ValueId b) const {
    return history_.storage(a) == history_.storage(b) &&
           trace_.values()[a].snapshot.shape != trace_.values()[b].snapshot.shape;
  }

 private:
  /// The step of the line's backward pass, or that with which the next line begins.
  static std::size_t end_of(const OneSidedRefusal& refusal) {
    const auto& first = refusal.engine.first_step;
    const auto& steps = refusal.trace.steps();
    const std::size_t next =
        refusal.line + 1 < first.size() ? first[refusal.line + 1] : steps.size();
    for (std::size_t i = first[refusal.line]; i < next; ++i) {
      if (std::holds_alternative<Trace::Backward>(steps[i])) return i;
    }
    return next;
  }

  void find_gradients(const Trace::Backward& call) {
    for (std::size_t i = call.first; i < end_; ++i) {
      const auto* gradient = std::get_if<Trace::Gradient>(&trace_.steps()[i]);
      if (gradient != nullptr) gradients_.emplace(gradient->step, gradient->input);
    }
    if (!call.inputs.empty() || call.create_graph) return;
    for (const Trace::ValueId id : call.gradient_values) accumulated_.insert(history_.storage(id));
  }

  const Trace& trace_;
  std::size_t begin_;
  std::size_t end_;
  StorageHistory history_;
  std::set<GradientOf> gradients_;
  std::set<std::size_t> accumulated_;  // storages
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
  const auto& wanted = pass.gradients();
  if (std::any_of(wanted.begin(), wanted.end(),
                  [&](const GradientOf& each) { return pass.reads_a_changed_value(each); })) {
    return false;
  }
  return std::any_of(wanted.begin(), wanted.end(), [&](const GradientOf& each) {
    const auto& [step, input] = each;
    const Trace::Operation& operation = pass.operation(step);
    if (operation.inputs.size() != 2 || operation.in_place) return false;
    const GradientOf other{step, 1 - input};
    return pass.requires_grad(operation.inputs[other.second]) && !wanted.contains(other) &&
           pass.reads_a_changed_value(other);
  });
}

// --- "leaves accumulate in their turn" -----------------------------------------------------------

/// Does the pass read a gradient that was accumulated before, and add to it too?
bool is_early_accumulation(const OneSidedRefusal& refusal) {
  if (!libtorch_found_a_saved_value_changed(refusal, "backward")) return false;
  const TracedLine pass(refusal);
  return std::any_of(pass.gradients().begin(), pass.gradients().end(),
                     [&](const GradientOf& each) { return pass.reads_what_grows(each); });
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

bool is_gradient_of_larger_shape(const Program& program, const EngineRun& engine) {
  if (engine.error_class != "BackwardError") return false;
  const Line& line = program.lines[engine.outcome.results.size()];
  if (line.op != "backward" && line.op != "grad") return false;
  const std::size_t given = line.op == "backward" ? 1 : 2;
  if (line.inputs.size() <= given) return false;
  const auto& results = engine.outcome.finals;
  const Shape& output = results[line.inputs[0]].value->shape;
  const Shape& gradient = results[line.inputs[given]].value->shape;
  return output != gradient && broadcasts_to(output, gradient);
}

std::set<std::string> copies_that_matter(const Program& program, const Trace& trace,
                                         const EngineRun& engine) {
  const StorageHistory history(trace, trace.steps().size());
  std::set<std::string> found;
  for (std::size_t line = 0; line < engine.outcome.results.size(); ++line) {
    const std::string& op = program.lines[line].op;
    if (op != "transpose" && op != "expand") continue;
    for (std::size_t i = engine.first_step[line]; i < trace.steps().size(); ++i) {
      const auto* operation = std::get_if<Trace::Operation>(&trace.steps()[i]);
      if (operation == nullptr) continue;  // an operand that is seen for the first time
      // A number, transposed, is an alias in both.
      if (operation->name == op && (history.written_after(i, operation->output) ||
                                    history.written_after(i, operation->inputs[0]))) {
        found.insert(op + " copies");
      }
      break;
    }
  }
  return found;
}

std::set<std::string> explained_differences() {
  return {"no recorded writes through reshapes",
          "gradient of a larger shape",
          "values that no wanted gradient reads",
          "operands that share memory",
          "leaves accumulate in their turn",
          "transpose copies",
          "expand copies"};
}

std::string intended_difference(const OneSidedRefusal& refusal) {
  if (is_write_through_reshape(refusal)) return "no recorded writes through reshapes";
  if (refusal.engine_refused && is_gradient_of_larger_shape(refusal.program, refusal.engine)) {
    return "gradient of a larger shape";
  }
  if (is_unread_value(refusal)) return "values that no wanted gradient reads";
  if (is_operand_over_same_storage(refusal)) return "operands that share memory";
  if (is_early_accumulation(refusal)) return "leaves accumulate in their turn";
  return {};
}

}  // namespace gradbook::fuzz
