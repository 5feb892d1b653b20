#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// Sums and means over all and some dimensions, rows centred with and without keepdim, means of
/// micro-batches, relu and tanh, and a layer: values and gradients.
Results reductions_and_activations(Precision precision);

}  // namespace gradbook::reference::twins
