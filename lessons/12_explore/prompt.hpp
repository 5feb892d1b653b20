// What a reader may type in lesson 12: "a=4", "b=-1", "a=4 b=2".
#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace gradbook::explore {

struct Point {
  double a = 2;
  double b = 3;
};

/// A finite decimal number, "4", "-1.5", "2e3", and nothing else.
inline std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// Without the spaces at both ends.
inline std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") + 1 - first));
}

/// The words that end the conversation.
inline bool leaves(std::string_view word) {
  return word == "quit" || word == "q" || word == "exit";
}

/// `line` without the spaces around each "=", and with spaces for commas: "a = 4, b=2" is two words
/// then.
inline std::string join_assignments(std::string_view line) {
  std::string joined;
  for (char c : line) {
    if (c == ',') c = ' ';
    const bool space = c == ' ' || c == '\t';
    if (c == '=') joined.erase(joined.find_last_not_of(" \t") + 1);
    if (!space || joined.empty() || joined.back() != '=') joined += c;
  }
  return joined;
}

/// Where `line` leads from `from`; nothing where it does not parse, or gives a or b twice.
inline std::optional<Point> parse_point(std::string_view line, Point from) {
  std::optional<double> a, b;
  std::istringstream words(join_assignments(line));
  for (std::string word; words >> word;) {
    if (!word.starts_with("a=") && !word.starts_with("b=")) return std::nullopt;
    std::optional<double>& given = word.front() == 'a' ? a : b;
    if (given) return std::nullopt;
    given = parse_number(std::string_view(word).substr(2));
    if (!given) return std::nullopt;
  }
  return Point{a.value_or(from.a), b.value_or(from.b)};
}

}  // namespace gradbook::explore
