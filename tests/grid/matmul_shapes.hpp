#pragma once

#include "tests/grid/shapes.hpp"

/// Shapes of factors of matrix products.
namespace gradbook::grid {

/// What kind of product this is: "matrix x vector, batches r=", where the batches broadcast by
/// broadcast_pattern() (nothing after "batches" for plain matrices), and ", no rows", ", no inner"
/// or ", no columns" if that size is 0 (the first of them that is).
Pattern matmul_pattern(const Shape& a, const Shape& b);

/// Every pattern of factors with up to two batch dimensions.
std::set<Pattern> every_matmul_pattern();

/// `per_pattern` pairs of each pattern, the same ones every time.
std::vector<ShapePair> sample_matmul_pairs(std::size_t per_pattern);

/// Larger ones, around the sizes of registers and blocks, and a few too large for those.
std::vector<ShapePair> larger_matmul_pairs();

}  // namespace gradbook::grid
