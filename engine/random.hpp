#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "engine/tensor.hpp"

namespace gradbook {

/// NumPy's legacy generator, bit for bit: `numpy.random.seed(s)` and `numpy.random.randn(...)`.
/// MT19937 (Matsumoto and Nishimura, 1998), 53-bit doubles from two draws, and normal deviates by
/// Marsaglia's polar method, which makes them in pairs.
class RandomState {
 public:
  explicit RandomState(std::uint32_t seed);

  /// Uniform on [0, 2³²).
  std::uint32_t next_uint32();
  /// Uniform on [0, 1), a multiple of 2⁻⁵³.
  double random_sample();
  /// Standard normal.
  double gauss();
  /// Standard normal values, drawn in row-major order in float64 and rounded to T.
  template <class T = float>
  BasicTensor<T> randn(const Shape& shape);

 private:
  void refill();

  static constexpr std::size_t size = 624;
  std::array<std::uint32_t, size> state_;
  std::size_t next_ = size;
  std::optional<double> spare_;  ///< the other half of the last pair
};

}  // namespace gradbook
