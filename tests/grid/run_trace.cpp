#include <stdexcept>

#include "tests/grid/run.hpp"

// What a trace says was run.

namespace gradbook::grid {

std::set<std::string> operations_in(const Trace& trace) {
  std::set<std::string> names;
  for (const Trace::Step& step : trace.steps()) {
    if (const auto* operation = std::get_if<Trace::Operation>(&step)) names.insert(operation->name);
  }
  return names;
}

std::pair<Shape, Shape> shapes_taken(const Trace& trace, const std::string& name) {
  for (const Trace::Step& step : trace.steps()) {
    const auto* operation = std::get_if<Trace::Operation>(&step);
    if (operation == nullptr || operation->name != name) continue;
    const auto shape_of = [&](std::size_t input) {
      return trace.values().at(operation->inputs.at(input)).snapshot.shape;
    };
    if (operation->inputs.size() > 1) return {shape_of(0), shape_of(1)};
    for (const auto& [attribute, numbers] : operation->attributes) {
      if (attribute == "shape") return {shape_of(0), Shape(numbers.begin(), numbers.end())};
    }
    return {shape_of(0), {}};
  }
  throw std::out_of_range("the trace has no operation '" + name + "'");
}

}  // namespace gradbook::grid
