// Curves drawn in text.
#pragma once

#include <string>
#include <vector>

#include "lessons/workbook/blocks.hpp"

namespace gradbook::workbook {

/// At most 14 lines of at most 70 columns: plot, axes and a legend. One curve is drawn in braille
/// dots; several get a mark each, and # where they meet. A point that is not finite is marked at
/// its place: ! on the axis for NaN, ^ at the top and v at the bottom for the infinities; the
/// legend says where the first one is. On a logarithmic scale a zero stands on the bottom line.
std::vector<std::string> draw_curves(const Series& series);

}  // namespace gradbook::workbook
