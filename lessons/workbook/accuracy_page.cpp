// What `gradbook verify` found, as a page for people and as JSON for programs.
#include "lessons/workbook/accuracy_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "lessons/workbook/json.hpp"
#include "lessons/workbook/numbers.hpp"
#include "lessons/workbook/text_layout.hpp"
#include "reference/verdict.hpp"
#include "reference/version.hpp"

namespace gradbook::workbook {
namespace {

using Json = nlohmann::ordered_json;
using reference::Accuracy;
using reference::LargestErrors;
using Origin = std::vector<std::pair<std::string, double>>;

std::string ulps_text(double ulps) {
  const bool is_short = std::isfinite(ulps) && ulps != 0 && ulps < 1e4;
  return is_short ? number(ulps, 2) : error_text(ulps);
}

// With so many significant digits, and 1e27 for 1e+27: there is little room.
std::string short_number(double value, int digits) {
  std::string text = fmt::format("{:.{}g}", value, digits);
  std::erase(text, '+');
  return text;
}

// The inputs, each with as many digits as there is room for: what is long loses digits first.
std::string worst_text(const Origin& worst, std::size_t room) {
  if (worst.empty()) return "-";
  constexpr int most_digits = 7;
  std::vector<int> digits(worst.size(), most_digits);
  while (true) {
    std::string text;
    std::size_t longest = 0;
    std::size_t longest_width = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
      const auto& [name, value] = worst[i];
      const std::string figure = short_number(value, digits[i]);
      if (digits[i] > 1 && figure.size() > longest_width) {
        longest = i;
        longest_width = figure.size();
      }
      text += fmt::format("{}{}={}", i > 0 ? " " : "", name == "terms" ? "n" : name, figure);
    }
    if (text.size() <= room || longest_width == 0) return clipped(text, room);
    --digits[longest];
  }
}

bool is_value(const Accuracy& result) { return result.vjp_of.empty(); }

std::string result_name(const Accuracy& result) {
  return is_value(result) ? result.written : "  vjp of " + result.vjp_of;
}

// A row of the table but for the inputs, which get the room that all else leaves.
struct Row {
  std::vector<std::string> cells;
  const Origin& worst;
};

Row row_of(std::string name, std::string numbers, std::size_t left_out, const LargestErrors& errors,
           std::string verdict) {
  return {{std::move(name), std::move(numbers), std::to_string(left_out), ulps_text(errors.engine),
           ulps_text(errors.libtorch), "", std::move(verdict)},
          errors.worst};
}

// One row for each result, and one more where some of its numbers drown the errors of all others.
std::vector<Row> rows_of(const std::vector<Accuracy>& results, const TerminalRenderer& style) {
  std::vector<Row> rows;
  for (const Accuracy& result : results) {
    rows.push_back(row_of(result_name(result), std::to_string(result.elements), result.by_class,
                          result.largest, style.verdict(result.ok)));
    if (result.by_peer == 0) continue;
    rows.push_back(row_of(fmt::format("  within {} ulps", reference::ulps_of_a_step), "",
                          result.by_class + result.by_peer, result.within, ""));
  }
  return rows;
}

std::string table(const std::vector<Accuracy>& results, const TerminalRenderer& style) {
  constexpr std::size_t worst = 5;
  std::vector<std::string> columns = {"operation", "numbers", "left\nout", "engine",
                                      "LibTorch",  "",        "verdict"};
  const std::vector<Row> rows = rows_of(results, style);
  std::vector<std::vector<std::string>> cells;
  for (const Row& row : rows) cells.push_back(row.cells);
  std::size_t taken = 0;
  for (const std::string& line : aligned_table(columns, cells)) {
    taken = std::max(taken, display_width(line));
  }
  columns[worst] = "engine's worst at";
  const std::size_t room = std::max(columns[worst].size() + taken, page_width) - taken;
  for (std::size_t i = 0; i < rows.size(); ++i) cells[i][worst] = worst_text(rows[i].worst, room);
  std::string text;
  for (const std::string& line : aligned_table(columns, cells)) text += line + '\n';
  return text;
}

std::string legend() {
  const std::string words = fmt::format(
      "Each figure is the largest error of any number in float32 against LibTorch in float64, in "
      "ulps: steps from one float32 to the next at the size of the true result, or of what was "
      "summed to get it (of n > 16 terms, √n/4 times that: roundings add up like a random walk). "
      "Left out is where LibTorch's float32 has inf or nan. Where some of its numbers are off by "
      "more than {0} ulps, mostly since something on the way, such as exp(-104), was too large or "
      "too small for float32, a second row, within {0} ulps, has the figures without these. All "
      "numbers are judged: a row is ok if the engine is nowhere off by more than {1} times as much "
      "as LibTorch, or by {2} ulps if that is more, and has inf and nan where LibTorch has them.",
      reference::ulps_of_a_step, reference::times_the_peer,
      reference::times_the_peer * reference::ulps_of_a_step);
  std::string text;
  for (const std::string& line : reflow(words)) text += line + '\n';
  return text;
}

std::string failures(const std::vector<Accuracy>& results, const TerminalRenderer& style) {
  std::string text;
  for (const Accuracy& result : results) {
    if (result.ok) continue;
    const std::string name = is_value(result)
                                 ? result.written
                                 : fmt::format("{}, vjp of {}", result.written, result.vjp_of);
    const std::string at = result.largest.worst.empty()
                               ? ""
                               : fmt::format(" ({})", worst_text(result.largest.worst, page_width));
    for (const std::string& line : reflow(fmt::format("{}{}: {}", name, at, result.reason))) {
      text += style.bad(line) + '\n';
    }
  }
  return text.empty() ? text : text + '\n';
}

Json json_of(const Origin& worst) {
  Json array = Json::array();
  for (const auto& [name, value] : worst) {
    array.push_back({{"name", name}, {"value", json_number(value)}});
  }
  return array;
}

Json json_of(const Accuracy& result) {
  return {{"operation", result.operation},
          {"written", result.written},
          {"vjp_of", is_value(result) ? Json() : Json(result.vjp_of)},
          {"elements", result.elements},
          {"by_class", result.by_class},
          {"by_peer", result.by_peer},
          {"engine_ulps", json_number(result.largest.engine)},
          {"libtorch_ulps", json_number(result.largest.libtorch)},
          {"worst", json_of(result.largest.worst)},
          {"within",
           {{"engine_ulps", json_number(result.within.engine)},
            {"libtorch_ulps", json_number(result.within.libtorch)},
            {"worst", json_of(result.within.worst)}}},
          {"passed", result.ok},
          {"reason", result.reason}};
}

std::string closing(const AccuracyRun& run, const TerminalRenderer& style) {
  const auto bad = std::ranges::count_if(run.results, [](const Accuracy& r) { return !r.ok; });
  std::set<std::string> operations;
  std::size_t elements = 0;
  for (const Accuracy& result : run.results) {
    operations.insert(result.written);
    elements += result.elements;
  }
  const std::string verdict =
      bad == 0 ? "the engine is nowhere worse than that"
               : fmt::format("{} of {} results are worse than that", bad, run.results.size());
  const std::string line =
      fmt::format("{} operations, {} elements in {}: {}{}", operations.size(), elements,
                  seconds_text(run.seconds), verdict, run.interrupted ? ", then interrupted" : "");
  std::string text;
  for (const std::string& part : reflow(line)) {
    text += (run.passed() ? style.good(part) : style.bad(part)) + '\n';
  }
  return text;
}

}  // namespace

bool AccuracyRun::passed() const {
  return !interrupted && !results.empty() &&
         std::ranges::all_of(results, [](const Accuracy& result) { return result.ok; });
}

std::string to_text(const AccuracyRun& run, const TerminalRenderer& style) {
  if (run.results.empty()) return closing(run, style);
  return table(run.results, style) + '\n' + legend() + '\n' + failures(run.results, style) +
         closing(run, style);
}

std::string to_json(const AccuracyRun& run) {
  Json results = Json::array();
  for (const Accuracy& result : run.results) results.push_back(json_of(result));
  const Json object = {{"format", "gradbook.verify"},
                       {"version", 3},
                       {"passed", run.passed()},
                       {"interrupted", run.interrupted},
                       {"seed", run.seed},
                       {"samples", run.samples},
                       {"libtorch", reference::libtorch_version()},
                       {"times_libtorch", reference::times_the_peer},
                       {"least_ulps", reference::ulps_of_a_step},
                       {"results", std::move(results)},
                       {"seconds", run.seconds}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace gradbook::workbook
