#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// c = (3x + 1)² at x: values and gradients of x, a, b, c; and the program that doubles x until it
/// passes 10 and negates it if it started negative, at 2 and at -3.
Results computational_graph(Precision precision);

}  // namespace gradbook::reference::twins
