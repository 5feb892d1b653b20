#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/shape.hpp"

/// Which shapes the operation grid tries. Nothing here asks the engine what broadcasts: the grid
/// judges the engine.
namespace gradbook::grid {

/// Shapes are made of these sizes and have up to max_rank dimensions.
inline constexpr std::size_t sizes[] = {0, 1, 2, 3, 5};
inline constexpr std::size_t max_rank = 4;

/// All shapes of `rank` dimensions: 5^rank of them.
std::vector<Shape> shapes_of_rank(std::size_t rank);

/// How two shapes broadcast, one letter for each dimension of the result, outermost first:
///   l  the left one lacks it             r  the right one lacks it
///   <  the left one's 1 is repeated      >  the right one's 1 is repeated
///   =  both have the same size
/// and, where a size is 0, " 0 at " and the letter of the outermost such dimension.
/// Empty for two scalars.
using Pattern = std::string;

/// Throws std::invalid_argument for shapes that do not broadcast.
Pattern broadcast_pattern(const Shape& left, const Shape& right);

/// Every pattern there is up to max_rank, of dimensions with a letter out of `letters`.
std::set<Pattern> every_pattern(const std::string& letters = "lr<>=");

using ShapePair = std::pair<Shape, Shape>;

/// `per_pattern` pairs of each pattern out of `letters`, drawn from all pairs of shapes that
/// broadcast; fewer where there are no more. The same pairs every time.
std::vector<ShapePair> sample_pairs(std::size_t per_pattern, const std::string& letters = "lr<>=");

/// `per_kind` shapes of each rank, with a size of 0 and without; always the same ones.
std::vector<Shape> sample_shapes(std::size_t per_kind);

/// Larger ones: around the widths of vector registers and their multiples, and around the blocks in
/// which long sums are added up.
std::vector<Shape> larger_shapes();

/// Each of larger_shapes() with itself and with what broadcasts to it in several ways, on either
/// side, where the pattern is out of `letters`.
std::vector<ShapePair> larger_pairs(const std::string& letters = "lr<>=");

/// What most rows of the grid try: samples of the small ones, and the larger ones.
std::vector<Shape> shapes_to_try(std::size_t per_kind);
std::vector<ShapePair> pairs_to_try(const std::string& letters = "lr<>=");

}  // namespace gradbook::grid
