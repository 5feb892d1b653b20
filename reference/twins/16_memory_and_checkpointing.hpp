#pragma once

#include <cstddef>

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// relu and then the square, at `x`: outputs and gradients, as it stands and through a checkpoint
/// ("checkpointed y", ...).
Results relu_squared(Precision precision, const Snapshot& x);

/// Bytes that relu and then the square keep for backward beyond input and output, (64, 64) float32.
std::size_t kept_by_relu_squared(bool checkpointed);

/// What a run of a deep network cost in LibTorch.
struct DepthRun {
  std::size_t peak_bytes;  ///< of tensor data, beyond the input
  std::size_t layer_runs;  ///< how often a layer's forward pass ran
  Snapshot gradient;       ///< of the input
};

/// `layers` times tanh on a (64, 64) float32 input, summed, forward and backward, with a checkpoint
/// around every `block` layers; 0: none.
DepthRun deep_tanh(std::size_t layers, std::size_t block);

}  // namespace gradbook::reference::twins
