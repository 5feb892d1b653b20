#include "engine/kernels/stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <vector>

#include "engine/kernels/parallel.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"

namespace gradbook {
namespace {

template <class T>
void expect_stream_writes_only_its_own() {
  std::array<T, 64> numbers;
  std::iota(numbers.begin(), numbers.end(), T{1});
  // Most of these places do not begin where a register of numbers may be streamed to.
  for (std::size_t offset = 0; offset < 9; ++offset) {
    std::vector<T> memory(numbers.size() + 16, T{-1});
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

// Rows of 1001 begin at any address, and neither they nor the whole are a multiple of what is
// streamed at a time.
constexpr std::size_t rows = 2099;
constexpr std::size_t columns = 1001;
static_assert(rows * columns * sizeof(float) >= kernels::too_large_to_keep);

/// What is computed from element (i, j) of x, element j of row and element i of column.
struct Large {
  const char* name;
  std::function<Tensor(const Tensor& x, const Tensor& row, const Tensor& column)> engine;
  std::function<float(float x, float row, float column)> expected;
};

const Large all_large[] = {
    {"same", [](const Tensor& x, const Tensor&, const Tensor&) { return x * x; },
     [](float x, float, float) { return x * x; }},
    {"one operand", [](const Tensor& x, const Tensor&, const Tensor&) { return x.relu(); },
     [](float x, float, float) { return x > 0 ? x : 0; }},
    {"row", [](const Tensor& x, const Tensor& row, const Tensor&) { return x - row; },
     [](float x, float row, float) { return x - row; }},
    {"column", [](const Tensor& x, const Tensor&, const Tensor& column) { return x * column; },
     [](float x, float, float column) { return x * column; }},
    {"outer", [](const Tensor&, const Tensor& row, const Tensor& column) { return column - row; },
     [](float, float row, float column) { return column - row; }},
    {"in place",
     [](const Tensor& x, const Tensor& row, const Tensor&) { return x.clone().add_(row).mul_(x); },
     [](float x, float row, float) { return (x + row) * x; }},
};

TEST(Stream, LargeResultsHaveEveryElementRight) {
  RandomState random(3);
  const Tensor x = random.randn<float>({rows, columns});
  const Tensor row = random.randn<float>({columns});
  const Tensor column = random.randn<float>({rows, 1});
  for (const Large& large : all_large) {
    for (const std::size_t threads : {1U, 2U}) {
      kernels::set_num_threads(threads);
      const Tensor result = large.engine(x, row, column);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
          const std::size_t at = i * columns + j;
          const float expected =
              large.expected(x.array().data()[at], row.array().data()[j], column.array().data()[i]);
          if (result.array().data()[at] != expected) ++wrong;
        }
      }
      EXPECT_EQ(wrong, 0U) << large.name << ", threads: " << threads;
    }
  }
  kernels::set_num_threads(0);
}

}  // namespace
}  // namespace gradbook
