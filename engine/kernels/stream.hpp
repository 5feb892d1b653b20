#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Writing past the caches. An ordinary write first reads the memory it is about to overwrite into
/// the cache, and drives something else out of it. For results too large to be found there again,
/// that is a third of the traffic of a loop that reads one array and writes another.
namespace gradbook::kernels {

/// Bytes of a result from which on its loop writes past the caches.
inline constexpr std::size_t too_large_to_keep = std::size_t{8} << 20;

/// Copies `from` to `to`. What other threads read there needs finish_streams() first.
template <class T, std::size_t N>
void stream(T* to, const std::array<T, N>& from) {
#if defined(__SSE2__)
  constexpr std::size_t lanes = sizeof(__m128i) / sizeof(T);
  static_assert(N % lanes == 0);
  if (reinterpret_cast<std::uintptr_t>(to) % sizeof(__m128i) == 0) {
    for (std::size_t i = 0; i < N; i += lanes) {
      const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&from[i]));
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + i), some);
    }
    return;
  }
#endif
  std::copy(from.begin(), from.end(), to);
}

/// After it, other threads see what this one streamed.
inline void finish_streams() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace gradbook::kernels
