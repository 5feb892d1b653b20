// Results that are too large for the caches are stored in another way. They must not be other
// results.
#include "engine/kernels/past_caches.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "engine/tensor.hpp"

namespace gradbook {
namespace {

template <class T>
std::vector<T> numbers(std::size_t count) {
  std::vector<T> result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = static_cast<T>(i % 1013) - 500;
  return result;
}

/// Checks all of a * row and of x += row, with rows of `width`, in a tensor just large enough.
template <class T>
void expect_exact_results(std::size_t width) {
  const std::size_t height = kernels::past_caches_from / sizeof(T) / width + 1;
  const std::vector<T> a = numbers<T>(height * width);
  const std::vector<T> row = numbers<T>(width);
  const BasicTensor<T> all({height, width}, a);
  const BasicTensor<T> one({width}, row);
  const BasicTensor<T> product = all * one;
  const BasicTensor<T> negative = -all;
  BasicTensor<T> sum = all.clone();
  sum.add_(one);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(product.array().data()[i], a[i] * row[i % width]) << i;
    ASSERT_EQ(negative.array().data()[i], -a[i]) << i;
    ASSERT_EQ(sum.array().data()[i], a[i] + row[i % width]) << i;
  }
}

TEST(PastCaches, RowsThatBeginAtAnyAddressAreStoredWhole) {
  for (const std::size_t width : {1001U, 1024U, 3000U}) {
    expect_exact_results<float>(width);
    expect_exact_results<double>(width);
  }
}

}  // namespace
}  // namespace gradbook
