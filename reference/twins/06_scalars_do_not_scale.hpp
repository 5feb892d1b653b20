#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// `dot` of a row (1, K) and a column (K, 1), and its gradients `da` and `db` (K).
Results dot_product(Precision precision, const Snapshot& a, const Snapshot& b);

/// The `loss` (y - 1)² of the network y = tanh(x W1 + b1) W2 + b2, and the gradients of its four
/// parameters, one after the other, as `gradients`. `start` holds x (1, D), W1 (D, H),
/// b1 (1, H), W2 (H, 1) and b2 (1, 1).
Results network(Precision precision, const Results& start);

}  // namespace gradbook::reference::twins
