#pragma once

#include <cmath>
#include <limits>
#include <vector>

/// Numbers that the grid tries.
namespace gradbook::grid {

/// Second operands that are constants.
inline constexpr double scalars[] = {2, -0.3, 0.1};

/// Exponents of pow, with every case of its derivative: 0, 1, whole, half, neither, negative.
inline constexpr double exponents[] = {-2, -1,  -0.5, 0, 0.5, 1,    1.5, 2,
                                       3,  2.5, -3,   4, 0.1, -1.7, 7};

/// More of them at the edges of the numbers, where shapes are few.
inline constexpr double more_exponents[] = {-0.0,
                                            1.0 / 3,
                                            10,
                                            11,
                                            100,
                                            -100,
                                            101,
                                            1e-3,
                                            std::numeric_limits<double>::infinity(),
                                            -std::numeric_limits<double>::infinity(),
                                            std::numeric_limits<double>::quiet_NaN()};

/// Numbers at which something happens: signed zeros, the ends of the range of T, where functions
/// saturate or overflow, where a rounding is lost.
template <class T>
std::vector<double> edges() {
  using limits = std::numeric_limits<T>;
  std::vector<double> numbers{limits::quiet_NaN()};
  const double overflows = std::log(static_cast<double>(limits::max()));
  const double vanishes = -std::log(static_cast<double>(limits::denorm_min()));
  for (const double magnitude : {
           0.0,
           static_cast<double>(limits::denorm_min()),
           static_cast<double>(limits::min()) / 3,  // subnormal
           static_cast<double>(limits::min()),
           std::sqrt(static_cast<double>(limits::min())),  // its square vanishes, nearly
           static_cast<double>(limits::epsilon()) / 2,
           0.3,
           1.0,
           1.0 + static_cast<double>(limits::epsilon()),
           1.5,
           2.0,
           overflows - 0.01,
           overflows + 0.01,  // exp
           vanishes + 1,
           std::sqrt(static_cast<double>(limits::max())),
           static_cast<double>(limits::max()) / 2,
           static_cast<double>(limits::max()),
           static_cast<double>(limits::infinity()),
       }) {
    numbers.push_back(magnitude);
    numbers.push_back(-magnitude);
  }
  return numbers;
}

/// A few of them, for operations that need many at once.
template <class T>
std::vector<double> few_edges() {
  using limits = std::numeric_limits<T>;
  return {limits::quiet_NaN(),
          limits::infinity(),
          -limits::infinity(),
          0.0,
          -0.0,
          1.0,
          -1.5,
          limits::max(),
          -limits::max(),
          limits::denorm_min(),
          limits::min() / 3};
}

}  // namespace gradbook::grid
