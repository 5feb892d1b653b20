#include "engine/pool.hpp"

#include <bit>
#include <cstdlib>
#include <memory>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gradbook::pool {

namespace {

constexpr std::size_t cache_line = 64;  // and the widest vector register
constexpr std::size_t page = 4096;
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

/// The bytes of large_class(): the other way round.
std::size_t bytes_of_class(std::size_t index) {
  const std::size_t base = std::size_t{1} << (index / 8);
  return base + (index % 8 + 1) * (base / 8);
}

#ifdef MADV_HUGEPAGE
bool is_mapped(std::size_t bytes) { return bytes >= huge_page && !asks_the_system; }

/// Pages of 2 MiB: the processor looks up an address once in 2 MiB instead of once in 4 KiB. Not
/// from malloc, whose memory may have been used before, in pages that are small and stay so.
void* map_huge_pages(std::size_t bytes) {
  std::size_t room = bytes + huge_page;
  void* const all = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) throw std::bad_alloc();
  void* memory = all;
  std::align(huge_page, bytes, memory, room);
  // What lies before the block and behind it is not needed.
  const std::size_t before = bytes + huge_page - room;
  if (before > 0) munmap(all, before);
  if (room > bytes) munmap(static_cast<std::byte*>(memory) + bytes, room - bytes);
  // Only a wish: nothing is lost where the system does not grant it.
  static_cast<void>(madvise(memory, bytes, MADV_HUGEPAGE));
  return memory;
}
#endif

void* allocate(std::size_t bytes, std::size_t alignment) {
  void* memory = nullptr;
  if (::posix_memalign(&memory, alignment, bytes) != 0) throw std::bad_alloc();
  return memory;
}

void* from_system(std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  if (is_mapped(bytes)) return map_huge_pages(bytes);
#endif
  // To begin where a page begins. Many processors compare a read's address with those of writes
  // still under way by its place within a page only: a loop whose result begins there shortly after
  // its operand would wait, as if it read what it has just written.
  return allocate(bytes, bytes >= 4 * page ? page : cache_line);
}

void to_system(void* memory, std::size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
  if (is_mapped(bytes)) {
    munmap(memory, bytes);
    return;
  }
#endif
  std::free(memory);
}

}  // namespace

// In the order of their addresses, which is the order in which they will be used. One slab close to
// the other: from page to page there would be room between them, and a long chain walks over all.
void* cut_slab(std::size_t bytes, Free*& list) {
  auto* const memory = static_cast<std::byte*>(allocate(slab, cache_line));
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
    to_system(memory, size);
    return;
  }
  static_cast<void>(&at_thread_end);  // from its first use on it will run
  kept += size;
  Free*& list = large_free[large_class(bytes).index];
  list = new (memory) Free{list};
}

void trim() noexcept {
  for (std::size_t i = 0; i < large_classes; ++i) {
    for (Free*& list = large_free[i]; list != nullptr;) {
      to_system(std::exchange(list, list->next), bytes_of_class(i));
    }
  }
  kept = 0;
}

}  // namespace gradbook::pool
