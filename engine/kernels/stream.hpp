#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// Writing past the caches. An ordinary write first reads into the cache the memory that it is
/// about to overwrite: a third of the traffic of a loop that reads one array and writes another.
namespace gradbook::kernels {

/// Bytes of a result from which on streaming pays, measured where caches hold 32 MiB: loops bound
/// by memory take a fifth to a third less time on one thread, and on two not more than without,
/// even if the next loop reads the result at once. (Loops bound by arithmetic lose: tanh an
/// eighth.) At 8 MiB two threads were faster without.
inline constexpr std::size_t worth_streaming = std::size_t{12} << 20;

/// Whether to stream the rows of `row_size` elements that make up a result of `size` elements: if
/// it is large, and whole cache lines are written. Not in place, where what is written has just
/// been read; and not where nothing as large is read, as then nothing drives the result out of the
/// cache: filling 16 MiB took 1.4 times as long streamed.
template <class T, class... Operands>
bool is_streamed(const T* out, std::size_t size, std::size_t row_size,
                 const Operands&... operands) {
  constexpr std::size_t cache_line = 64;
  if (size * sizeof(T) < worth_streaming) return false;
  const bool whole_lines = reinterpret_cast<std::uintptr_t>(out) % cache_line == 0 &&
                           row_size * sizeof(T) % cache_line == 0;
  const bool in_place = ((operands.data() == out) || ...);
  return whole_lines && !in_place && ((operands.size() == size) || ...);
}

// Sanitizers do not see writes of this kind.
#if defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/// Copies `from` to `to`, which is aligned to 16 bytes. For other threads to read it there,
/// finish_streams() comes first.
template <class T, std::size_t N>
void stream(T* to, const std::array<T, N>& from) {
  constexpr std::size_t step = sizeof(__m128i) / sizeof(T);
  static_assert(N % step == 0);
  for (std::size_t i = 0; i < N; i += step) {
    const __m128i numbers = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&from[i]));
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i), numbers);
  }
}
inline void finish_streams() { _mm_sfence(); }
#else
template <class T, std::size_t N>
void stream(T* to, const std::array<T, N>& from) {
  std::copy(from.begin(), from.end(), to);
}
inline void finish_streams() {}
#endif

}  // namespace gradbook::kernels
