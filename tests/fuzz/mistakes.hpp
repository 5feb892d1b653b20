// What mistakes are made of. Internal to the generator.
#pragma once

#include <optional>
#include <vector>

#include "tests/fuzz/actions.hpp"

namespace gradbook::fuzz {

/// Writes a line that is refused for one reason, after the lines that bring the reason about. False
/// where that was not possible.
using Mistake = bool (*)(Draft&, const Taste&);

/// Shapes and dimensions that do not fit (mistakes_shape.cpp).
const std::vector<Mistake>& shape_mistakes();
/// Backward in wrong ways, writes and flags (mistakes_gradient.cpp).
const std::vector<Mistake>& gradient_mistakes();

X constant_leaf(Draft& draft, const Taste& taste, const Shape& shape);
/// A shape that does not broadcast with `shape`, if that has a size that is not 1.
std::optional<Shape> clashing(Random& random, const Shape& shape);
/// `shape` with one dimension more.
Shape longer(std::size_t size, const Shape& shape);
/// Something that a pass can start from and that is no leaf; computed if need be.
X intermediate(Draft& draft, const Taste& taste);
X total(Draft& draft, X x);

}  // namespace gradbook::fuzz
