// argmax has no gradient and returns plain numbers, so it is no step of a trace: LibTorch is asked
// directly.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

#include "reference/program.hpp"
#include "tests/grid/grid_test.hpp"
#include "tests/grid/shapes.hpp"

namespace gradbook::grid {
namespace {

using Indices = std::optional<std::vector<double>>;  // nothing: refused

template <class T>
Indices in_engine(const Snapshot& values, std::optional<std::int64_t> dim) {
  const BasicTensor<T> x = BasicTensor<T>::from(values);
  try {
    if (!dim) return std::vector<double>{static_cast<double>(x.argmax())};
    const std::vector<std::int64_t> indices = x.argmax(*dim);
    return std::vector<double>(indices.begin(), indices.end());
  } catch (const Error&) {
    return std::nullopt;
  }
}

template <class T>
Indices in_libtorch(const Snapshot& values, std::optional<std::int64_t> dim) {
  Attributes attributes;
  if (dim) attributes.push_back({"dim", {static_cast<double>(*dim)}});
  const reference::Outcome outcome = reference::run_in_libtorch(
      {sizeof(T) == 4 ? reference::Precision::float32 : reference::Precision::float64,
       {{"leaf", {}, {}, values}, {"argmax", {0}, attributes}}});
  if (outcome.raised()) return std::nullopt;
  return outcome.results.at(1).value->values;
}

/// Every dimension, one beyond at either end, and none.
std::vector<std::optional<std::int64_t>> every_dim(const Shape& shape) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  std::vector<std::optional<std::int64_t>> dims{std::nullopt};
  for (std::int64_t dim = -rank - 1; dim <= rank; ++dim) dims.emplace_back(dim);
  return dims;
}

template <class T>
void expect_agreement(const std::vector<double>& palette) {
  std::size_t refused = 0;
  for (const Shape& shape : sample_shapes(8)) {
    // Drawn from few numbers, so that there are ties along every dimension.
    Snapshot values = random_values({shape, Domain::positive}, 1);
    for (double& value : values.values) {
      value = palette[static_cast<std::size_t>(value * 0x1p20) % palette.size()];
    }
    for (const std::optional<std::int64_t>& dim : every_dim(shape)) {
      const Indices expected = in_libtorch<T>(values, dim);
      refused += expected ? 0 : 1;
      EXPECT_EQ(in_engine<T>(values, dim), expected)
          << "argmax(" << (dim ? std::to_string(*dim) : "") << ") of shape " << to_string(shape)
          << ": " << fmt::format("{}", fmt::join(values.values, ", "));
    }
  }
  EXPECT_GT(refused, 0U);
}

template <class T>
class Argmax : public testing::Test {};
TYPED_TEST_SUITE(Argmax, BothPrecisions);

TYPED_TEST(Argmax, OfTiesIsTheFirstAsInLibTorch) {
  expect_agreement<TypeParam>({1, 2, 3});
  expect_agreement<TypeParam>({-1, -1.5});
  expect_agreement<TypeParam>({0.0, -0.0});
}

TYPED_TEST(Argmax, CountsNaNAsTheLargestAsLibTorchDoes) {
  const double inf = std::numeric_limits<double>::infinity();
  expect_agreement<TypeParam>({1, NAN, inf, -inf, 2, 3, 0.5});
  expect_agreement<TypeParam>({NAN});
  expect_agreement<TypeParam>({-inf, -inf, -1});
}

}  // namespace
}  // namespace gradbook::grid
