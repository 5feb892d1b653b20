#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// Three programs as one writes them with LibTorch: y = wx + b and its square; the dot product of
/// two vectors; the attention scores Q Kᵀ. Values and gradients.
Results side_by_side(Precision precision);

}  // namespace gradbook::reference::twins
