#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// x² at 2 run backward twice, and again after zeroing; a gradient that is held while another
/// arrives; 42 steps of gradient descent on w² with and without zeroing; and the gradient of a
/// batch of four examples, at once and in two halves.
Results pitfall_accumulation(Precision precision);

}  // namespace gradbook::reference::twins
