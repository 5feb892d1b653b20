#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

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
    differentiate();
    if (!comparison_.failure.empty() || !comparison_.skipped.empty()) return comparison_;
    value_at({}, 0);  // without the backward pass, whose gates the moved points do not have
    const std::vector<Direction> strange = along_what_is_not_finite();
    for (const Direction& direction : strange) find_reason(direction);
    if (strange.empty()) {
      for (const Direction& direction : directions()) compare_along(direction);
    }
    if (!comparison_.failure.empty()) {
      comparison_.skipped.clear();
    } else if (largest_gradient_ == 0) {
      skip("the gradient is 0");
    }
    return comparison_;
  }

 private:
  /// The first reason counts.
  void skip(const Skipped& why) {
    if (comparison_.skipped.empty()) comparison_.skipped = why;
  }

  /// The engine's gradients.
  void differentiate() {
    Program program = function_.program;
    program.lines.push_back({"backward", {function_.result}});
    Trace trace;
    const fuzz::EngineRun run = fuzz::run_engine(program, &trace);
    // What is constant to the engine has no gradients, and has to be the same everywhere.
    const std::size_t reached = run.outcome.results.size();
    const bool is_constant = reached == function_.program.lines.size() &&
                             !run.outcome.results[function_.result].requires_grad;
    if (run.outcome.raised() && !is_constant) {
      if (is_intended_refusal(program, reached, run.error_class)) {
        skip("refused: " + run.error_class);
      } else {
        comparison_.failure = fmt::format("the engine refuses line {}, {}: {}", reached,
                                          program.lines[reached].op, run.outcome.error);
      }
      return;
    }
    if (!std::isfinite(run.outcome.results[function_.result].value->values[0])) {
      return skip("the result is not finite");
    }
    for (const std::size_t leaf : function_.leaves) {
      const std::optional<Snapshot>& gradient = run.outcome.gradients[leaf];
      const Shape& shape = function_.program.lines[leaf].data.shape;
      gradients_.push_back(gradient ? gradient->values : std::vector<double>(numel(shape), 0.0));
      for (const double element : gradients_.back()) {
        largest_gradient_ = std::max(largest_gradient_, std::abs(element));
      }
    }
    rounding_ = is_constant ? 0 : rounding_of_result(trace);
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
    if (run.outcome.raised()) {
      // It was not refused where it was not moved, and what is refused does not hang on values.
      comparison_.failure = "the engine refuses what it did not refuse: " + run.outcome.error;
      return std::numeric_limits<double>::quiet_NaN();
    }
    if (direction.empty()) {
      gates_ = gates_of(trace);
    } else {
      same_gates_ = same_gates_ && gates_of(trace) == gates_;
    }
    return run.outcome.results[function_.result].value->values[0];
  }

  /// The derivative in a direction by differences, if no kink is in the way.
  std::optional<Difference> difference_along(const Direction& direction, double rounding) {
    same_gates_ = true;
    const Difference difference = central_difference(
        [&](double distance) { return value_at(direction, distance); }, rounding);
    if (same_gates_) return difference;
    skip("a kink is within reach");
    return std::nullopt;
  }

  void compare_along(const Direction& direction) {
    const double gradient = along(direction);
    const auto difference = difference_along(direction, rounding_);
    if (!difference) return;
    if (!says_something(difference->error, largest_gradient_)) return skip("too steep");
    const double error = std::abs(gradient - difference->value);
    ++comparison_.directions;
    const double ratio = error == 0 ? 0 : error / difference->error;
    if (ratio <= comparison_.largest_ratio) return;
    comparison_.largest_ratio = ratio;
    if (ratio <= 1) return;
    comparison_.failure = fmt::format(
        "along {}: the gradient gives {}, differences {}: an error of {:.3g} where {:.3g} is "
        "allowed",
        text_of(direction), gradient, difference->value, error, difference->error);
  }

  /// One direction for each element whose gradient is not finite.
  std::vector<Direction> along_what_is_not_finite() const {
    std::vector<Direction> all;
    for (std::size_t k = 0; k < gradients_.size(); ++k) {
      for (std::size_t i = 0; i < gradients_[k].size(); ++i) {
        if (std::isfinite(gradients_[k][i])) continue;
        all.push_back(still());
        all.back()[k][i] = 1;
      }
    }
    return all;
  }

  /// Is there a reason for the gradient in a direction not to be finite? Differences show it: the
  /// finer ones are not what the coarser ones are, or they are not finite either. The rounding of
  /// the result, which the gradients would tell, is not known here.
  void find_reason(const Direction& direction) {
    const auto difference = difference_along(direction, 0);
    if (!difference) return;
    if (!says_something(difference->error, std::abs(difference->value))) {
      return skip("the gradient is not finite");
    }
    comparison_.failure = fmt::format("along {}: the gradient gives {}, differences {}",
                                      text_of(direction), along(direction), difference->value);
  }

  Direction still() const {
    Direction direction;
    for (const auto& gradient : gradients_) direction.emplace_back(gradient.size(), 0.0);
    return direction;
  }

  /// Some elements of each leaf, and all of them together, up or down.
  std::vector<Direction> directions() const {
    constexpr std::size_t elements_of_a_leaf = 3;
    fuzz::Random random(function_.program.lines.size(), function_.result);
    std::vector<Direction> all;
    Direction diagonal = still();
    for (std::size_t k = 0; k < diagonal.size(); ++k) {
      for (double& element : diagonal[k]) element = random.chance(0.5) ? 1 : -1;
      for (std::size_t i = 0; i < std::min(elements_of_a_leaf, diagonal[k].size()); ++i) {
        all.push_back(still());
        all.back()[k][random.below(diagonal[k].size())] = 1;
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
        // Where nothing moves it does not matter that a gradient is not finite.
        if (direction[k][i] != 0) total += direction[k][i] * gradients_[k][i];
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
  ProgramComparison comparison_;
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
