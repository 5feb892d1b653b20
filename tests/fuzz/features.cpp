#include "tests/fuzz/features.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <variant>
#include <vector>

namespace gradbook::fuzz {

using reference::Line;
using reference::Outcome;
using reference::Program;

namespace {

bool flag(const Line& line, std::string_view name) {
  return reference::number_or(line, name, 0) != 0;
}

/// Inf, NaN, a subnormal number or a negative zero.
bool is_special(double value, reference::Precision precision) {
  const double smallest = precision == reference::Precision::float32
                              ? static_cast<double>(std::numeric_limits<float>::min())
                              : std::numeric_limits<double>::min();
  return !std::isfinite(value) || std::abs(value) < smallest ? value != 0 || std::signbit(value)
                                                             : false;
}

class FeatureFinder {
 public:
  FeatureFinder(const Program& program, const EngineRun& engine, const Trace& trace)
      : program_(program),
        engine_(engine),
        outcome_(engine.outcome),
        trace_(trace),
        tensor_(outcome_.results.size()),
        storage_(outcome_.results.size()),
        of_tensor_(outcome_.results.size()),
        passes_(outcome_.results.size()),
        of_line_(outcome_.results.size()) {}

  std::set<Covered> covered() {
    for (std::size_t i = 0; i < outcome_.results.size(); ++i) look_at(i, program_.lines[i]);
    hand_on();
    look_at_passes();
    std::set<Covered> found;
    for (std::size_t i = 0; i < outcome_.results.size(); ++i) {
      const std::string& op = program_.lines[i].op;
      if (!reference::computes_a_tensor(op)) continue;
      look_back_at(i, program_.lines[i]);
      if (program_.precision == reference::Precision::float64) found.emplace(op, "float64");
      if (op == "detach") {  // no pass runs through it
        for (const Feature& feature : of_passes_) found.emplace(op, feature);
      }
      for (const Feature& feature : of_line_[i]) found.emplace(op, feature);
    }
    return found;
  }

 private:
  const Shape* shape_of(std::size_t line) const {
    const auto& value = outcome_.results[line].value;
    return value ? &value->shape : nullptr;
  }

  void look_at(std::size_t i, const Line& line) {
    tensor_[i] = storage_[i] = i;
    if (reference::computes_a_tensor(line.op)) computed(i, line);
    if (line.op == "detach") of_tensor_[i].insert("detach");
    if (line.op == "grad" || line.op == "grad_of") of_tensor_[i].insert("gradient as data");
    if (line.op == "retain_grad" || line.op == "requires_grad_" || line.op == "zero_grad") {
      of_tensor_[tensor_[line.inputs[0]]].insert(line.op);
    }
    if (line.op == "no_grad") recording_ = false;
    if (line.op == "end_no_grad") recording_ = true;
  }

  void computed(std::size_t i, const Line& line) {
    if (!recording_) of_tensor_[i].insert("no-grad");
    for (const std::size_t input : line.inputs) {
      ++uses_[tensor_[input]];
      if (aliased_.contains(storage_[input])) of_line_[i].insert("alias");
      if (is_scalar(input)) of_line_[i].insert("0-d");
      if (is_empty(input)) of_line_[i].insert("zero-size");
      if (has_special_values(input)) of_line_[i].insert("special values");
    }
    if (is_scalar(i)) of_line_[i].insert("0-d");
    if (is_empty(i)) of_line_[i].insert("zero-size");
    if (line.inputs.size() == 2) find_broadcast(i, line);
    const bool in_place = line.op.back() == '_';
    if (in_place) {
      tensor_[i] = tensor_[line.inputs[0]];
      of_tensor_[tensor_[i]].merge(of_tensor_[i]);
    }
    if (in_place || line.op == "reshape" || line.op == "detach") {
      storage_[i] = storage_[line.inputs[0]];
      (in_place ? written_ : aliased_).insert(storage_[i]);
    }
  }

  bool is_scalar(std::size_t line) const {
    const Shape* shape = shape_of(line);
    return shape != nullptr && shape->empty();
  }

  bool is_empty(std::size_t line) const {
    const Shape* shape = shape_of(line);
    return shape != nullptr && numel(*shape) == 0;
  }

  bool has_special_values(std::size_t line) const {
    const auto& value = outcome_.results[line].value;
    return value && std::any_of(value->values.begin(), value->values.end(), [&](double number) {
             return is_special(number, program_.precision);
           });
  }

