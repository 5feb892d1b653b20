#pragma once

#include <functional>
#include <vector>

#include "tests/engine/expect.hpp"

/// Derivatives without derivatives: differences of function values, in float64.
///
/// The five-point formula (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h errs by h⁴/30 of the
/// fifth derivative and by about 1.5 ε|f|/h from rounding. At h = 1e-3 both are near 1e-13 for a
/// function of order one whose derivatives are of order one; kDifferenceAllowance leaves room for
/// fifth derivatives and values up to about 1000. (Abramowitz and Stegun, 25.3.6.)
namespace gradbook {

inline constexpr double kDifferenceStep = 1e-3;
inline constexpr double kDifferenceAllowance = 1e-9;

/// The derivative of `f` at `x`. `f` must be smooth within two steps of `x`.
template <class F>
double central_difference(const F& f, double x) {
  const double h = kDifferenceStep;
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

/// A function of several tensors. It may ask for gradients itself: its arguments require grad.
using TensorFunction = std::function<Tensor64(const std::vector<Tensor64>&)>;

/// Σ cotangent · f(inputs), a plain number.
inline double weighted_sum(const TensorFunction& f, const std::vector<Snapshot>& inputs,
                           const Snapshot& cotangent) {
  std::vector<Tensor64> tensors;
  for (const Snapshot& input : inputs) tensors.push_back(Tensor64::from(input, requires_grad));
  const Snapshot y = f(tensors).snapshot();
  double total = 0;
  for (std::size_t i = 0; i < y.values.size(); ++i) total += cotangent.values[i] * y.values[i];
  return total;
}

/// The gradient of weighted_sum() with respect to inputs[which].
inline Snapshot central_difference(const TensorFunction& f, std::vector<Snapshot> inputs,
                                   std::size_t which, const Snapshot& cotangent) {
  Snapshot gradient = inputs[which];
  for (std::size_t i = 0; i < gradient.values.size(); ++i) {
    const auto along = [&](double x) {
      std::vector<Snapshot> moved = inputs;
      moved[which].values[i] = x;
      return weighted_sum(f, moved, cotangent);
    };
    gradient.values[i] = central_difference(along, inputs[which].values[i]);
  }
  return gradient;
}

/// Expects that the engine's gradients of `f` at `inputs`, for a random cotangent, are those of
/// central differences.
inline void expect_gradients(const TensorFunction& f, const std::vector<Snapshot>& inputs,
                             const std::string& what = "") {
  std::vector<Tensor64> tensors;
  for (const Snapshot& input : inputs) tensors.push_back(Tensor64::from(input, requires_grad));
  const Tensor64 y = f(tensors);
  const Tensor64 cotangent = random_tensor(y.shape(), 7);
  const std::vector<Tensor64> gradients = grad<double>({y}, tensors, {cotangent});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    expect_near(gradients[i].snapshot(), central_difference(f, inputs, i, cotangent.snapshot()),
                kDifferenceAllowance, what + ", input " + std::to_string(i));
  }
}

/// The gradients of `f` for a fixed random cotangent, as a function to differentiate again: one
/// number, each element of each gradient weighted at random.
inline TensorFunction gradient_function(const TensorFunction& f) {
  return [f](const std::vector<Tensor64>& inputs) {
    const Tensor64 y = f(inputs);
    const std::vector<Tensor64> gradients = grad<double>(
        {y}, inputs, {random_tensor(y.shape(), 8)}, {.create_graph = true, .allow_unused = true});
    Tensor64 total(0.0);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined()) continue;
      const auto weights = random_tensor(gradients[i].shape(), static_cast<std::uint32_t>(9 + i));
      total = total + (gradients[i] * weights).sum();
    }
    return total;
  };
}

/// Expects the first and second derivatives of `f` at `inputs` to be those of central differences.
/// Every input must matter to the gradients.
inline void expect_two_derivatives(const TensorFunction& f, const std::vector<Snapshot>& inputs,
                                   const std::string& what = "") {
  expect_gradients(f, inputs, what);
  expect_gradients(gradient_function(f), inputs, what + ", second derivatives");
}

}  // namespace gradbook
