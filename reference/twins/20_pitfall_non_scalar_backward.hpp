#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// Backward from a vector: what is refused ("refused: vector": 1 or 0), vᵀJ of w x for four v, and
/// the gradient of x² at [1, 2, 3] by ones, by a sum and by a weighted sum.
Results pitfall_non_scalar_backward(Precision precision);

}  // namespace gradbook::reference::twins
