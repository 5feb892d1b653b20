#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace gradbook::fuzz {

/// The random numbers of one program: they depend on the seed of the campaign and the index of the
/// program alone. std::mt19937_64 is the same everywhere; the standard's distributions are not, so
/// these are our own, and none calls a function of the C library.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t index) : engine_(mixed(mixed(seed) + index)) {}

  /// Uniform on 0, ..., n - 1. Of n = 0 there is none.
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(uniform() * static_cast<double>(n));
  }
  /// Uniform on low, ..., high.
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  /// Uniform on [0, 1), a multiple of 2⁻⁵³.
  double uniform() { return static_cast<double>(engine_() >> 11U) * 0x1p-53; }
  /// Uniform on [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }

  template <class T>
  T pick(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

 private:
  /// One step of SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators,
  /// 2014): neighbouring numbers give unrelated ones.
  static std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

  std::mt19937_64 engine_;
};

}  // namespace gradbook::fuzz
