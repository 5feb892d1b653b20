#include "lessons/workbook/code_regions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace gradbook::workbook {
namespace {

constexpr std::string_view opening = "// [code:";
constexpr std::string_view closing = "// [/code]";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool is_blank(const std::string& line) { return trimmed(line).empty(); }

void drop_blank_ends(std::vector<std::string>& lines) {
  const auto is_written = [](const std::string& line) { return !is_blank(line); };
  lines.erase(lines.begin(), std::find_if(lines.begin(), lines.end(), is_written));
  lines.erase(std::find_if(lines.rbegin(), lines.rend(), is_written).base(), lines.end());
}

void dedent(std::vector<std::string>& lines) {
  std::size_t common = std::string::npos;
  for (const std::string& line : lines) {
    if (!is_blank(line)) common = std::min(common, line.find_first_not_of(' '));
  }
  for (std::string& line : lines) line.erase(0, is_blank(line) ? std::string::npos : common);
}

[[noreturn]] void fail(std::size_t line, std::string_view what) {
  throw std::logic_error(fmt::format("line {} of the lesson's source: {}", line, what));
}

CodeRegion open_region(std::string_view marker, std::size_t line,
                       const std::vector<CodeRegion>& taken) {
  const bool closed = marker.back() == ']';
  const std::string_view name =
      trimmed(marker.substr(opening.size(), marker.size() - opening.size() - closed));
  if (!closed || name.empty()) fail(line, "a code region is opened with `// [code: name]`");
  if (std::any_of(taken.begin(), taken.end(),
                  [&](const CodeRegion& r) { return r.name == name; })) {
    fail(line, fmt::format("a second code region named '{}'", name));
  }
  return {std::string(name), {}};
}

}  // namespace

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i > 0 ? "\n" : "") + lines[i];
  return text;
}

std::vector<CodeRegion> code_regions(std::string_view source) {
  std::vector<CodeRegion> regions;
  std::optional<CodeRegion> open;
  std::size_t number = 0;
  for (std::string& line : split_lines(source)) {
    ++number;
    const std::string_view content = trimmed(line);
    if (content.starts_with(opening)) {
      if (open) fail(number, fmt::format("code region '{}' is still open", open->name));
      open = open_region(content, number, regions);
    } else if (closes_region(line)) {
      if (!open) fail(number, "no code region is open here");
      drop_blank_ends(open->lines);
      if (open->lines.empty()) fail(number, fmt::format("code region '{}' is empty", open->name));
      dedent(open->lines);
      regions.push_back(*std::exchange(open, std::nullopt));
    } else if (open) {
      open->lines.push_back(std::move(line));
    }
  }
  if (open) fail(number, fmt::format("code region '{}' is never closed", open->name));
  return regions;
}

std::optional<std::string> opened_region(std::string_view line) {
  const std::string_view content = trimmed(line);
  if (!content.starts_with(opening) || !content.ends_with(']')) return std::nullopt;
  const std::string_view name = content.substr(opening.size());
  return std::string(trimmed(name.substr(0, name.size() - 1)));
}

bool closes_region(std::string_view line) { return trimmed(line) == closing; }

std::string twin_function(std::string_view twin_source) {
  std::vector<std::string> lines = split_lines(twin_source);
  const auto first = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
    return line.starts_with("namespace ") && line.ends_with("{");
  });
  const auto last = std::find_if(lines.rbegin(), lines.rend(), [](const std::string& line) {
    return line.starts_with("}  // namespace");
  });
  if (first == lines.end() || last == lines.rend() || last.base() <= first) {
    drop_blank_ends(lines);
    return join_lines(lines);
  }
  std::vector<std::string> inside(first + 1, last.base() - 1);
  drop_blank_ends(inside);
  return join_lines(inside);
}

}  // namespace gradbook::workbook
