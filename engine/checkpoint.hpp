#pragma once

#include <functional>
#include <vector>

#include "engine/tensor.hpp"

namespace gradbook {

/// Computes `function(inputs)` without keeping what its operations save: backward runs the function
/// again (Griewank and Walther, Algorithm 799: revolve, 2000; Chen et al., Training deep nets with
/// sublinear memory cost, 2016). Memory for time.
///
/// Gradients reach the inputs and every tensor that the function captures and that requires grad,
/// also when no input does; grad(y, {x}) leaves the captured ones alone. Second derivatives work.
///
/// Throws CheckpointError, when backward runs, if the function then computes something else (it
/// draws random numbers, or something it captured has changed), and SavedTensorChangedError if an
/// input was written to. The function must return one tensor, and make its result from its inputs
/// and captures by the engine's operations. It runs again in backward: what it captures by
/// reference must still live then.
template <class T>
BasicTensor<T> checkpoint(
    const std::function<BasicTensor<T>(const std::vector<BasicTensor<T>>&)>& function,
    const std::vector<BasicTensor<T>>& inputs);

/// checkpoint() of a function of one tensor: `checkpoint(block, x)`.
template <class T, class Function>
BasicTensor<T> checkpoint(Function function, const BasicTensor<T>& x) {
  const std::function<BasicTensor<T>(const std::vector<BasicTensor<T>>&)> of_many =
      [function](const std::vector<BasicTensor<T>>& inputs) { return function(inputs[0]); };
  return checkpoint(of_many, std::vector{x});
}

}  // namespace gradbook
