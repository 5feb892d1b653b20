// Memory that is handed out again.
#include "engine/pool.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/value.hpp"

#ifdef __SANITIZE_ADDRESS__
// The sanitizer's, whose header only LLVM's packages have.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace gradbook {
namespace {

constexpr std::size_t sizes[] = {0, 1, 16, 17, 64, 640, 1024, 1025, 4096, 5000, 1U << 20, 3000000};

/// Bytes that the system has handed out: of memory that can be written, and is not shared.
std::size_t bytes_from_system() {
#ifdef __SANITIZE_ADDRESS__
  return __sanitizer_get_current_allocated_bytes();
#else
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0, resident = 0, shared = 0, text = 0, unused = 0, data = 0;
  statm >> size >> resident >> shared >> text >> unused >> data;
  return data * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
#endif
}

bool is_aligned(const void* memory, std::size_t to) {
  return reinterpret_cast<std::uintptr_t>(memory) % to == 0;
}

TEST(Pool, GivesRoomForWhatWasAskedFor) {
  std::vector<unsigned char*> blocks;
  for (const std::size_t size : sizes) {
    auto* block = static_cast<unsigned char*>(pool::take(size));
    EXPECT_TRUE(is_aligned(block, size > 0 && size % 64 == 0 ? 64 : 16)) << size;
    std::memset(block, static_cast<int>(blocks.size()), size);
    blocks.push_back(block);
  }
  for (std::size_t k = 0; k < blocks.size(); ++k) {
    for (std::size_t i = 0; i < sizes[k]; ++i) {
      ASSERT_EQ(blocks[k][i], k) << "byte " << i << " of " << sizes[k] << " is another block's";
    }
    pool::give_back(blocks[k], sizes[k]);
  }
}

TEST(Pool, BlocksInUseAreNeverHandedOutTwice) {
  for (const std::size_t size : {48U, 2000U}) {
    std::set<void*> in_use;
    for (int i = 0; i < 5000; ++i) EXPECT_TRUE(in_use.insert(pool::take(size)).second);
    for (void* block : in_use) pool::give_back(block, size);
  }
}

TEST(Pool, HandsOutAgainWhatCameBack) {
  if (pool::asks_the_system) return;  // AddressSanitizer keeps freed memory to itself
  for (const std::size_t size : sizes) {
    void* block = pool::take(size);
    pool::give_back(block, size);
    void* again = pool::take(size);
    EXPECT_EQ(block, again) << size;
    pool::give_back(again, size);
  }
}

TEST(Pool, ALargeBlockServesAnySizeOfItsClass) {
  if (pool::asks_the_system) return;
  void* block = pool::take(33000);
  pool::give_back(block, 33000);
  void* other = pool::take(36000);  // both are rounded up to 36864
  EXPECT_EQ(block, other);
  pool::give_back(other, 36000);
}

TEST(Pool, WorksAfterTrim) {
  void* block = pool::take(100000);
  pool::give_back(block, 100000);
  pool::trim();
  block = pool::take(100000);
  std::memset(block, 1, 100000);
  pool::give_back(block, 100000);
}

TEST(Pool, KeepsLargeBlocksAfterTrimAsBefore) {
  if (pool::asks_the_system) return;
  constexpr std::size_t size = std::size_t{300} << 20;  // two of them are more than it keeps
  pool::give_back(pool::take(size), size);
  pool::trim();
  auto* block = static_cast<unsigned char*>(pool::take(size));
  block[1000] = 42;
  pool::give_back(block, size);
  block = static_cast<unsigned char*>(pool::take(size));
  EXPECT_EQ(block[1000], 42) << "a block from the system would be empty";
  pool::give_back(block, size);
  pool::trim();
}

TEST(Pool, WhatIsMoreThanItKeepsGoesBackAtOnce) {
  constexpr std::size_t size = std::size_t{300} << 20;
  pool::trim();
  const std::size_t before = bytes_from_system();
  void* first = pool::take(size);
  void* second = pool::take(size);
  EXPECT_GE(bytes_from_system(), before + 2 * size);
  pool::give_back(first, size);
  pool::give_back(second, size);
  EXPECT_LT(bytes_from_system(), before + 2 * size);
  pool::trim();
}

// Blocks of one size from malloc begin 64 bytes apart within a page: a loop from one to the next
// waited for its own writes, a fifth of its time.
TEST(Pool, BlocksFromFourPagesOnBeginWherePagesDo) {
  for (std::size_t size = 16 << 10; size < (1 << 20); size += 50'000) {
    std::array<void*, 4> blocks{};
    for (void*& block : blocks) block = pool::take(size);
    for (void* block : blocks) {
      EXPECT_TRUE(is_aligned(block, 4096)) << size;
      pool::give_back(block, size);
    }
  }
}

TEST(Pool, LargeBlocksBeginAtPagesOfTwoMebibytesAndGoBackWhole) {
  if (pool::asks_the_system) return;
  constexpr std::size_t page = std::size_t{2} << 20;
  constexpr std::size_t little = 64 << 10;  // what else the process may take meanwhile
  pool::trim();
  const std::size_t before = bytes_from_system();
  for (std::size_t size = page; size <= 16 * page; size += page / 2 + 1000) {
    auto* block = static_cast<unsigned char*>(pool::take(size));
    EXPECT_TRUE(is_aligned(block, page)) << size;
    EXPECT_GE(bytes_from_system(), before + size);
    EXPECT_LE(bytes_from_system(), before + size + size / 8 + little);
    block[0] = 1;
    block[size - 1] = 2;
    pool::give_back(block, size);
    EXPECT_GE(bytes_from_system(), before + size) << "it is kept";
    pool::trim();
    EXPECT_LE(bytes_from_system(), before + little);
  }
}

// Whether the system grants it is the system's business; /proc/self/smaps tells what was asked.
TEST(Pool, LargeBlocksAskForHugePages) {
  if (pool::asks_the_system || !std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) {
    return;
  }
  constexpr std::size_t size = std::size_t{6} << 20;
  void* block = pool::take(size);
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  std::ifstream maps("/proc/self/smaps");
  bool is_here = false;
  std::string flags;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> begin >> dash >> end && dash == '-') {
      is_here = begin <= address && address < end;
    } else if (is_here && line.rfind("VmFlags:", 0) == 0) {
      flags = line;
    }
  }
  EXPECT_NE(flags.find(" hg"), std::string::npos) << flags;
  pool::give_back(block, size);
}

