#pragma once

#include <optional>
#include <vector>

#include "tests/fuzz/draft.hpp"

namespace gradbook::fuzz {

/// What a program is given to: drawn once for each, so that programs differ more than lines do.
struct Taste {
  Shape shape;                  ///< of its first leaf, and of many others
  bool zero_size = false;       ///< some of its tensors have no elements
  bool special_values = false;  ///< some leaf has inf, NaN, subnormal numbers or -0
  bool whole_numbers = false;   ///< leaves of small whole numbers: ties, and zeros
  double writes = 0;            ///< how much it writes in place,
  double aliases = 0;           ///< makes aliases,
  double gradients = 0;         ///< runs backward on its way,
  double second_order = 0;      ///< and records that
};
Taste random_taste(Random& random);

/// The result of a program's every operation has at most so many elements.
constexpr std::size_t largest_numel = 72;

std::size_t numel_of(const Shape& shape);
/// The shape that both broadcast to; nothing where they do not.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);
/// A shape that broadcasts to `shape`: some sizes made 1, some leading dimensions left out.
Shape narrowed(Random& random, const Shape& shape);
/// A shape with which `shape` broadcasts: narrower, or wider, or both.
Shape broadcasting_with(Random& random, const Shape& shape);

enum class Values {
  any,       ///< both signs, to about 2
  positive,  ///< from about 0.3 to 2.5
};
/// A leaf of random values, as is to the program's taste.
X random_leaf(Draft& draft, const Taste& taste, const Shape& shape, Values values,
              bool requires_grad);

/// An operand out of those that are there: rather recent, rather one that nothing uses yet.
X operand(Draft& draft);
/// The same among some. Throws std::logic_error if there is none.
X operand_among(Draft& draft, const std::vector<X>& candidates);
/// Tensors that satisfy `wanted`.
template <class Wanted>
std::vector<X> tensors_that(const Draft& draft, const Wanted& wanted) {
  std::vector<X> found = draft.tensors();
  std::erase_if(found, [&](X x) { return !wanted(x); });
  return found;
}

/// As a program would write dimension `dim` of `rank`: from the front or from the back.
double written_dim(Random& random, std::size_t dim, std::size_t rank);
Attributes scalar(double value);
Attributes shape_attribute(const Shape& shape);
/// A constant with one decimal, seldom a whole number, from `low` to `high`.
double constant_between(Random& random, double low, double high);

}  // namespace gradbook::fuzz
