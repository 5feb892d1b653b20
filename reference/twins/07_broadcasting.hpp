#pragma once

#include <optional>

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// Gradients of tensors that were stretched to fit another, the loss of a prediction (3,) held
/// against a target (3, 1), and "refused: in place", 1 where LibTorch throws.
Results broadcasting(Precision precision);

/// The shape of a tensor of shape `a` plus one of shape `b`; nothing where LibTorch throws.
std::optional<Shape> sum_shape(const Shape& a, const Shape& b);

}  // namespace gradbook::reference::twins
