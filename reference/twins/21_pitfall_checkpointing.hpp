#pragma once

#include <vector>

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// A naive checkpoint built on torch::autograd::Function ("naive: ..."), and the same gradients
/// without any checkpoint ("engine: ...", what the engine's own has to give). `masks` are what a
/// dropout in a block draws, one a run, each of shape (4,).
Results pitfall_checkpointing(Precision precision, const std::vector<Snapshot>& masks);

}  // namespace gradbook::reference::twins
