#include "lessons/workbook/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/curve.hpp"
#include "lessons/workbook/numbers.hpp"
#include "lessons/workbook/text_layout.hpp"

namespace gradbook::workbook {
namespace {

std::string indented(const std::vector<std::string>& lines, std::string_view indent) {
  std::string text;
  for (const std::string& line : lines)
    text += (line.empty() ? "" : std::string(indent)) + line + '\n';
  return text;
}

// A matrix with each of its rows on a line of its own, as NumPy prints it.
std::string row_by_row(std::string text) {
  constexpr std::string_view between = "], [";
  for (std::size_t at = text.find(between); at != std::string::npos; at = text.find(between, at)) {
    text.replace(at + 2, 1, "\n ");
  }
  return text;
}

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0;
  for (const std::string& line : split_lines(text)) widest = std::max(widest, display_width(line));
  return widest;
}

// The figure by hand, as the lesson has it, but for line breaks.
std::string by_hand_cell(const std::string& by_hand) {
  constexpr std::size_t most = 18;
  return display_width(by_hand) <= most ? by_hand : row_by_row(by_hand);
}

// An array inside a table: all of it where `room` is enough, row by row or with fewer digits if
// that helps, else its shape.
std::string cell_text(const Snapshot& value, Precision precision, std::size_t room) {
  constexpr int most_digits = 8;
  constexpr int fewest_digits = 4;
  constexpr std::size_t most_elements = 40;
  constexpr std::size_t most_rows = 4;
  if (value.shape.empty()) return array_text(value, precision, most_digits);
  const bool rows_fit = value.shape.size() == 2 && value.shape[0] <= most_rows;
  for (int digits = most_digits; digits >= fewest_digits && value.values.size() <= most_elements;
       --digits) {
    std::string text = array_text(value, precision, digits);
    if (display_width(text) <= room) return text;
    text = row_by_row(std::move(text));
    if (rows_fit && widest_line(text) <= room) return text;
  }
  return to_string(value.shape);
}

// What is left for each of the columns engine and LibTorch beside the others.
std::size_t room_for_arrays(const std::vector<Comparison>& rows) {
  constexpr std::size_t error_and_verdict = 7 + 7 + 2 * 4;
  constexpr std::size_t least = 12;
  std::size_t quantity = 8;
  std::size_t by_hand = 0;
  for (const Comparison& row : rows) {
    quantity = std::max(quantity, std::min<std::size_t>(display_width(row.quantity), 24));
    by_hand = std::max(by_hand, std::min<std::size_t>(widest_line(by_hand_cell(row.by_hand)), 22));
  }
  const std::size_t used =
      error_and_verdict + quantity + (by_hand > 0 ? std::max<std::size_t>(by_hand, 7) + 2 : 0);
  return std::max(least, (page_width - used) / 2);
}

}  // namespace

bool use_color(ColorChoice choice, bool is_terminal, const char* no_color, const char* term) {
  if (choice != ColorChoice::automatic) return choice == ColorChoice::always;
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";
  return is_terminal && !refused && !dumb;
}

