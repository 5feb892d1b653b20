// Figures by hand: what a lesson's author worked out, or a course printed, as text.
//
// The digits that were written decide how near the engine must be. This is the whole model, and it
// is never tuned:
//   - "0.2689", "6.6e14": a rounded figure. The engine may be half a unit of the last written digit
//     away (here 0.5e-4 and 0.5e13), for whatever rounds to the figure lies that near.
//   - "42": a whole number is exact, and the engine must equal it.
//   - Both get 4 units in the last place of the figure, in the precision the engine computed in:
//     0.15 is not a float32, and neither is the exact middle between two figures.
//   - "nan", "inf", "-inf": the very same.
// An array is held to this element by element, and its shape must be the engine's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/snapshot.hpp"
#include "lessons/workbook/quantity.hpp"

namespace gradbook::workbook {

struct HandFigure {
  double value = 0;
  double half_unit = 0;  // of the last written digit; 0 for a whole number
};

struct ByHand {
  Shape shape;
  std::vector<HandFigure> figures;  // row-major
};

/// Reads "42", "[3, 3, 3]", "[[1, 2], [3, 4]]". Throws std::invalid_argument, saying what is wrong.
ByHand parse_by_hand(std::string_view text);

/// Why `engine` does not agree with the figure; empty where it does.
std::string disagreement(const ByHand& by_hand, const Quantity& engine);

}  // namespace gradbook::workbook
