#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// What requires grad (1 or 0), what receives gradient, and what is refused, for y = 2x of
/// [1, 2, 3].
Results stopping(Precision precision);

/// Scores of a small classifier on a batch, and the class of the largest.
Results inference(Precision precision, const Snapshot& x, const Snapshot& W, const Snapshot& b);

/// Two layers with the first one frozen: "dL/dW2", the same with both trained, and whether the
/// frozen layer got a gradient (1 or 0).
Results frozen_layer(Precision precision, const Snapshot& x, const Snapshot& W1,
                     const Snapshot& W2);

/// Totals of a loss over 100 steps, in float32: of the losses and of their items; does the first
/// require grad (1 or 0), and what they keep in memory.
Results running_total();

/// (w·s - (r + 0.9·w·next))², and dL/dw with the target detached and not.
Results target_value(Precision precision);

}  // namespace gradbook::reference::twins
