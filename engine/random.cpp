#include "engine/random.hpp"

#include <cmath>

namespace gradbook {

RandomState::RandomState(std::uint32_t seed) {
  // Knuth, The Art of Computer Programming, volume 2, as in the reference code of MT19937.
  state_[0] = seed;
  for (std::uint32_t i = 1; i < size; ++i) {
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30U)) + i;
  }
}

void RandomState::refill() {
  constexpr std::size_t middle = 397;
  constexpr std::uint32_t upper_bit = 0x80000000U;
  constexpr std::uint32_t lower_bits = 0x7fffffffU;
  constexpr std::uint32_t matrix = 0x9908b0dfU;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t y = (state_[i] & upper_bit) | (state_[(i + 1) % size] & lower_bits);
    state_[i] = state_[(i + middle) % size] ^ (y >> 1U) ^ ((y & 1U) != 0 ? matrix : 0U);
  }
  next_ = 0;
}

std::uint32_t RandomState::next_uint32() {
  if (next_ == size) refill();
  std::uint32_t y = state_[next_++];
  y ^= y >> 11U;
  y ^= (y << 7U) & 0x9d2c5680U;
  y ^= (y << 15U) & 0xefc60000U;
  return y ^ (y >> 18U);
}

double RandomState::random_sample() {
  const std::uint32_t high = next_uint32() >> 5U;
  const std::uint32_t low = next_uint32() >> 6U;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

double RandomState::gauss() {
  if (spare_) {
    const double value = *spare_;
    spare_.reset();
    return value;
  }
  double x1 = 0;
  double x2 = 0;
  double r2 = 0;
  do {
    x1 = 2.0 * random_sample() - 1.0;
    x2 = 2.0 * random_sample() - 1.0;
    r2 = x1 * x1 + x2 * x2;
  } while (r2 >= 1.0 || r2 == 0.0);
  const double factor = std::sqrt(-2.0 * std::log(r2) / r2);
  spare_ = factor * x1;
  return factor * x2;
}

template <class T>
BasicTensor<T> RandomState::randn(const Shape& shape) {
  Array<T> array(shape);
  for (std::size_t i = 0; i < array.size(); ++i) array.fresh()[i] = static_cast<T>(gauss());
  return BasicTensor<T>(std::move(array));
}

template Tensor RandomState::randn(const Shape&);
template Tensor64 RandomState::randn(const Shape&);

}  // namespace gradbook
