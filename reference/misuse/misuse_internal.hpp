#pragma once

#include <vector>

#include "reference/misuse/misuse.hpp"
#include "reference/torch.hpp"

// The rows of misuses() by kind, as the engine's half has them: rows_shapes.cpp here belongs to
// tests/crossvalidation/misuse_rows_shapes.cpp, and so on.

namespace gradbook::reference {

/// Shapes, dimensions, elements.
std::vector<Misuse> shape_misuses();
/// Backward in all wrong ways.
std::vector<Misuse> backward_misuses();
/// Writes in place, gradient state, edges of the number line.
std::vector<Misuse> state_misuses();
/// Some of the same in float64, and operands of different dtypes.
std::vector<Misuse> dtype_misuses();
/// Checkpoints.
std::vector<Misuse> checkpoint_misuses();
/// Where the engine differs on purpose, other than in dtypes and checkpoints.
std::vector<Misuse> differing_misuses();

inline at::Tensor leaf() { return torch::tensor({1.0F, 2.0F}, torch::requires_grad()); }

inline at::TensorOptions float64() { return torch::kDouble; }
inline at::Tensor leaf64() { return torch::tensor({1.0, 2.0}, float64().requires_grad(true)); }

}  // namespace gradbook::reference
