#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/tensor.hpp"

namespace gradbook {

/// What a numerical gradient check found.
struct GradcheckResult {
  bool ok = true;
  double largest_error = 0;  ///< largest |analytic - numerical|
  double allowance = 0;      ///< what was allowed where the error was largest
  std::string where;         ///< "input 0, element 3", of the largest error over allowance
};

/// Options of gradcheck().
struct GradcheckOptions {
  double step = 1e-6;      ///< the distance of a central difference
  double rtol = 1e-6;      ///< allowed error relative to the size of the derivative,
  double atol = 1e-8;      ///< and absolute
  std::uint32_t seed = 0;  ///< of the random vector that the output is multiplied with
};

/// Compares the gradients of `function` at `inputs` with central differences
/// (f(x + h) - f(x - h)) / 2h, whose error is of the order of h² f''' + ε f / h. The output may
/// have any shape: it is multiplied with a random vector, so that no error can cancel.
GradcheckResult gradcheck(const std::function<Tensor64(const std::vector<Tensor64>&)>& function,
                          const std::vector<Tensor64>& inputs, GradcheckOptions options = {});

}  // namespace gradbook
