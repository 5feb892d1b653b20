#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <xtensor/xshape.hpp>

namespace gradbook {

/// Sizes of the dimensions, outermost first; `()` is a scalar. Up to four live without an
/// allocation.
using Shape = xt::svector<std::size_t, 4>;

/// Dimension numbers as the caller writes them: -1 is the last.
using Dims = std::vector<std::int64_t>;

/// Number of elements; 1 for `()`. Throws ShapeError when they are too many to count.
std::size_t numel(const Shape& shape);

/// "(2, 3)", "(4,)", "()".
std::string to_string(const Shape& shape);

/// The shape that `a` and `b` broadcast to, by NumPy's rule: aligned at the right, sizes equal
/// or 1. Throws ShapeError naming `operation` and both shapes.
Shape broadcast_shapes(std::string_view operation, const Shape& a, const Shape& b);

/// True when broadcast_shapes() has an answer.
bool can_broadcast(const Shape& a, const Shape& b);

/// True when a tensor of shape `from` broadcasts to exactly `to`.
bool broadcasts_to(const Shape& from, const Shape& to);

/// `dim` in [-rank, rank) as an index from the front. As in LibTorch a scalar has one dimension to
/// name. Throws DimensionError naming `operation` and `shape`.
std::size_t normalize_dim(std::string_view operation, std::int64_t dim, const Shape& shape);

/// One flag per dimension of `shape`: is it reduced? Empty `dims` means all of them.
/// Throws DimensionError for a dimension out of range or named twice.
std::vector<bool> reduced_dims(std::string_view operation, const Dims& dims, const Shape& shape);

/// `shape` after reduction: reduced dimensions become 1 with `keepdim` and are dropped without.
Shape reduced_shape(const Shape& shape, const std::vector<bool>& reduced, bool keepdim);

/// Distance in elements between neighbours along each dimension of a contiguous row-major array.
Shape contiguous_strides(const Shape& shape);

}  // namespace gradbook
