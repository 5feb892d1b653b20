#include "engine/kernels/past_caches.hpp"

#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace gradbook::kernels {

void copy_past_caches(void* to, const void* from, std::size_t bytes) {
  std::size_t done = 0;
#ifdef __SSE2__
  if (reinterpret_cast<std::uintptr_t>(to) % sizeof(__m128i) == 0) {
    auto* const target = static_cast<__m128i*>(to);
    const auto* const source = static_cast<const __m128i*>(from);
    for (; done + sizeof(__m128i) <= bytes; done += sizeof(__m128i)) {
      const std::size_t i = done / sizeof(__m128i);
      _mm_stream_si128(target + i, _mm_loadu_si128(source + i));
    }
    _mm_sfence();  // such stores may overtake others otherwise
  }
#endif
  std::memcpy(static_cast<std::byte*>(to) + done, static_cast<const std::byte*>(from) + done,
              bytes - done);
}

}  // namespace gradbook::kernels
