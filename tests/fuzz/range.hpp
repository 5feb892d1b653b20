#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace gradbook::fuzz {

/// Bounds of the elements of a tensor that a program has not computed yet, by interval arithmetic:
/// so that the generator can keep values finite, and in the domain of the functions that it
/// applies. A choice that hangs on a bound must be the same on every machine, so no function of the
/// C library but the exact sqrt is used.
struct Range {
  double low = 0;
  double high = 0;
  bool is_guess = false;  ///< of gradients, which are not followed

  double largest() const { return std::max(-low, high); }
  bool is_positive(double least) const { return !is_guess && low >= least; }
  /// No element is nearer to 0 than `least`.
  bool avoids_zero(double least) const { return !is_guess && (low >= least || high <= -least); }
  bool has_both_signs() const { return low < 0 && high > 0; }
};

inline Range hull(const Range& a, const Range& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high), a.is_guess || b.is_guess};
}
inline Range operator-(const Range& a) { return {-a.high, -a.low, a.is_guess}; }
inline Range operator+(const Range& a, const Range& b) {
  return {a.low + b.low, a.high + b.high, a.is_guess || b.is_guess};
}
inline Range operator-(const Range& a, const Range& b) { return a + -b; }
inline Range operator*(const Range& a, const Range& b) {
  const std::array<double, 4> corners{a.low * b.low, a.low * b.high, a.high * b.low,
                                      a.high * b.high};
  return {*std::min_element(corners.begin(), corners.end()),
          *std::max_element(corners.begin(), corners.end()), a.is_guess || b.is_guess};
}
inline Range scalar_range(double value) { return {value, value}; }
inline Range times(double factor, const Range& a) { return scalar_range(factor) * a; }
/// Of 1 / a, where a avoids zero.
inline Range reciprocal(const Range& a) { return {1 / a.high, 1 / a.low, a.is_guess}; }
/// The sum of `terms` elements.
inline Range sum_of(std::size_t terms, const Range& a) {
  return times(static_cast<double>(terms), a);
}
inline Range relu(const Range& a) {
  return {std::max(a.low, 0.0), std::max(a.high, 0.0), a.is_guess};
}
/// Where each element is kept or replaced by 0.
inline Range gated(const Range& a) { return hull(a, {0, 0, a.is_guess}); }

namespace range_detail {
constexpr std::array<double, 7> powers_of_e{1, 2.72, 7.39, 20.1, 54.6, 148.5, 403.5};
}
/// The largest element that exp() is applied to.
constexpr double largest_exponent = 6;
/// Of exp(a), a bound at whole numbers. For a.high up to largest_exponent.
inline Range exp(const Range& a) {
  const auto at = [](double x) {
    const auto k = static_cast<std::size_t>(std::ceil(std::abs(x)));
    const double power = range_detail::powers_of_e[std::min<std::size_t>(k, 6)];
    return x >= 0 ? power : 1 / power;
  };
  const bool is_tiny = a.low < -largest_exponent;
  // Downwards the next whole number is the safe one: that is what ceil() of |x| is for x < 0.
  const double low = is_tiny ? 0 : a.low >= 0 ? 1 : at(a.low);
  return {low, a.high >= 0 ? at(a.high) : 1, a.is_guess};
}
/// Of log(a), for positive a.
inline Range log(const Range& a) {
  const auto above = [](double x) {  // a whole number that is at least |log x|
    const double larger = x >= 1 ? x : 1 / x;
    double k = 0;
    for (const double power : range_detail::powers_of_e) {
      if (larger <= power) break;
      ++k;
    }
    return larger <= range_detail::powers_of_e.back() ? k : larger;
  };
  return {a.low >= 1 ? 0 : -above(a.low), a.high <= 1 ? 0 : above(a.high), a.is_guess};
}
inline Range sqrt(const Range& a) { return {std::sqrt(a.low), std::sqrt(a.high), a.is_guess}; }
inline Range tanh(const Range& a) { return {a.low >= 0 ? 0.0 : -1.0, a.high <= 0 ? 0.0 : 1.0}; }
inline Range sigmoid(const Range& a) {
  return {a.low >= 0 ? 0.5 : a.low > -4 ? 0.018 : 0, a.high <= 0 ? 0.5 : 1};
}

}  // namespace gradbook::fuzz
