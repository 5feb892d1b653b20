#pragma once

#include <cstddef>

/// Bytes of tensor data, counted where they are allocated.
namespace gradbook::memory {

/// Bytes held by all live tensor storages.
std::size_t live_bytes();

/// The largest value of live_bytes() since the last reset_peak().
std::size_t peak_bytes();

/// Starts a new measurement: the peak becomes what is live now.
void reset_peak();

/// Raw aligned memory for `bytes` bytes, counted as live. Throws std::bad_alloc.
void* allocate(std::size_t bytes);

/// Returns memory that allocate(bytes) gave.
void deallocate(void* memory, std::size_t bytes) noexcept;

/// Allocator for xtensor containers that counts what they hold.
template <class T>
struct CountingAllocator {
  using value_type = T;
  CountingAllocator() = default;
  template <class U>
  CountingAllocator(const CountingAllocator<U>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(memory::allocate(count * sizeof(T))); }
  void deallocate(T* data, std::size_t count) noexcept {
    memory::deallocate(data, count * sizeof(T));
  }
  template <class U>
  bool operator==(const CountingAllocator<U>&) const {
    return true;
  }
};

}  // namespace gradbook::memory
