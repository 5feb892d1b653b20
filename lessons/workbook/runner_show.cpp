// `gradbook show`: what the lesson does with the engine, next to the same with LibTorch.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/process.hpp"
#include "lessons/workbook/result.hpp"
#include "lessons/workbook/runner.hpp"
#include "lessons/workbook/text_layout.hpp"

namespace gradbook::workbook {
namespace {

constexpr std::string_view between = " │ ";

// A line of code that is too long goes on in the next line, further in.
void append_wrapped(std::vector<std::string>& lines, const std::string& line, std::size_t width) {
  if (display_width(line) <= width) {
    lines.push_back(line);
    return;
  }
  const std::size_t own = std::min(line.find_first_not_of(' '), line.size());
  const std::string first_indent(std::min(own, width / 2), ' ');
  const std::string indent = first_indent + "    ";
  bool first = true;
  for (const std::string& part : reflow(line, width - indent.size())) {
    lines.push_back((first ? first_indent : indent) + part);
    first = false;
  }
}

struct Start {
  std::string name;
  std::size_t row;
};

// A source as it is shown: each region begins with its name, and nothing marks its end.
struct Column {
  std::vector<std::string> lines;
  std::vector<Start> regions;
};

Column column(std::string_view source, std::size_t width) {
  Column result;
  for (const std::string& line : split_lines(source)) {
    if (closes_region(line)) continue;
    if (const auto name = opened_region(line)) {
      result.regions.push_back({*name, result.lines.size()});
      append_wrapped(result.lines, line.substr(0, line.find('/')) + "// " + *name, width);
    } else {
      append_wrapped(result.lines, line, width);
    }
  }
  return result;
}

// Blank lines before row `from`, which becomes row `to`.
void move_down(Column& column, std::size_t from, std::size_t to) {
  const auto there = column.lines.begin() + static_cast<std::ptrdiff_t>(from);
  column.lines.insert(there, to - from, "");
  for (Start& region : column.regions) {
    if (region.row >= from) region.row += to - from;
  }
}

// Regions of the same name begin in the same row, as long as both columns have them in one order.
void start_together(Column& left, Column& right) {
  std::size_t free = 0;  // the first row after the last two that were brought together
  for (std::size_t i = 0; i < left.regions.size(); ++i) {
    const auto [name, from] = left.regions[i];
    const auto other = std::ranges::find(right.regions, name, &Start::name);
    if (other == right.regions.end() || other->row < free) continue;
    const std::size_t row = std::max(from, other->row);
    move_down(right, other->row, row);
    move_down(left, from, row);
    free = row + 1;
  }
}

// The marked regions one after the other, their marks included.
std::string regions_text(std::string_view source) {
  std::string text;
  for (const CodeRegion& region : code_regions(source)) {
    if (!text.empty()) text += "\n\n";
    text += "// [code: " + region.name + "]\n" + join_lines(region.lines);
  }
  return text.empty() ? "// no region of this lesson is marked as code; --all shows the whole file"
                      : text;
}

}  // namespace

std::string engine_and_twin(std::string_view engine, std::string_view twin, std::size_t width,
                            const TerminalRenderer& style) {
  if (twin.empty()) twin = "// this lesson has no LibTorch twin";
  const bool is_narrow = width < side_by_side_from;
  const std::size_t half = is_narrow ? std::string::npos : (width - display_width(between)) / 2;
  Column left = column(engine, half);
  Column right = column(twin, half);
  std::string text;
  if (is_narrow) {
    const auto part = [&](std::string_view title, const Column& code) {
      text += style.strong(title) + '\n' + style.faint(std::string(title.size(), '-')) + '\n';
      for (const std::string& line : code.lines) text += line + '\n';
    };
    part("engine", left);
    text += '\n';
    part("LibTorch", right);
    return text;
  }
  start_together(left, right);
  text +=
      style.strong(padded("engine", half)) + std::string(between) + style.strong("LibTorch") + '\n';
  const std::size_t rows = std::max(left.lines.size(), right.lines.size());
  left.lines.resize(rows);
  right.lines.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    std::string line = padded(left.lines[i], half) + std::string(between) + right.lines[i];
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

int show_lesson(int number, const std::filesystem::path& binary, bool whole_file, Console& console,
                const TerminalRenderer& style) {
  const ProcessResult lesson = run_process({binary.string(), "--source", "lesson"});
  const ProcessResult twin = run_process({binary.string(), "--source", "twin"});
  if (!lesson.succeeded() || !twin.succeeded()) {
    console.err << fmt::format("gradbook: lesson {} does not give its source\n",
                               two_digits(number));
    return 1;
  }
  const std::string engine = whole_file ? lesson.out : regions_text(lesson.out);
  console.out << engine_and_twin(engine, twin_function(twin.out),
                                 static_cast<std::size_t>(console.width), style);
  return 0;
}

}  // namespace gradbook::workbook
