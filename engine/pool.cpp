#include "engine/pool.hpp"

#include <bit>
#include <cstdlib>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gradbook::pool {

namespace {

constexpr std::size_t cache_line = 64;  // and the widest vector register
constexpr std::size_t huge_page = std::size_t{2} << 20;

constexpr std::size_t slab = std::size_t{1} << 16;

// Large blocks come from the system one by one, in eight sizes for each power of two.
constexpr std::size_t large_classes = std::size_t{8} * 64;
// What a thread keeps of them at the most: enough for the largest training step of the workbook.
constexpr std::size_t most_kept = std::size_t{512} << 20;

constinit thread_local std::array<Free*, large_classes> large_free{};
constinit thread_local std::size_t kept = 0;
constinit thread_local bool closed = asks_the_system;

/// Returns the large blocks when the thread ends. Slabs stay: some of their blocks may be in use.
struct AtThreadEnd {
  ~AtThreadEnd() {
    trim();
    closed = true;
  }
};
thread_local AtThreadEnd at_thread_end;

struct LargeClass {
  std::size_t index;
  std::size_t bytes;  // of every block of this class
};

LargeClass large_class(std::size_t bytes) {
  const auto log2 = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;
  const std::size_t base = std::size_t{1} << log2;  // base < bytes <= 2 base
  const std::size_t eighths = (bytes - 1 - base) / (base / 8) + 1;
  return {log2 * 8 + eighths - 1, base + eighths * (base / 8)};
}

void* from_system(std::size_t bytes) {
  void* memory = nullptr;
  const std::size_t alignment = bytes < huge_page ? cache_line : huge_page;
  if (::posix_memalign(&memory, alignment, bytes) != 0) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  // The processor looks up an address once in 2 MiB instead of once in 4 KiB. Only a wish: nothing
  // is lost where the system does not grant it.
  if (bytes >= huge_page) static_cast<void>(madvise(memory, bytes, MADV_HUGEPAGE));
#endif
  return memory;
}

}  // namespace

// In the order of their addresses, which is the order in which they will be used.
void* cut_slab(std::size_t bytes, Free*& list) {
  auto* const memory = static_cast<std::byte*>(from_system(slab));
  for (std::size_t i = slab / bytes; i-- > 1;) list = new (memory + i * bytes) Free{list};
  return memory;
}

void* take_large(std::size_t bytes) {
  if (asks_the_system) return from_system(bytes);
  const LargeClass of = large_class(bytes);
  Free*& list = large_free[of.index];
  if (list == nullptr) return from_system(of.bytes);
  kept -= of.bytes;
  return std::exchange(list, list->next);
}

void give_back_large(void* memory, std::size_t bytes) noexcept {
  const std::size_t size = asks_the_system ? bytes : large_class(bytes).bytes;
  if (closed || kept + size > most_kept) {
    std::free(memory);
    return;
  }
  static_cast<void>(&at_thread_end);  // from its first use on it will run
  kept += size;
  Free*& list = large_free[large_class(bytes).index];
  list = new (memory) Free{list};
}

void trim() noexcept {
  for (Free*& list : large_free) {
    while (list != nullptr) std::free(std::exchange(list, list->next));
  }
  kept = 0;
}

}  // namespace gradbook::pool
