#include "engine/memory.hpp"

#include <algorithm>

#include "engine/pool.hpp"

namespace gradbook::memory {

namespace {

/// The pool aligns what is a multiple of 64, a cache line and the width of the widest vector
/// register.
std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

thread_local std::size_t live = 0;
thread_local std::size_t peak = 0;

}  // namespace

std::size_t live_bytes() { return live; }

std::size_t peak_bytes() { return peak; }

void reset_peak() { peak = live; }

void* allocate(std::size_t bytes) {
  void* data = pool::take(aligned(bytes));
  live += bytes;
  peak = std::max(peak, live);
  return data;
}

void deallocate(void* data, std::size_t bytes) noexcept {
  live -= bytes;
  pool::give_back(data, aligned(bytes));
}

}  // namespace gradbook::memory
