#include "engine/kernels/parallel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <thread>
#include <vector>

#include "engine/kernels/broadcast.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "tests/engine/threads.hpp"

namespace gradbook {
namespace {

/// A function that computes something large, with the gradients it gives.
struct Large {
  const char* name;
  Tensor (*of)(const Tensor& x, const Tensor& row, const Tensor& column);
};

const Large all_large[] = {
    {"tanh", [](const Tensor& x, const Tensor&, const Tensor&) { return x.tanh(); }},
    {"row", [](const Tensor& x, const Tensor& row, const Tensor&) { return x * row; }},
    {"column", [](const Tensor& x, const Tensor&, const Tensor& column) { return x * column; }},
    {"sum", [](const Tensor& x, const Tensor&, const Tensor&) { return x.sum(); }},
    {"sum of columns", [](const Tensor& x, const Tensor&, const Tensor&) { return x.sum({0}); }},
    {"sum of rows", [](const Tensor& x, const Tensor&, const Tensor&) { return x.sum({1}); }},
};

TEST(Parallel, ResultsDoNotDependOnTheNumberOfThreads) {
  // 3 parts of at least worth_a_thread elements, of sizes that do not divide evenly.
  constexpr std::size_t rows = 1031;
  constexpr std::size_t columns = 4099;
  static_assert(rows * columns > 3 * kernels::worth_a_thread);
  RandomState random(5);
  const Tensor x = random.randn<float>({rows, columns}).requires_grad_();
  const Tensor row = random.randn<float>({columns}).requires_grad_();
  const Tensor column = random.randn<float>({rows, 1}).requires_grad_();
  for (const Large& large : all_large) {
    std::vector<std::vector<Snapshot>> found;
    for (const std::size_t threads : {1U, 2U, 3U}) {
      const Threads used(threads);
      const Tensor y = large.of(x, row, column);
      std::vector<Snapshot> results{y.snapshot()};
      for (const Tensor& gradient :
           grad<float>({y}, {x, row, column}, {y.detach()}, {.allow_unused = true})) {
        if (gradient.defined()) results.push_back(gradient.snapshot());
      }
      found.push_back(std::move(results));
    }
    EXPECT_TRUE(found[0] == found[1]) << large.name;
    EXPECT_TRUE(found[0] == found[2]) << large.name;
  }
}

// Neither operand steps through two neighbouring dimensions, so that none of the four can be
// merged. The second of two parts begins with row 70: (2, 2, 0), which no other way of counting
// gives. Of three, the others begin with rows 46 and 93: (1, 2, 4) and (3, 1, 2), in the middle of
// seven rows that are one step apart.
TEST(Parallel, PartsMayBeginAnywhereInABroadcastOfManyDimensions) {
  constexpr std::size_t columns = 22501;
  static_assert(5 * 4 * 7 * columns > 3 * kernels::worth_a_thread);
  std::vector<Snapshot> found;
  for (const std::size_t threads : {1U, 2U, 3U}) {
    const Threads used(threads);
    RandomState random(5);
    const Tensor a = random.randn<float>({5, 1, 7, 1});
    const Tensor b = random.randn<float>({4, 1, columns});
    found.push_back((a * b).snapshot());
  }
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(found[0], found[2]);
}

TEST(Parallel, PartsMakeUpTheWhole) {
  for (const std::size_t threads : {1U, 2U, 5U}) {
    const Threads used(threads);
    for (const std::size_t size : {0U, 1U, 2U, 7U, 100U}) {
      std::vector<std::atomic<int>> visits(size);
      kernels::in_parts(size, 10 * kernels::worth_a_thread,
                        [&](std::size_t begin, std::size_t end) {
                          for (std::size_t i = begin; i < end; ++i) ++visits[i];
                        });
      for (const auto& visited : visits) EXPECT_EQ(visited, 1);
    }
  }
}

TEST(Parallel, APartIsNotDividedFurther) {
  const Threads used(4);
  std::atomic<std::size_t> innermost = 0;
  const std::size_t elements = 10 * kernels::worth_a_thread;
  kernels::in_parts(2, elements, [&](std::size_t, std::size_t) {
    kernels::in_parts(100, elements, [&](std::size_t, std::size_t) {
      kernels::in_parts(100, elements, [&](std::size_t, std::size_t) { ++innermost; });
    });
  });
  EXPECT_EQ(innermost, 2U);
}

TEST(Parallel, WhatAPartThrowsArrivesAndNothingIsLost) {
  const Threads used(4);
  const std::size_t elements = 10 * kernels::worth_a_thread;
  for (const std::size_t thrower : {0U, 3U}) {
    const auto throw_in_one = [&] {
      kernels::in_parts(4, elements, [&](std::size_t begin, std::size_t) {
        if (begin == thrower) throw std::bad_alloc();
      });
    };
    EXPECT_THROW(throw_in_one(), std::bad_alloc);
    EXPECT_EQ(kernels::threads_here(), 4U);
  }
}

// To start threads anew for each loop took as long as they saved.
TEST(Parallel, ThreadsAreKeptFromOneLoopToTheNext) {
  const Threads used(3);
  const auto loops_of_the_last_thread = [](std::size_t parts) {
    int count = 0;
    kernels::in_parts(parts, parts * kernels::worth_a_thread, [&](std::size_t begin, std::size_t) {
      thread_local int loops = 0;
      ++loops;
      if (begin == parts - 1) count = loops;
    });
    return count;
  };
  const int before = loops_of_the_last_thread(3);
  loops_of_the_last_thread(2);
  EXPECT_EQ(loops_of_the_last_thread(3), before + 1);
}

TEST(Parallel, ElementwiseLoopsAreShared) {
  const Threads used(2);
  const auto here = std::this_thread::get_id();
  std::vector<float> from_another(2 * kernels::worth_a_thread);
  kernels::map_alike(from_another.data(), from_another.size(),
                     [&] { return std::this_thread::get_id() == here ? 0.0F : 1.0F; });
  EXPECT_EQ(from_another.front(), 0);
  EXPECT_EQ(from_another.back(), 1);
}

TEST(Parallel, WhatIsSmallStaysOnItsThread) {
  const Threads used(4);
  const auto here = std::this_thread::get_id();
  kernels::in_parts(100, kernels::worth_a_thread, [&](std::size_t begin, std::size_t end) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    EXPECT_EQ(begin, 0U);
    EXPECT_EQ(end, 100U);
  });
}

TEST(Parallel, NoneSetMeansAllCores) {
  const Threads used(0);
  EXPECT_EQ(kernels::num_threads(), std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace gradbook
