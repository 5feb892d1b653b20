#include "reference/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradbook::reference {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

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
  double ulps = 0;
  double peer_ulps = 0;
  bool by_class = false;

  double ratio() const { return ok ? error / allowed : std::max(error / allowed, 1.0); }
};

Element judge_element(double engine, double truth, double peer, double magnitude,
                      const Format& format) {
  const double scale = std::fmax(std::abs(magnitude), std::abs(truth));  // the one that is no NaN
  const double unit = ulp(scale, format);
  const double floor = ulps_of_a_step * unit;
  const double least = times_the_peer * floor;
  const auto by_class = [&](double libtorch) {
    const bool ok = same_class(engine, libtorch);
    const double error = ok ? 0 : infinity;
    return Element{error, least, ok, error, 0, true};
  };
  if (std::abs(magnitude) > format.largest) {
    // Finite terms that overflow: what comes out depends on the order of summation and on which
    // products are fused with it.
    const Element any{.allowed = least, .by_class = true};
    // Truth has not overflowed if it is of a wider format.
    const bool truth_is_exact = format.digits < std::numeric_limits<double>::digits;
    if (!std::isfinite(truth)) {
      // Beside an infinity, which may meet one of the other sign, or not.
      const bool may_be_nan = std::isinf(truth) && std::isnan(engine);
      if (!truth_is_exact || may_be_nan || same_class(engine, truth)) return any;
    } else if (magnitude - std::abs(truth) + 0x1p-52 * magnitude > least) {
      // Some cancel (or may do so: truth itself is rounded).
      if (!std::isfinite(engine)) return any;
      if (!std::isfinite(peer)) peer = truth;
    }
  }
  const bool at_the_edge = std::abs(std::abs(truth) - format.overflow) <= least;
  if (std::isnan(peer) || (std::isinf(peer) && !at_the_edge)) return by_class(peer);
  if (!std::isfinite(truth)) return by_class(truth);
  const auto ulps = [&](double number) {
    const double nearest = std::clamp(truth, -format.overflow, format.overflow);
    return distance(number, nearest, format) / unit;
  };
  if (std::isnan(engine) || (std::isinf(engine) && !at_the_edge)) {
    return {infinity, least, false, infinity, ulps(peer)};
  }
  // The sign of a zero that was made of zeros is no matter of rounding.
  if (engine == 0 && truth == 0 && peer == 0 && magnitude == 0 &&
      std::signbit(peer) == std::signbit(truth) && std::signbit(engine) != std::signbit(truth)) {
    return {0, least, false, 0, 0};
  }
  const double allowed = times_the_peer * std::max(distance(peer, truth, format), floor);
  const double error = distance(engine, truth, format);
  return {error, allowed, error <= allowed, ulps(engine), ulps(peer)};
}

/// One judgement of all elements.
struct Comparison {
  const Snapshot& engine;
  const Snapshot& truth;
  const Snapshot& peer;
  const Snapshot* magnitude;
  Format format;

  Element element(std::size_t i) const {
    return judge_element(engine.values[i], truth.values[i], peer.values[i],
                         magnitude == nullptr ? 0 : magnitude->values[i], format);
  }
  /// What of LibTorch's has another shape than the engine's; null: nothing.
  const Snapshot* other_shape() const {
    for (const Snapshot* libtorch : {&truth, &peer, magnitude}) {
      if (libtorch != nullptr && libtorch->shape != engine.shape) return libtorch;
    }
    return nullptr;
  }
};

Comparison comparison(const Snapshot& engine, const Snapshot& truth, const Snapshot& peer,
                      Precision precision, const Snapshot* magnitude) {
  const bool in_float32 = precision == Precision::float32;
  return {engine, truth, in_float32 ? peer : truth, magnitude,
          in_float32 ? format_of<float>() : format_of<double>()};
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
  const Comparison all = comparison(engine, truth, peer, precision, magnitude);
  if (const Snapshot* libtorch = all.other_shape()) {
    return {false, infinity, 0, infinity,
            fmt::format("its shape is {}, LibTorch has {}", to_string(engine.shape),
                        to_string(libtorch->shape))};
  }

  Verdict verdict;
  Element worst;
  std::size_t where = 0;
  for (std::size_t i = 0; i < engine.values.size(); ++i) {
    const Element element = all.element(i);
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
    const std::string peer_text = precision == Precision::float32
                                      ? fmt::format(" ({} in float32)", plain(peer.values[where]))
                                      : "";
    const std::string how_wrong =
        worst.error == 0
            ? "a zero of the other sign"
            : fmt::format("an error of {:.3g} where {:.3g} is allowed", worst.error, worst.allowed);
    verdict.reason =
        fmt::format("{} is {}, LibTorch has {}{}: {}", index_text(where, engine.shape),
                    plain(engine.values[where]), plain(truth.values[where]), peer_text, how_wrong);
  }
  return verdict;
}

std::vector<ElementErrors> element_errors(const Snapshot& engine, const Snapshot& truth,
                                          const Snapshot& peer, Precision precision,
                                          const Snapshot* magnitude) {
  const Comparison all = comparison(engine, truth, peer, precision, magnitude);
  if (all.other_shape() != nullptr) return {};
  std::vector<ElementErrors> errors;
  errors.reserve(engine.values.size());
  for (std::size_t i = 0; i < engine.values.size(); ++i) {
    const Element element = all.element(i);
    errors.push_back({element.ulps, element.peer_ulps, element.by_class, element.ok});
  }
  return errors;
}

}  // namespace gradbook::reference
