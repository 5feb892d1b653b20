#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// What LibTorch does where a tensor leaves as an array: data_ptr() of a tensor that requires grad
/// (read, written, and the version after it), the round trip, a model with a gap in its middle and
/// the same in one piece, and which ways to make a tensor keep the history (1 or 0 each).
Results pitfall_losing_requires_grad(Precision precision);

}  // namespace gradbook::reference::twins