std::string TerminalRenderer::painted(std::string_view text, std::string_view code) const {
  return color_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

// Paints code spans, also one that runs on into the next line.
std::string TerminalRenderer::paragraph(std::string_view text) const {
  std::string result;
  bool in_code = false;
  for (const std::string& line : reflow(text)) {
    std::size_t at = 0;
    while (at < line.size()) {
      const std::size_t tick = line.find('`', in_code && line[at] == '`' ? at + 1 : at);
      if (in_code) {
        const std::size_t end = tick == std::string::npos ? line.size() : tick + 1;
        result += painted(std::string_view(line).substr(at, end - at), "36");
        in_code = tick == std::string::npos;
        at = end;
      } else {
        const std::size_t end = std::min(tick, line.size());
        result += line.substr(at, end - at);
        in_code = tick != std::string::npos;
        at = end;
      }
    }
    result += '\n';
  }
  return result;
}

std::string TerminalRenderer::opening(const LessonInfo& info) const {
  std::string text =
      strong(fmt::format("Lesson {}  {}", two_digits(info.number), info.title)) + "\n";
  if (!info.question.empty()) text += paragraph(info.question);
  return text + '\n';
}

std::string TerminalRenderer::blocks(const Page& page, std::size_t from) const {
  std::string text;
  for (std::size_t i = from; i < page.blocks().size(); ++i) {
    const std::string block =
        std::visit([&](const auto& b) { return render(b); }, page.blocks()[i]);
    if (!block.empty()) text += block + '\n';
  }
  return text;
}

std::string TerminalRenderer::closing(const LessonResult& result) const {
  const std::string line = verdict_line(result);
  return (result.passed() ? good(line) : bad(line)) + '\n';
}

std::string TerminalRenderer::render(const Heading& heading) const {
  return strong(heading.text) + '\n' + faint(std::string(display_width(heading.text), '-')) + '\n';
}

std::string TerminalRenderer::render(const Prose& prose) const { return paragraph(prose.text); }

std::string TerminalRenderer::render(const Code& code) const {
  std::vector<std::string> lines = split_lines(code.text);
  for (std::string& line : lines) {
    if (!line.empty()) line = painted(line, "36");
  }
  return indented(lines, "    ");
}

std::string TerminalRenderer::render(const Table& table) const {
  const std::string title = table.title.empty() ? "" : strong(table.title) + '\n';
  return title + indented(aligned_table(table.columns, table.rows), "");
}

std::string TerminalRenderer::render(const Graph& graph) const {
  return indented(split_lines(graph.text), "  ");
}

std::string TerminalRenderer::render(const Series& series) const {
  const std::string title = series.title.empty() ? "" : strong(series.title) + '\n';
  return title + indented(draw_curves(series), "");
}

std::string TerminalRenderer::render(const Output& output) const {
  // Most output is a line or two and stays as it is; an error message may be longer than the page.
  constexpr std::size_t room = page_width - 6;
  std::string text;
  for (const std::string& line : split_lines(output.text)) {
    const bool fits = display_width(line) <= room;
    for (const std::string& part : fits ? std::vector{line} : reflow(line, room)) {
      text += "    " + faint("|") + (part.empty() ? "" : " ") + part + '\n';
    }
  }
  return text;
}

std::string TerminalRenderer::render(const Comparisons& comparisons) const {
  if (comparisons.rows.empty()) return {};
  const bool by_hand = std::any_of(comparisons.rows.begin(), comparisons.rows.end(),
                                   [](const Comparison& row) { return !row.by_hand.empty(); });
  std::vector<std::string> columns = {"quantity", "by hand", "engine",
                                      "LibTorch", "error",   "verdict"};
  if (!by_hand) columns.erase(columns.begin() + 1);

  const std::size_t room = room_for_arrays(comparisons.rows);
  std::vector<std::vector<std::string>> rows;
  std::string reasons;
  for (const Comparison& row : comparisons.rows) {
    const Precision precision = row.engine.precision;
    std::vector<std::string> cells = {row.quantity};
    if (by_hand) cells.push_back(by_hand_cell(row.by_hand));
    cells.push_back(cell_text(row.engine.value, precision, room));
    cells.push_back(row.libtorch ? cell_text(*row.libtorch, precision, room) : "-");
    cells.push_back(row.libtorch ? error_text(row.error) : "-");
    cells.push_back(verdict(row.ok));
    rows.push_back(std::move(cells));
    if (!row.ok) {
      for (const std::string& line : reflow(row.quantity + ": " + row.reason))
        reasons += bad(line) + '\n';
    }
  }
  return indented(aligned_table(columns, rows), "") + reasons;
}

std::string TerminalRenderer::render(const Claims& claims) const {
  const bool details = std::any_of(claims.rows.begin(), claims.rows.end(),
                                   [](const Claim& claim) { return !claim.detail.empty(); });
  std::vector<std::string> columns = {"claim", "detail", "verdict"};
  if (!details) columns.erase(columns.begin() + 1);
  std::vector<std::vector<std::string>> rows;
  for (const Claim& claim : claims.rows) {
    std::vector<std::string> cells = {claim.statement};
    if (details) cells.push_back(claim.detail);
    cells.push_back(verdict(claim.ok));
    rows.push_back(std::move(cells));
  }
  return indented(aligned_table(columns, rows), "");
}

std::string TerminalRenderer::render(const TryNext& try_next) const {
  return paragraph("Try next: " + try_next.text);
}

}  // namespace gradbook::workbook
