#include "tests/fuzz/features.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
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
  FeatureFinder(const Program& program, const Outcome& outcome)
      : program_(program), outcome_(outcome), origin_(outcome.results.size()) {}

  std::set<Feature> features() {
    if (program_.precision == reference::Precision::float64) add("float64");
    for (std::size_t i = 0; i < outcome_.results.size(); ++i) look_at(i, program_.lines[i]);
    for (const auto& [line, uses] : uses_) {
      if (uses > 1) add("shared subexpression");
    }
    if (passes_ > 1) add("several backward");
    return std::move(found_);
  }

 private:
  void add(const char* feature) { found_.insert(feature); }

  const Shape* shape_of(std::size_t line) const {
    const auto& value = outcome_.results[line].value;
    return value ? &value->shape : nullptr;
  }

  void look_at(std::size_t i, const Line& line) {
    origin_[i] = i;
    if (const Shape* shape = shape_of(i)) {
      if (numel(*shape) == 0) add("zero-size");
      if (shape->empty() && reference::computes_a_tensor(line.op)) add("0-d");
    }
    if (line.op == "leaf") {
      const auto special = [&](double value) { return is_special(value, program_.precision); };
      if (std::any_of(line.data.values.begin(), line.data.values.end(), special)) {
        add("special values");
      }
    } else if (reference::computes_a_tensor(line.op)) {
      computed(i, line);
    } else if (line.op == "backward" || line.op == "grad") {
      ++passes_;
      if (line.inputs.size() > (line.op == "grad" ? 2U : 1U)) add("given gradient");
      if (flag(line, "create_graph")) add("create_graph");
      if (flag(line, "retain_graph")) add("retain_graph");
    } else if (line.op == "no_grad") {
      add("no-grad");
    } else if (line.op == "retain_grad" || line.op == "requires_grad_" || line.op == "zero_grad") {
      found_.insert(line.op);
    }
  }

  void computed(std::size_t i, const Line& line) {
    const bool in_place = line.op.back() == '_';
    if (in_place) {
      add("in place");
      if (aliased_.contains(origin_[line.inputs[0]])) add("alias");
      origin_[i] = origin_[line.inputs[0]];
    }
    if (line.op == "detach") add("detach");
    if (line.op == "reshape" || line.op == "detach") {
      origin_[i] = origin_[line.inputs[0]];
      aliased_.insert(origin_[i]);
    }
    for (const std::size_t input : line.inputs) {
      const Line& used = program_.lines[input];
      if (used.op == "grad" || used.op == "grad_of") add("gradient as data");
      if (reference::computes_a_tensor(used.op)) ++uses_[input];
      if (line.inputs.size() < 2 || line.op == "matmul") continue;
      const Shape* shape = shape_of(input);
      if (shape != nullptr && *shape != *shape_of(i)) add("broadcast");
    }
  }

  const Program& program_;
  const Outcome& outcome_;
  std::set<Feature> found_;
  std::vector<std::size_t> origin_;  // the line that first had the storage of this one's result
  std::set<std::size_t> aliased_;    // origins with more than one tensor
  std::map<std::size_t, int> uses_;
  int passes_ = 0;
};

}  // namespace

std::set<Feature> features_of(const Program& program, const Outcome& outcome) {
  return FeatureFinder(program, outcome).features();
}

std::set<Feature> all_features() {
  return {"float64",        "shared subexpression", "several backward", "zero-size",    "0-d",
          "special values", "given gradient",       "create_graph",     "retain_graph", "no-grad",
          "retain_grad",    "requires_grad_",       "zero_grad",        "in place",     "alias",
          "detach",         "gradient as data",     "broadcast"};
}

}  // namespace gradbook::fuzz
