#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/fuzz/random.hpp"
#include "tests/fuzz/run_engine.hpp"
#include "tests/numerical/difference.hpp"
#include "tests/numerical/smooth_program.hpp"

namespace gradbook::numerical {

using reference::Program;

namespace {

/// By how much each element of each leaf moves, in the order of SmoothProgram::leaves.
using Direction = std::vector<std::vector<double>>;

/// Which gates are open: for every relu and gate that ran, backward passes included, the sign of
/// each element that decides.
std::vector<bool> gates_of(const Trace& trace) {
  std::vector<bool> open;
  for (const Trace::Step& step : trace.steps()) {
    const auto* operation = std::get_if<Trace::Operation>(&step);
    if (operation == nullptr || (operation->name != "relu" && operation->name != "gate")) continue;
    const Trace::ValueId decides = operation->inputs.back();
    for (const double value : trace.values().at(decides).snapshot.values) open.push_back(value > 0);
  }
  return open;
}

class ProgramDifferences {
 public:
  explicit ProgramDifferences(const SmoothProgram& function) : function_(function) {}

  ProgramComparison comparison() {
    const Skipped skipped = differentiate();
    if (!skipped.empty()) return {skipped};
    ProgramComparison comparison;
    double bound = 0;
    for (const Direction& direction : directions()) {
      const double gradient = along(direction);
      const Difference difference = central_difference(
          [&](double distance) { return value_at(direction, distance); }, rounding_);
      if (!same_gates_) return {"a kink is within reach"};
      const double error = std::abs(gradient - difference.value);
      bound = std::max(bound, difference.error);
      if (!says_something(difference.error, largest_gradient_)) return {"too steep"};
      ++comparison.directions;
      const double ratio = error == 0 ? 0 : error / difference.error;
      if (ratio <= comparison.largest_ratio) continue;
      comparison.largest_ratio = ratio;
      if (ratio <= 1) continue;
      comparison.failure = fmt::format(
          "along {}: the gradient gives {}, differences {}: an error of {:.3g} where {:.3g} is "
          "allowed",
          text_of(direction), gradient, difference.value, error, difference.error);
    }
    return comparison;
  }

 private:
  /// The engine's gradients.
  Skipped differentiate() {
    Program program = function_.program;
    program.lines.push_back({"backward", {function_.result}});
    Trace trace;
    const fuzz::EngineRun run = fuzz::run_engine(program, &trace);
    if (run.outcome.raised()) return "backward raises";
    if (!std::isfinite(run.outcome.results[function_.result].value->values[0])) {
      return "not finite";
    }
    for (const std::size_t leaf : function_.leaves) {
      const std::optional<Snapshot>& gradient = run.outcome.gradients[leaf];
      const Shape& shape = function_.program.lines[leaf].data.shape;
      gradients_.push_back(gradient ? gradient->values : std::vector<double>(numel(shape), 0.0));
      for (const double element : gradients_.back()) {
        if (!std::isfinite(element)) return "not finite";
        largest_gradient_ = std::max(largest_gradient_, std::abs(element));
      }
    }
    if (largest_gradient_ == 0) return "the gradient is 0";
    rounding_ = rounding_of_result(trace);
    gates_.clear();
    value_at({}, 0);  // without the backward pass, whose gates the moved points do not have
    return {};
  }

  /// The result after moving by `distance` in a direction. Looks whether all gates are as they were
  /// the first time.
  double value_at(const Direction& direction, double distance) {
    Program program = function_.program;
    for (std::size_t k = 0; k < direction.size(); ++k) {
      std::vector<double>& values = program.lines[function_.leaves[k]].data.values;
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += distance * direction[k][i];
    }
    Trace trace;
    const fuzz::EngineRun run = fuzz::run_engine(program, &trace);
    if (run.outcome.raised()) return std::numeric_limits<double>::quiet_NaN();
    if (direction.empty()) {
      gates_ = gates_of(trace);
    } else {
      same_gates_ = same_gates_ && gates_of(trace) == gates_;
    }
    return run.outcome.results[function_.result].value->values[0];
  }

  /// Some elements of each leaf, and all of them together, up or down.
  std::vector<Direction> directions() const {
    constexpr std::size_t elements_of_a_leaf = 3;
    fuzz::Random random(function_.program.lines.size(), function_.result);
    Direction still;
    for (const std::vector<double>& gradient : gradients_) still.emplace_back(gradient.size(), 0.0);
    std::vector<Direction> all;
    Direction diagonal = still;
    for (std::size_t k = 0; k < still.size(); ++k) {
      for (double& element : diagonal[k]) element = random.chance(0.5) ? 1 : -1;
      for (std::size_t i = 0; i < std::min(elements_of_a_leaf, still[k].size()); ++i) {
        all.push_back(still);
        all.back()[k][random.below(still[k].size())] = 1;
      }
    }
    all.push_back(diagonal);
    return all;
  }

  /// The derivative in a direction, out of the gradients.
  double along(const Direction& direction) const {
    double total = 0;
    for (std::size_t k = 0; k < direction.size(); ++k) {
      for (std::size_t i = 0; i < direction[k].size(); ++i) {
        total += direction[k][i] * gradients_[k][i];
      }
    }
    return total;
  }

  std::string text_of(const Direction& direction) const {
    std::string text;
    for (std::size_t k = 0; k < direction.size(); ++k) {
      for (std::size_t i = 0; i < direction[k].size(); ++i) {
        if (direction[k][i] == 0) continue;
        text += fmt::format("{}{}x{}[{}]", text.empty() ? "" : " ", direction[k][i] < 0 ? "-" : "",
                            function_.leaves[k], i);
      }
    }
    return text;
  }

  const SmoothProgram& function_;
  std::vector<std::vector<double>> gradients_;
  double largest_gradient_ = 0;
  double rounding_ = 0;
  std::vector<bool> gates_;
  bool same_gates_ = true;
};

}  // namespace

ProgramComparison compare_program(const SmoothProgram& function) {
  return ProgramDifferences(function).comparison();
}

}  // namespace gradbook::numerical
