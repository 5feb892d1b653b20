#pragma once

#include <vector>

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// y = xW + b on a batch of two, with `g` as dL/dy: y and the gradients of x (2, 3), W (3, 2) and
/// b (2).
Results layer(Precision precision, const Snapshot& g);

/// Weights and biases of a stack of layers, from the input upwards.
struct Stack {
  std::vector<Snapshot> weights;
  std::vector<Snapshot> biases;
};

/// Mean squared error of a tanh network whose last layer is linear: "loss", "dL/dW1", "dL/db1" and
/// so on. "swapped update is refused": subtracting a gradient of W1's transposed shape from W1.
Results stack(Precision precision, const Stack& start, const Snapshot& x, const Snapshot& target);

}  // namespace gradbook::reference::twins
