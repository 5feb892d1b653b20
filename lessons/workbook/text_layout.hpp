// Words into paragraphs and cells into aligned columns. Widths are counted in characters on the
// screen: UTF-8 is understood, and colour escapes take no room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gradbook::workbook {

constexpr std::size_t page_width = 80;

std::size_t display_width(std::string_view text);

/// `text` and spaces up to `width`; spaces first with `right`.
std::string padded(std::string_view text, std::size_t width, bool right = false);

/// The first `width` columns of `text`, its end marked with … where something was cut off.
std::string clipped(std::string_view text, std::size_t width);

/// What was typed, with "?" for each character that is not printable ASCII: a terminal could take a
/// control character for a command, and bytes that are no UTF-8 would spoil the output as text.
std::string printable(std::string_view typed);

/// Lines of at most `width`. Code in `back-ticks` is kept on one line where it can be; a word
/// longer than a line is broken.
std::vector<std::string> reflow(std::string_view text, std::size_t width = page_width);

/// Columns under their headings, two spaces apart, a row of dashes under the headings. A column of
/// numbers is set flush right. A line break in a cell is kept; where the natural widths exceed
/// `width`, cells are wrapped.
std::vector<std::string> aligned_table(const std::vector<std::string>& columns,
                                       const std::vector<std::vector<std::string>>& rows,
                                       std::size_t width = page_width);

}  // namespace gradbook::workbook
