#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// Gradients of eleven operations at a = 2, b = 4 ("d mul"), of a and, where it has a part, of b;
/// and the edges: relu, log and powers at 0, and `length`, the square root of x², there.
Results local_gradients(Precision precision);

}  // namespace gradbook::reference::twins