TEST(Pool, AThreadMayFreeWhatAnotherOneMade) {
  void* small = nullptr;
  void* large = nullptr;
  std::thread([&] {
    small = pool::take(64);
    large = pool::take(5000);
    std::memset(large, 1, 5000);
    pool::give_back(pool::take(5000), 5000);
  }).join();
  std::memset(small, 1, 64);
  std::memset(large, 2, 5000);
  pool::give_back(small, 64);
  pool::give_back(large, 5000);
}

TEST(Pool, WhatAThreadKeptGoesBackWhenItEnds) {
  constexpr std::size_t size = std::size_t{64} << 20;
  const std::size_t before = bytes_from_system();
  std::size_t kept = 0;
  std::thread([&] {
    pool::give_back(pool::take(size), size);
    kept = bytes_from_system();
  }).join();
  EXPECT_EQ(kept >= before + size, !pool::asks_the_system);
  EXPECT_LT(bytes_from_system(), before + size);
}

TEST(Pool, TheNodesOfAForgottenGraphAreHandedOutAgain) {
  if (pool::asks_the_system) return;
  const auto nodes_of_a_chain = [] {
    std::set<const void*> nodes;
    Value y(1);
    for (int i = 0; i < 100; ++i) {
      nodes.insert(&y.node());
      y = y * y + 1;
    }
    return nodes;
  };
  EXPECT_EQ(nodes_of_a_chain(), nodes_of_a_chain());
}

TEST(Pool, AValueNodeIsOneCacheLine) {
  EXPECT_EQ(sizeof(ValueNode), 64U);
  EXPECT_TRUE(is_aligned(&Value(1).node(), 64));
}

}  // namespace
}  // namespace gradbook
