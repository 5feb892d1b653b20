// The functions of the C library, several floats at a time, against the same functions in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/tensor.hpp"

namespace gradbook {
namespace {

/// Distance between neighbouring floats at `number`, subnormal ones included.
double ulp(double number) {
  const int exponent = number == 0 ? -149 : std::max(std::ilogb(number) - 23, -149);
  return std::ldexp(1.0, exponent);
}

/// Every 997th float of all there are, NaN and infinities among them, and the edges.
std::vector<float> floats_of_all_sizes() {
  std::vector<float> floats = {0.0F,    -0.0F,  INFINITY, -INFINITY, NAN,
                               88.72F,  88.73F, -87.4F,   -103.97F,  -103.98F,
                               -104.1F, 9.0F,   -9.0F,    1e-45F,    -1e-45F};
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 997) {
    floats.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  return floats;
}

/// `of` on all floats at once is of the class of `truth`, and at most `allowed` ulp off.
void expect_within(double allowed, Tensor (Tensor::*of)() const, double (*truth)(double)) {
  const std::vector<float> x = floats_of_all_sizes();
  const Tensor y = (Tensor({x.size()}, x).*of)();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = truth(x[i]);
    const double got = y.array().data()[i];
    if (!std::isfinite(got) || !std::isfinite(static_cast<float>(exact))) {
      const bool same = std::isnan(exact) ? std::isnan(got) : got == static_cast<float>(exact);
      ASSERT_TRUE(same) << "of " << x[i] << ": " << got << ", not " << exact;
    } else {
      ASSERT_LE(std::abs(got - exact), allowed * ulp(exact)) << "of " << x[i] << ": " << got;
    }
  }
}

TEST(Kernels, VectorMathOfExp) {
  expect_within(4, &Tensor::exp, [](double x) { return std::exp(x); });
}
TEST(Kernels, VectorMathOfTanh) {
  expect_within(4, &Tensor::tanh, [](double x) { return std::tanh(x); });
}

}  // namespace
}  // namespace gradbook
