#pragma once

#include <optional>

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// C = A B with its gradients from ones; a batch of matrices times one matrix; a matrix times a
/// vector.
Results matmul(Precision precision);

/// Shapes of a product and of the gradients of its two operands.
struct ProductShapes {
  Shape result, grad_a, grad_b;
  friend bool operator==(const ProductShapes&, const ProductShapes&) = default;
};

/// These for operands of shapes `a` and `b`; nothing where LibTorch throws.
std::optional<ProductShapes> product_shapes(const Shape& a, const Shape& b);

}  // namespace gradbook::reference::twins
