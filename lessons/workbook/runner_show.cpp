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

constexpr std::size_t side_by_side_from = 140;
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

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  for (const std::string& line : split_lines(text)) append_wrapped(lines, line, width);
  return lines;
}

// The marked regions one after the other, each under its name.
std::string regions_text(std::string_view source) {
  std::string text;
  for (const CodeRegion& region : code_regions(source)) {
    if (!text.empty()) text += "\n\n";
    text += "// " + region.name + '\n' + join_lines(region.lines);
  }
  return text.empty() ? "// no region of this lesson is marked as code; --all shows the whole file"
                      : text;
}

}  // namespace

std::string engine_and_twin(std::string_view engine, std::string_view twin, std::size_t width,
                            const TerminalRenderer& style) {
  const std::string no_twin = "// this lesson has no LibTorch twin";
  if (twin.empty()) twin = no_twin;
  std::string text;
  if (width < side_by_side_from) {
    const auto part = [&](std::string_view title, std::string_view code) {
      text += style.strong(title) + '\n' + style.faint(std::string(title.size(), '-')) + '\n';
      for (const std::string& line : split_lines(code)) text += line + '\n';
    };
    part("engine", engine);
    text += '\n';
    part("LibTorch", twin);
    return text;
  }
  const std::size_t half = (width - display_width(between)) / 2;
  const std::vector<std::string> left = wrapped(engine, half);
  const std::vector<std::string> right = wrapped(twin, half);
  text +=
      style.strong(padded("engine", half)) + std::string(between) + style.strong("LibTorch") + '\n';
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    std::string line = padded(i < left.size() ? left[i] : "", half) + std::string(between);
    if (i < right.size()) line += right[i];
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
