#pragma once

#include <cstddef>

namespace gradbook::kernels {

/// Results of this many bytes and more are stored past the caches.
inline constexpr std::size_t past_caches_from = std::size_t{8} << 20;

/// Copies `bytes` bytes without leaving them in the caches, where the processor can.
void copy_past_caches(void* to, const void* from, std::size_t bytes);

}  // namespace gradbook::kernels
