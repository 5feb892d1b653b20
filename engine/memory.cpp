#include "engine/memory.hpp"

#include <algorithm>
#include <new>

namespace gradbook::memory {

namespace {

// A cache line, and the width of the widest vector register.
constexpr std::align_val_t alignment{64};

thread_local std::size_t live = 0;
thread_local std::size_t peak = 0;

}  // namespace

std::size_t live_bytes() { return live; }

std::size_t peak_bytes() { return peak; }

void reset_peak() { peak = live; }

void* allocate(std::size_t bytes) {
  void* data = ::operator new(bytes, alignment);
  live += bytes;
  peak = std::max(peak, live);
  return data;
}

void deallocate(void* data, std::size_t bytes) noexcept {
  live -= bytes;
  ::operator delete(data, bytes, alignment);
}

}  // namespace gradbook::memory
