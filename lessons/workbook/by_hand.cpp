#include "lessons/workbook/by_hand.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "lessons/workbook/numbers.hpp"

namespace gradbook::workbook {
namespace {

constexpr double ulps_allowed = 4;

// Reads nested brackets with one cursor; depth is bounded so that a slip cannot run away.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  ByHand read() {
    element(0);
    skip_spaces();
    if (at_ < text_.size()) fail("something follows the figure");
    return {Shape(sizes_.begin(), sizes_.end()), std::move(figures_)};
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw std::invalid_argument(fmt::format(
        "by-hand figure '{}': {} (write it as 42, 0.2689, nan or [[1, 2], [3, 4]])", text_, what));
  }

  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  bool next_is(char c) {
    skip_spaces();
    return at_ < text_.size() && text_[at_] == c;
  }

  void element(std::size_t depth) {
    if (next_is('[')) {
      list(depth);
    } else if ((depth != rank_ && rank_ != unknown) || depth < sizes_.size()) {
      fail("a number stands where a list should");
    } else {
      rank_ = depth;
      figure();
    }
  }

  void list(std::size_t depth) {
    constexpr std::size_t deepest = 8;
    if (depth == rank_) fail("a list stands where a number should");
    if (depth == deepest) fail("too deep");
    ++at_;
    std::size_t count = 0;
    if (!next_is(']')) {
      do {
        element(depth + 1);
        ++count;
      } while (next_is(',') && ++at_);
    }
    if (!next_is(']')) fail("a ] is missing");
    ++at_;
    if (sizes_.size() <= depth) sizes_.resize(depth + 1, not_seen);
    if (sizes_[depth] != not_seen && sizes_[depth] != count) fail("rows of different lengths");
    sizes_[depth] = count;
  }

  void figure() {
    skip_spaces();
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != ']' &&
           !std::isspace(static_cast<unsigned char>(text_[at_]))) {
      ++at_;
    }
    figures_.push_back(parse_figure(text_.substr(from, at_ - from)));
  }

  HandFigure parse_figure(std::string_view token) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (token == "nan") return {std::nan(""), 0};
    if (token == "inf" || token == "-inf") return {token.front() == '-' ? -infinity : infinity, 0};

    HandFigure figure;
    const char* end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, figure.value);
    if (error != std::errc() || stop != end || !std::isfinite(figure.value)) {
      fail(token.empty() ? "a number is missing" : fmt::format("'{}' is not a number", token));
    }
    const std::size_t e = std::min(token.find_first_of("eE"), token.size());
    const std::size_t point = token.substr(0, e).find('.');
    const bool whole = e == token.size() && point == std::string_view::npos;
    if (!whole) {
      const std::size_t after_point = point == std::string_view::npos ? 0 : e - point - 1;
      int exponent = 0;
      if (e < token.size()) {
        const bool plus = token[e + 1] == '+';
        std::from_chars(token.data() + e + 1 + (plus ? 1 : 0), end, exponent);
      }
      figure.half_unit = 0.5 * std::pow(10.0, exponent - static_cast<int>(after_point));
    }
    return figure;
  }

  static constexpr std::size_t unknown = static_cast<std::size_t>(-1);
  static constexpr std::size_t not_seen = static_cast<std::size_t>(-1);

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t rank_ = unknown;
  std::vector<std::size_t> sizes_;  // of each depth
  std::vector<HandFigure> figures_;
};

double ulp(double value, Precision precision) {
  const double size = std::abs(value);
  if (precision == Precision::float32) {
    const auto narrow = static_cast<float>(size);
    return static_cast<double>(std::nextafter(narrow, std::numeric_limits<float>::infinity())) -
           static_cast<double>(narrow);
  }
  return std::nextafter(size, std::numeric_limits<double>::infinity()) - size;
}

bool agrees(const HandFigure& figure, double engine, Precision precision) {
  if (std::isnan(figure.value)) return std::isnan(engine);
  if (std::isinf(figure.value)) return engine == figure.value;
  const double allowed = figure.half_unit + ulps_allowed * ulp(figure.value, precision);
  return std::abs(engine - figure.value) <= allowed;  // false for an engine that is NaN
}

}  // namespace

ByHand parse_by_hand(std::string_view text) { return Reader(text).read(); }

std::string disagreement(const ByHand& by_hand, const Quantity& engine) {
  if (by_hand.shape != engine.value.shape) {
    return fmt::format("by hand it has shape {}, in the engine {}", to_string(by_hand.shape),
                       to_string(engine.value.shape));
  }
  for (std::size_t i = 0; i < by_hand.figures.size(); ++i) {
    const double value = engine.value.values[i];
    if (agrees(by_hand.figures[i], value, engine.precision)) continue;
    const std::string where = by_hand.figures.size() > 1 ? fmt::format("element {}: ", i) : "";
    return fmt::format("{}by hand {}, the engine says {}", where, number(by_hand.figures[i].value),
                       number_significant(value, 17));
  }
  return {};
}

}  // namespace gradbook::workbook
