#include "tests/numerical/difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

namespace gradbook::numerical {

namespace {

double five_points(const std::function<double(double)>& f, double h) {
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

/// Σ |a b|.
double product_of_magnitudes(const Snapshot& a, const Snapshot& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) total += std::abs(a.values[i] * b.values[i]);
  return total;
}

std::vector<Tensor64> leaves(const std::vector<Snapshot>& inputs) {
  std::vector<Tensor64> tensors;
  for (const Snapshot& input : inputs) tensors.push_back(Tensor64::from(input, requires_grad));
  return tensors;
}

}  // namespace

Difference central_difference(const std::function<double(double)>& f, double rounding) {
  const double fine_step = coarse_step / 2;
  const double coarse = five_points(f, coarse_step);
  const double fine = five_points(f, fine_step);
  return {fine, std::abs(coarse - fine) + 18 / (12 * fine_step) * rounding};
}

double rounding_of_result(const Trace& trace) {
  constexpr double ulps = 4;
  std::size_t first = 0;
  for (const Trace::Step& step : trace.steps()) {
    if (const auto* call = std::get_if<Trace::Backward>(&step)) first = call->first;
  }
  double scale = 0;
  for (std::size_t i = first; i < trace.steps().size(); ++i) {
    const Trace::Step& step = trace.steps()[i];
    if (const auto* gradient = std::get_if<Trace::Gradient>(&step)) {
      const auto& operation = std::get<Trace::Operation>(trace.steps().at(gradient->step));
      const auto value_of = [&](Trace::ValueId id) { return trace.values().at(id).snapshot; };
      scale += product_of_magnitudes(gradient->arriving, value_of(operation.output));
      scale +=
          product_of_magnitudes(gradient->result, value_of(operation.inputs.at(gradient->input)));
    } else if (const auto* call = std::get_if<Trace::Backward>(&step)) {
      // What is inside a checkpoint left no mark; its inputs are of the same scale.
      for (const auto& [id, arrived] : call->gradients) {
        scale += product_of_magnitudes(arrived, trace.values().at(id).snapshot);
      }
    }
  }
  return ulps * std::numeric_limits<double>::epsilon() * scale;
}

bool says_something(double bound, double largest_gradient) {
  return bound <= 1e-6 * std::max(1.0, largest_gradient);
}

Comparison compare_gradients(const ScalarFunction& f, const std::vector<Snapshot>& inputs) {
  const std::vector<Tensor64> tensors = leaves(inputs);
  Trace trace;
  {
    const TraceScope scope(trace);
    const Tensor64 result = f(tensors);
    if (result.requires_grad()) result.backward();
  }
  const double rounding = rounding_of_result(trace);

  Comparison comparison;
  double worst = 1;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // An input that the result does not depend on has none.
    const Tensor64 gradient = tensors[i].grad();
    if (gradient.defined() && gradient.shape() != inputs[i].shape) {
      comparison.failure =
          fmt::format("the gradient of input {} has shape {}", i, to_string(gradient.shape()));
      return comparison;
    }
    const Snapshot gradients =
        gradient.defined() ? gradient.snapshot() : Tensor64::zeros(inputs[i].shape).snapshot();
    for (std::size_t k = 0; k < gradients.values.size(); ++k) {
      const auto along = [&](double distance) {
        std::vector<Snapshot> moved = inputs;
        moved[i].values[k] += distance;
        return f(leaves(moved)).item();
      };
      const Difference difference = central_difference(along, rounding);
      const double error = std::abs(gradients.values[k] - difference.value);
      comparison.largest_gradient =
          std::max(comparison.largest_gradient, std::abs(gradients.values[k]));
      comparison.largest_error = std::max(comparison.largest_error, error);
      comparison.largest_allowance = std::max(comparison.largest_allowance, difference.error);
      const double ratio = error == 0 ? 0 : error / difference.error;
      if (std::isnan(worst) || ratio <= worst) continue;  // a NaN goes on, and stays
      worst = ratio;
      comparison.failure = fmt::format(
          "the gradient of input {}, element {} is {}, by differences it is {}: an error of {:.3g} "
          "where {:.3g} is allowed",
          i, k, gradients.values[k], difference.value, error, difference.error);
    }
  }
  if (comparison.failure.empty() &&
      !says_something(comparison.largest_allowance, comparison.largest_gradient)) {
    comparison.failure = fmt::format("differences say nothing here: an error of {:.3g} is allowed",
                                     comparison.largest_allowance);
  }
  return comparison;
}

}  // namespace gradbook::numerical
