// The regions of a source that a page may show: from `// [code: name]` to `// [/code]`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradbook::workbook {

struct CodeRegion {
  std::string name;
  std::vector<std::string> lines;  // dedented, without blank lines at either end
};

/// Every region, in the order of the source. Throws std::logic_error, with the line number, for a
/// region without a name, opened inside another, never closed, closed without being open, empty, or
/// of a name that was taken.
std::vector<CodeRegion> code_regions(std::string_view source);

/// The name in `// [code: name]`; nothing where `line` is another.
std::optional<std::string> opened_region(std::string_view line);
bool closes_region(std::string_view line);

/// The functions of a twin: what stands inside its outermost namespace block, or the whole text
/// where there is none.
std::string twin_function(std::string_view twin_source);

std::vector<std::string> split_lines(std::string_view text);
std::string join_lines(const std::vector<std::string>& lines);

}  // namespace gradbook::workbook
