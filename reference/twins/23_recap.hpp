#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// The seven takeaways: (3x + 1)² at 2; (a + b) b; a neuron trained for 20 steps; the slope of a
/// square root found by a loop; bytes kept by 8 and 16 times tanh of 1024 float32 numbers; and x²
/// at 2 run backward twice without zeroing, and again after it.
Results recap(Precision precision);

}  // namespace gradbook::reference::twins
