#include "reference/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradbook::reference {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// The model of the error of one step. Nothing here was tuned until something passed.
//
// What LibTorch may be off, even where it happens to be exact for the numbers at hand: its vector
// math (SLEEF) promises one ulp for a function, and the longest row of the table of derivatives
// rounds three times more. A rounding is off by at most half an ulp of its own result, which is at
// most one ulp at the scale of the step. So: one ulp four times.
constexpr double ulps_of_a_step = 4;

// How much worse than LibTorch a correct engine may be: the longest row rounds four times, where a
// LibTorch that fuses all of it rounds once.
constexpr double times_the_peer = 4;

/// What a judgement of floating-point numbers needs to know of their format.
struct Format {
  int digits;          // of the significand
  int least_exponent;  // of the last place of the subnormal numbers
  double largest;
  double overflow;  // where infinity stands in for: the number that would follow the largest
};

template <class T>
constexpr Format format_of() {
  using limits = std::numeric_limits<T>;
  constexpr double largest = limits::max();
  return {limits::digits, limits::min_exponent - limits::digits, largest,
          // 2^1024 is no double; the largest one is close enough to it.
          limits::digits == 24 ? 0x1p128 : largest};
}

/// Distance between neighbouring numbers of the format at the scale of `magnitude`. Always finite.
double ulp(double magnitude, const Format& format) {
  magnitude = std::min(std::abs(magnitude), format.largest);
  const int exponent = magnitude > 0 ? std::ilogb(magnitude) - (format.digits - 1) : -10000;
  return std::ldexp(1.0, std::max(exponent, format.least_exponent));
}

bool same_class(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || (std::isfinite(a) && std::isfinite(b));
}

/// How far `number` is from a finite `truth`. Infinity counts as the number that would follow the
/// largest, so that a result within rounding of it may overflow or not.
double distance(double number, double truth, const Format& format) {
  if (std::isinf(number)) number = std::copysign(format.overflow, number);
  return std::abs(number - truth);
}

struct Element {
  double error = 0;
  double allowed = 0;
  bool ok = true;

  double ratio() const { return ok ? error / allowed : std::max(error / allowed, 1.0); }
};

Element judge_element(double engine, double truth, double peer, double magnitude,
                      const Format& format) {
  const double scale = std::fmax(std::abs(magnitude), std::abs(truth));  // the one that is no NaN
  const double floor = ulps_of_a_step * ulp(scale, format);
  const double least = times_the_peer * floor;
  const auto by_class = [&](double libtorch) {
    const bool ok = same_class(engine, libtorch);
    return Element{ok ? 0 : infinity, least, ok};
  };
  if (std::isfinite(truth) && scale > format.largest && scale - std::abs(truth) > least) {
    // Terms that overflow and cancel: what comes out of them depends on the order of summation.
    if (!std::isfinite(engine)) return {0, least, true};
    if (!std::isfinite(peer)) peer = truth;
  }
  const bool at_the_edge = std::abs(std::abs(truth) - format.overflow) <= least;
  if (std::isnan(peer) || (std::isinf(peer) && !at_the_edge)) return by_class(peer);
  if (!std::isfinite(truth)) return by_class(truth);
  if (std::isnan(engine) || (std::isinf(engine) && !at_the_edge)) return {infinity, least, false};
  const double allowed = times_the_peer * std::max(distance(peer, truth, format), floor);
  const double error = distance(engine, truth, format);
  return {error, allowed, error <= allowed};
}

/// For a message: NaN without the sign that it may have.
double plain(double number) { return std::isnan(number) ? std::abs(number) : number; }

std::string index_text(std::size_t flat, const Shape& shape) {
  if (shape.empty()) return "the value";
  std::vector<std::size_t> index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    index[d] = flat % shape[d];
    flat /= shape[d];
  }
  return fmt::format("element [{}]", fmt::join(index, ", "));
}

}  // namespace

Verdict judge(const Snapshot& engine, const Snapshot& truth, const Snapshot& peer,
              Precision precision, const Snapshot* magnitude) {
  const bool in_float32 = precision == Precision::float32;
  const Snapshot& other = in_float32 ? peer : truth;
  for (const Snapshot* libtorch : {&truth, &other, magnitude}) {
    if (libtorch == nullptr || libtorch->shape == engine.shape) continue;
    return {false, infinity, 0, infinity,
            fmt::format("its shape is {}, LibTorch has {}", to_string(engine.shape),
                        to_string(libtorch->shape))};
  }

  const Format format = in_float32 ? format_of<float>() : format_of<double>();
  Verdict verdict;
  Element worst;
  std::size_t where = 0;
  for (std::size_t i = 0; i < engine.values.size(); ++i) {
    const Element element = judge_element(engine.values[i], truth.values[i], other.values[i],
                                          magnitude == nullptr ? 0 : magnitude->values[i], format);
    verdict.error = std::max(verdict.error, element.error);
    verdict.ok = verdict.ok && element.ok;
    if (i == 0 || element.ratio() > worst.ratio()) {
      worst = element;
      where = i;
    }
  }
  if (engine.values.empty()) return verdict;
  verdict.allowance = worst.allowed;
  verdict.ratio = worst.ratio();
  if (!verdict.ok) {
    const std::string peer_text =
        in_float32 ? fmt::format(" ({} in float32)", plain(other.values[where])) : "";
    verdict.reason =
        fmt::format("{} is {}, LibTorch has {}{}: an error of {:.3g} where {:.3g} is allowed",
                    index_text(where, engine.shape), plain(engine.values[where]),
                    plain(truth.values[where]), peer_text, worst.error, worst.allowed);
  }
  return verdict;
}

}  // namespace gradbook::reference
