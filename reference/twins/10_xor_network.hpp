#pragma once

#include <cstdint>
#include <vector>

#include "reference/results.hpp"

namespace gradbook::reference::twins {

// The 33 weights of the 2-8-1 network stand in one row: W1 (2, 8), b1 (8,), W2 (8, 1), b2 (1,).

/// The loss at `weights` (33,), and its gradient (33,): "loss", "gradient".
Results xor_network(Precision precision, const Snapshot& weights);

/// How large the terms are that make up each of these: the same sums with every term positive. This
/// is what rounding errors are proportional to, where the terms nearly cancel.
Results xor_scale(const Snapshot& weights);

/// The loss of each of `steps` steps that LibTorch takes by itself from `weights`.
std::vector<double> xor_training(Precision precision, const Snapshot& weights, double rate,
                                 int steps);

/// The eigenvalue of largest size of the matrix of second derivatives of the loss at `weights`,
/// from the exact matrix in float64.
double xor_curvature(const Snapshot& weights);

/// `manual_seed(seed)`, then W1 and W2 from `randn` times 0.5 in float32, and biases of zero.
Snapshot xor_weights(std::uint64_t seed);

}  // namespace gradbook::reference::twins
