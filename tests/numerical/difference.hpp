#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/tensor.hpp"
#include "engine/trace.hpp"

/// Derivatives without derivatives: the engine's gradients against differences of the engine's own
/// values, in float64. LibTorch has no part in this.
///
/// The five-point formula, D(h) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h, is off by
///
///   h⁴/30 of the fifth derivative                     (Abramowitz and Stegun, 25.3.6),
///   18/12h of the largest error of a value of f       (the sum of its factors).
///
/// Nobody knows the fifth derivative, but D(h) and D(h/2) differ by 15/16 of the first error of
/// D(h), which is 15 times the first error of D(h/2). So the derivative is D(h/2), and the bound on
/// its error is all of |D(h) - D(h/2)|, which leaves the higher derivatives a factor of 15, and the
/// rounding of the values. The points themselves are exact: inputs are multiples of 2^-20 and so
/// are the steps.
namespace gradbook::numerical {

/// h. Half of it is the finer step.
inline constexpr double coarse_step = 0x1p-11;

/// By how much x moves at most.
inline constexpr double reach = 2 * coarse_step;

/// A derivative, and how much it may be off.
struct Difference {
  double value = 0;
  double error = 0;
};

/// The derivative of `f` at 0, where each value of `f` is off by at most `rounding`.
Difference central_difference(const std::function<double(double)>& f, double rounding);

/// How far rounding may put the result of a traced computation off, whose gradients were computed
/// last: each operation rounds its result to within 4 units in the last place (as derived in
/// reference/verdict.hpp), at the scale of the result or of the inputs that it summed, and that
/// error reaches the end multiplied by the gradient there.
double rounding_of_result(const Trace& trace);

/// A number, as a tensor of shape (), from tensors. It may ask for gradients itself: its arguments
/// require grad.
using ScalarFunction = std::function<Tensor64(const std::vector<Tensor64>&)>;

/// What became of a comparison.
struct Comparison {
  std::string failure = {};      ///< the worst element and its numbers; empty: all is well
  double largest_gradient = 0;   ///< of all elements of all inputs
  double largest_error = 0;      ///< how far the engine's gradient is from the difference
  double largest_allowance = 0;  ///< how far it might have been
};

/// Compares the engine's gradients of `f` at `inputs` with central differences, element by element.
/// That the bound says nothing, since it exceeds 1e-6 of the gradients, is a failure too.
Comparison compare_gradients(const ScalarFunction& f, const std::vector<Snapshot>& inputs);

/// Is an error bound small enough to say something about a gradient?
bool says_something(double bound, double largest_gradient);

}  // namespace gradbook::numerical
