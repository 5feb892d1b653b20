#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

/// Memory that is handed out again without asking the system: a training step allocates the same
/// sizes over and over. Per thread, so without locks. Under AddressSanitizer the system is asked
/// each time, so that it can watch.
namespace gradbook::pool {

/// A block that nobody uses: the next one of its size stands in its first bytes.
struct Free {
  Free* next;
};

inline constexpr std::size_t step = 16;     ///< sizes of small blocks are multiples of it
inline constexpr std::size_t small = 1024;  ///< the largest of them

/// Free small blocks, by size in steps.
inline constinit thread_local std::array<Free*, small / step + 1> small_free{};

/// Several blocks of `bytes` bytes at once: one to use, the rest for the list.
void* cut_slab(std::size_t bytes, Free*& list);
void* take_large(std::size_t bytes);
void give_back_large(void* memory, std::size_t bytes) noexcept;

inline std::size_t steps_of(std::size_t bytes) {
  return bytes == 0 ? 1 : (bytes + step - 1) / step;
}

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool asks_the_system = true;
#else
inline constexpr bool asks_the_system = false;
#endif

/// Room for `bytes` bytes, aligned to 64 where `bytes` is a multiple of that, else to 16; from 16
/// KiB on to 4 KiB, and from 2 MiB on to 2 MiB where the system has pages that large and no
/// sanitizer watches. Throws std::bad_alloc.
inline void* take(std::size_t bytes) {
  if (asks_the_system || bytes > small) return take_large(bytes);
  Free*& list = small_free[steps_of(bytes)];
  if (list == nullptr) return cut_slab(steps_of(bytes) * step, list);
  return std::exchange(list, list->next);
}

/// Takes back what take(bytes) gave.
inline void give_back(void* memory, std::size_t bytes) noexcept {
  if (asks_the_system || bytes > small) {
    give_back_large(memory, bytes);
    return;
  }
  Free*& list = small_free[steps_of(bytes)];
  list = new (memory) Free{list};
}

/// Returns to the system the large blocks that this thread keeps and does not use.
void trim() noexcept;

/// Memory from the pool for a container.
template <class T>
struct Allocator {
  using value_type = T;
  Allocator() = default;
  template <class U>
  Allocator(const Allocator<U>&) {}
  // NOLINTBEGIN(bugprone-sizeof-expression): where T is a pointer, the pointer's size is meant.
  T* allocate(std::size_t size) { return static_cast<T*>(take(size * sizeof(T))); }
  void deallocate(T* memory, std::size_t size) noexcept { give_back(memory, size * sizeof(T)); }
  // NOLINTEND(bugprone-sizeof-expression)
  friend bool operator==(Allocator, Allocator) { return true; }
};

/// Base of objects whose `new` and `delete` go through the pool.
struct Pooled {
  static void* operator new(std::size_t bytes) { return take(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept {
    give_back(memory, bytes);
  }
};

}  // namespace gradbook::pool
