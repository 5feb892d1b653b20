#include "lessons/workbook/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "engine/draw.hpp"
#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/text_layout.hpp"

namespace gradbook::workbook {
namespace {

constexpr std::size_t most_code_lines = 10;
constexpr std::size_t code_width = page_width - 4;  // the terminal indents code

// Equal in every bit: a NaN is the NaN it was, and 0 is not -0.
bool identical(const Snapshot& a, const Snapshot& b) {
  return a.shape == b.shape &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
                    [](double x, double y) {
                      return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
                    });
}

bool identical(const FigureValue& a, const FigureValue& b) {
  return std::visit(
      []<class A, class B>(const A& x, const B& y) {
        if constexpr (!std::is_same_v<A, B>) {
          return false;
        } else if constexpr (std::is_same_v<A, Quantity>) {
          return identical(x.value, y.value);
        } else {
          return x == y;
        }
      },
      a.value, b.value);
}

}  // namespace

void Page::heading(std::string text) { blocks_.emplace_back(Heading{std::move(text)}); }

void Page::prose(std::string text) { blocks_.emplace_back(Prose{std::move(text)}); }

void Page::code(std::string_view name) {
  const std::vector<CodeRegion> regions = code_regions(source_);
  const auto region =
      std::find_if(regions.begin(), regions.end(),
                   [&](const CodeRegion& candidate) { return candidate.name == name; });
  if (region == regions.end()) {
    throw std::logic_error(fmt::format(
        "no code region '{}' in the lesson's source: expected a line `// [code: {}]`", name, name));
  }
  if (region->lines.size() > most_code_lines) {
    throw std::logic_error(fmt::format("code region '{}' has {} lines: at most {} make a block",
                                       name, region->lines.size(), most_code_lines));
  }
  for (const std::string& line : region->lines) {
    if (display_width(line) > code_width) {
      throw std::logic_error(
          fmt::format("code region '{}' is too wide for the page: {} columns in `{}`, {} fit", name,
                      display_width(line), line, code_width));
    }
  }
  blocks_.emplace_back(Code{std::string(name), join_lines(region->lines)});
}

void Page::table(Table table) {
  for (const auto& row : table.rows) {
    if (row.size() != table.columns.size()) {
      throw std::logic_error(fmt::format("table '{}': a row of {} cells under {} columns",
                                         fmt::join(table.columns, ", "), row.size(),
                                         table.columns.size()));
    }
  }
  blocks_.emplace_back(std::move(table));
}

void Page::graph(const Drawing& drawing) { blocks_.emplace_back(Graph{drawing.text, drawing.dot}); }

void Page::series(Series series) {
  for (const Line& line : series.lines) {
    const bool placed = line.x.empty() || line.x.size() == line.values.size();
    if (!placed ||
        !std::all_of(line.x.begin(), line.x.end(), [](double x) { return std::isfinite(x); })) {
      throw std::logic_error(
          fmt::format("series '{}', line '{}': {} values need as many finite x, or none",
                      series.title, line.name, line.values.size()));
    }
  }
  blocks_.emplace_back(std::move(series));
}

void Page::output(std::string text) { blocks_.emplace_back(Output{std::move(text)}); }

void Page::try_next(std::string text) { blocks_.emplace_back(TryNext{std::move(text)}); }

void Page::figure(const std::string& name, const FigureValue& value) {
  const auto known = std::find_if(figures_.begin(), figures_.end(),
                                  [&](const auto& figure) { return figure.first == name; });
  if (known == figures_.end()) {
    figures_.emplace_back(name, value);
  } else if (!identical(known->second, value)) {
    throw std::logic_error(fmt::format(
        "figure '{}' is given twice with different values: give each its own name", name));
  }
}

CheckTable& Page::checks(reference::TwinRun run) {
  blocks_.emplace_back(Comparisons{});
  check_tables_.push_back(CheckTable(*this, blocks_.size() - 1, std::move(run)));
  return check_tables_.back();
}

void Page::claim(const std::string& statement, bool ok, std::string detail) {
  add_claim({statement, std::move(detail), ok});
}

void Page::add_claim(Claim claim) {
  figure(claim.statement, claim.ok);
  if (blocks_.empty() || !std::holds_alternative<Claims>(blocks_.back()))
    blocks_.emplace_back(Claims{});
  std::get<Claims>(blocks_.back()).rows.push_back(std::move(claim));
}

std::optional<std::string> Page::ask(const std::string& prompt) {
  return asker_ ? asker_(prompt) : std::nullopt;
}

Tally Page::tally() const {
  Tally tally;
  const auto count = [&](bool ok, double error) {
    ++tally.made;
    tally.passed += ok ? 1 : 0;
    if (std::isnan(error) || error > tally.largest_error) tally.largest_error = error;
  };
  for (const Block& block : blocks_) {
    if (const auto* comparisons = std::get_if<Comparisons>(&block)) {
      for (const Comparison& row : comparisons->rows) count(row.ok, row.error);
    } else if (const auto* claims = std::get_if<Claims>(&block)) {
      for (const Claim& row : claims->rows)
        count(row.ok, row.replay ? row.replay->largest_error : 0);
    }
  }
  return tally;
}

}  // namespace gradbook::workbook
