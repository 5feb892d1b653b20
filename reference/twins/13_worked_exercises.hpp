#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// x³ at 2, as a power and as a product.
Results cube(Precision precision);

/// p = eˣ / (eˣ + eᶻ) and its gradients; the same with the larger of x and z subtracted from both
/// first ("shifted ..."); and what LibTorch's own softmax makes of them.
Results softmax(Precision precision, double x, double z);

/// Gradients of relu and tanh at `x`.
Results activations(Precision precision, const Snapshot& x);

/// The gradient at `start` of tanh applied `layers` times, and of relu applied as often.
Results repeated(Precision precision, double start, int layers);

}  // namespace gradbook::reference::twins
