#include "engine/kernels/stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <vector>

#include "engine/kernels/broadcast.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "tests/engine/threads.hpp"

namespace gradbook {
namespace {

template <class T>
void expect_stream_writes_only_its_own() {
  std::array<T, 64> numbers;
  std::iota(numbers.begin(), numbers.end(), T{1});
  constexpr std::size_t aligned = 16 / sizeof(T);
  for (std::size_t offset = 0; offset <= 4 * aligned; offset += aligned) {
    std::vector<T> memory(numbers.size() + 5 * aligned, T{-1});
    kernels::stream(memory.data() + offset, numbers);
    kernels::finish_streams();
    std::vector<T> expected(memory.size(), T{-1});
    std::copy(numbers.begin(), numbers.end(),
              expected.begin() + static_cast<std::ptrdiff_t>(offset));
    EXPECT_EQ(memory, expected) << "from " << offset << " on";
  }
}

TEST(Stream, WritesItsNumbersAndNothingElse) {
  expect_stream_writes_only_its_own<float>();
  expect_stream_writes_only_its_own<double>();
}

TEST(Stream, IsForLargeResultsOfWhatIsAsLarge) {
  constexpr std::size_t size = kernels::worth_streaming / sizeof(float);
  constexpr std::size_t row = 1024;
  static_assert(size % row == 0);
  const Array<float> out({size});
  const Array<float> large({size});
  const Array<float> small({row});
  const kernels::Absent absent;
  EXPECT_TRUE(kernels::is_streamed(out.data(), size, row, large));
  EXPECT_TRUE(kernels::is_streamed(out.data(), size, row, large, absent, small));
  EXPECT_FALSE(kernels::is_streamed(out.data(), size - row, row, Array<float>({size - row})));
  EXPECT_FALSE(kernels::is_streamed(out.data(), size, row, out)) << "in place";
  EXPECT_FALSE(kernels::is_streamed(out.data(), size, row, large, out)) << "in place";
  EXPECT_FALSE(kernels::is_streamed(out.data(), size, row, small, small)) << "little is read";
  EXPECT_FALSE(kernels::is_streamed(out.data(), size, row, absent)) << "nothing is read";
  EXPECT_FALSE(kernels::is_streamed(out.data(), size, row + 4, large)) << "parts of cache lines";
  EXPECT_FALSE(kernels::is_streamed(out.data() + 4, size, row, large)) << "parts of cache lines";
}

// Rows of whole cache lines that are not a multiple of what is streamed at a time, and neither is
// the whole.
constexpr std::size_t rows = 3121;
constexpr std::size_t columns = 1008;
static_assert(rows * columns * sizeof(float) >= kernels::worth_streaming);
static_assert(columns * sizeof(float) % 64 == 0 && columns % 64 != 0 && rows * columns % 64 != 0);
static_assert(rows * columns >= 2 * kernels::worth_a_thread);

/// What is computed from element (i, j) of x, element j of row and element i of column.
template <class T>
struct Large {
  using Of = BasicTensor<T>;
  const char* name;
  std::function<Of(const Of& x, const Of& row, const Of& column)> engine;
  std::function<T(T x, T row, T column)> expected;
};

template <class T>
std::vector<Large<T>> all_large() {
  using Of = BasicTensor<T>;
  return {
      {"same", [](const Of& x, const Of&, const Of&) { return x * x; },
       [](T x, T, T) { return x * x; }},
      {"one operand", [](const Of& x, const Of&, const Of&) { return x.relu(); },
       [](T x, T, T) { return x > 0 ? x : 0; }},
      {"row", [](const Of& x, const Of& row, const Of&) { return x - row; },
       [](T x, T row, T) { return x - row; }},
      {"column", [](const Of& x, const Of&, const Of& column) { return x * column; },
       [](T x, T, T column) { return x * column; }},
      {"outer", [](const Of&, const Of& row, const Of& column) { return column - row; },
       [](T, T row, T column) { return column - row; }},
      {"in place",
       [](const Of& x, const Of& row, const Of&) { return x.clone().add_(row).mul_(x); },
       [](T x, T row, T) { return (x + row) * x; }},
      {"vjp",
       [](const Of& x, const Of& row, const Of&) {
         const Of leaf = x.clone().requires_grad_();
         (leaf * row).backward(x);
         return leaf.grad();
       },
       [](T x, T row, T) { return x * row; }},
  };
}

template <class T>
void expect_every_element_right() {
  RandomState random(3);
  const BasicTensor<T> x = random.randn<T>({rows, columns});
  const BasicTensor<T> row = random.randn<T>({columns});
  const BasicTensor<T> column = random.randn<T>({rows, 1});
  for (const Large<T>& large : all_large<T>()) {
    for (const std::size_t threads : {1U, 2U}) {
      const Threads used(threads);
      const BasicTensor<T> result = large.engine(x, row, column);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
          const std::size_t at = i * columns + j;
          const T expected =
              large.expected(x.array().data()[at], row.array().data()[j], column.array().data()[i]);
          if (result.array().data()[at] != expected) ++wrong;
        }
      }
      EXPECT_EQ(wrong, 0U) << large.name << ", threads: " << threads;
    }
  }
}

TEST(Stream, LargeResultsHaveEveryElementRight) {
  expect_every_element_right<float>();
  expect_every_element_right<double>();
}

// The functions for single numbers round differently from those for registers: blocks, and what is
// left over after them, must be computed by the same ones as without streaming.
TEST(Stream, RoundsLikeWhatIsNotStreamed) {
  // After the last block 21 are left: whole registers of them, and single numbers.
  constexpr std::size_t size = rows * columns - 27;
  static_assert(size % 64 == 21 && size * sizeof(float) >= kernels::worth_streaming);
  const Tensor x = RandomState(3).randn<float>({size});
  const Tensor streamed = x.tanh();
  const float* data = x.array().data();
  constexpr std::size_t piece = 64 * 1000;
  std::size_t wrong = 0;
  for (std::size_t begin = 0; begin < size; begin += piece) {
    const std::size_t end = std::min(begin + piece, size);
    const Tensor part = Tensor({end - begin}, std::vector<float>(data + begin, data + end)).tanh();
    for (std::size_t i = begin; i < end; ++i) {
      if (streamed.array().data()[i] != part.array().data()[i - begin]) ++wrong;
    }
  }
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace gradbook
