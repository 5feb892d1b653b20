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
        passes_(outcome_.results.size()),
        of_line_(outcome_.results.size()) {}

  std::set<Covered> covered() {
    if (program_.precision == reference::Precision::float64) of_program_.insert("float64");
    for (std::size_t i = 0; i < outcome_.results.size(); ++i) look_at(i, program_.lines[i]);
    look_at_passes();
    std::set<Covered> found;
    for (std::size_t i = 0; i < outcome_.results.size(); ++i) {
      const std::string& op = program_.lines[i].op;
      if (!reference::computes_a_tensor(op)) continue;
      look_back_at(i, program_.lines[i]);
      for (const Feature& feature : of_program_) found.emplace(op, feature);
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
    if (const Shape* shape = shape_of(i); shape != nullptr && numel(*shape) == 0) {
      of_program_.insert("zero-size");
    }
    if (reference::computes_a_tensor(line.op)) {
      computed(i, line);
    } else if (line.op == "no_grad") {
      of_program_.insert("no-grad");
    } else if (line.op == "retain_grad" || line.op == "requires_grad_" || line.op == "zero_grad") {
      of_program_.insert(line.op);
    }
  }

  void computed(std::size_t i, const Line& line) {
    if (line.op == "detach") of_program_.insert("detach");
    for (const std::size_t input : line.inputs) {
      const Line& used = program_.lines[input];
      if (used.op == "grad" || used.op == "grad_of") of_program_.insert("gradient as data");
      ++uses_[tensor_[input]];
      if (aliased_.contains(storage_[input])) of_line_[i].insert("alias");
      if (is_scalar(input)) of_line_[i].insert("0-d");
      if (has_special_values(input)) of_line_[i].insert("special values");
    }
    if (is_scalar(i)) of_line_[i].insert("0-d");
    if (line.inputs.size() == 2) find_broadcast(i, line);
    const bool in_place = line.op.back() == '_';
    if (in_place) tensor_[i] = tensor_[line.inputs[0]];
    if (in_place || line.op == "reshape" || line.op == "detach") {
      storage_[i] = storage_[line.inputs[0]];
      (in_place ? written_ : aliased_).insert(storage_[i]);
    }
  }

  bool is_scalar(std::size_t line) const {
    const Shape* shape = shape_of(line);
    return shape != nullptr && shape->empty();
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
  std::vector<int> passes_;           // that ran backward through the line
  std::set<Feature> of_program_;
  std::set<Feature> of_passes_;  // of any
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