  void find_broadcast(std::size_t i, const Line& line) {
    const bool matmul = line.op == "matmul";
    const Shape result = dims_that_broadcast(i, matmul);
    for (const std::size_t input : line.inputs) {
      const Shape shape = dims_that_broadcast(input, matmul);
      if (shape == result) continue;
      of_line_[i].insert("broadcast");
      broadcast_.insert(tensor_[input]);
    }
  }
  /// All; of a product of matrices those of the batch, and none of a vector.
  Shape dims_that_broadcast(std::size_t line, bool matmul) const {
    Shape shape = shape_of(line) != nullptr ? *shape_of(line) : Shape();
    if (matmul) shape.resize(shape.size() < 2 ? 0 : shape.size() - 2);
    return shape;
  }

  /// What was done to a tensor, or how it came about, belongs to the line that computed it, to
  /// those that read it, and to those that read what they made of it.
  void hand_on() {
    for (std::size_t i = 0; i < outcome_.results.size(); ++i) {
      const Line& line = program_.lines[i];
      if (!reference::computes_a_tensor(line.op)) continue;
      std::set<Feature>& of_result = of_tensor_[tensor_[i]];
      for (const std::size_t input : line.inputs) {
        const std::set<Feature> more = of_tensor_[tensor_[input]];  // in place: the same set
        of_result.insert(more.begin(), more.end());
      }
      of_line_[i].insert(of_result.begin(), of_result.end());
    }
  }

  /// Which lines each pass ran backward through, and what kind of pass it was.
  void look_at_passes() {
    int passes = 0;
    for (std::size_t step = 0; step < trace_.steps().size(); ++step) {
      const auto* call = std::get_if<Trace::Backward>(&trace_.steps()[step]);
      if (call == nullptr) continue;
      const std::set<Feature> kind = kind_of_pass(program_.lines[engine_.line_of(step)]);
      if (++passes > 1) of_passes_.insert("several backward");
      of_passes_.insert(kind.begin(), kind.end());
      for (const std::size_t line : lines_between(call->first, step)) {
        if (++passes_[line] > 1) of_line_[line].insert("several backward");
        of_line_[line].insert(kind.begin(), kind.end());
      }
    }
  }
  static std::set<Feature> kind_of_pass(const Line& pass) {
    std::set<Feature> kind;
    if (pass.inputs.size() > (pass.op == "grad" ? 2U : 1U)) kind.insert("given gradient");
    for (const char* name : {"create_graph", "retain_graph"}) {
      if (flag(pass, name)) kind.insert(name);
    }
    return kind;
  }
  /// Those whose vjp ran between these steps. What vjps recorded themselves belongs to no line.
  std::set<std::size_t> lines_between(std::size_t first, std::size_t last) const {
    std::set<std::size_t> lines;
    for (std::size_t step = first; step < last; ++step) {
      const auto* gradient = std::get_if<Trace::Gradient>(&trace_.steps()[step]);
      if (gradient == nullptr) continue;
      const auto& operation = std::get<Trace::Operation>(trace_.steps()[gradient->step]);
      if (!operation.inside_backward) lines.insert(engine_.line_of(gradient->step));
    }
    return lines;
  }

  /// What later lines have shown about a line.
  void look_back_at(std::size_t i, const Line& line) {
    if (uses_[tensor_[i]] > 1) of_line_[i].insert("shared subexpression");
    if (line.inputs.size() == 1 && broadcast_.contains(tensor_[i])) {
      of_line_[i].insert("broadcast");
    }
    const auto is_written = [&](std::size_t x) { return written_.contains(storage_[x]); };
    if (is_written(i) || std::any_of(line.inputs.begin(), line.inputs.end(), is_written)) {
      of_line_[i].insert("in place");
    }
  }

  const Program& program_;
  const EngineRun& engine_;
  const Outcome& outcome_;
  const Trace& trace_;
  std::vector<std::size_t> tensor_;   // the line that first had this one's result
  std::vector<std::size_t> storage_;  // the line that first had its storage
  std::map<std::size_t, int> uses_;   // of tensors
  std::set<std::size_t> broadcast_;   // tensors
  std::set<std::size_t> aliased_;     // storages with more than one tensor
  std::set<std::size_t> written_;     // storages
  bool recording_ = true;
  std::vector<std::set<Feature>> of_tensor_;  // what lines that read it have from it
  std::vector<int> passes_;                   // that ran backward through the line
  std::set<Feature> of_passes_;               // of any
  std::vector<std::set<Feature>> of_line_;
};

}  // namespace

std::set<Covered> covered(const Program& program, const EngineRun& engine, const Trace& trace) {
  return FeatureFinder(program, engine, trace).covered();
}

std::set<Feature> all_features() {
  return {"float64",        "shared subexpression", "several backward", "zero-size",    "0-d",
          "special values", "given gradient",       "create_graph",     "retain_graph", "no-grad",
          "retain_grad",    "requires_grad_",       "zero_grad",        "in place",     "alias",
          "detach",         "gradient as data",     "broadcast"};
}

}  // namespace gradbook::fuzz
