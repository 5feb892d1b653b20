#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// c = (a + b) b and its gradients, for every pair of entries of `a` and `b` (of one shape) at
/// once.
Results explore(Precision precision, const Snapshot& a, const Snapshot& b);

/// The same at a=2, b=3 with the two uses of b apart, c = (a + b1) b2: what flows back through
/// each.
Results explore_two_paths(Precision precision);

}  // namespace gradbook::reference::twins
