// NumPy's legacy generator: the published figures of seeds 42 and 0, and the algorithms themselves.
#include "engine/random.hpp"

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

/// As NumPy prints an array: 8 digits after the point.
double printed(double x) { return std::round(x * 1e8) / 1e8; }

TEST(RandomState, RandnOfSeed42IsNumPys) {
  RandomState random(42);
  for (const double expected : {0.49671415, -0.1382643, 0.64768854, 1.52302986, -0.23415337}) {
    EXPECT_EQ(printed(random.gauss()), expected);
  }
}

TEST(RandomState, RandnOfSeed0IsNumPys) {
  RandomState random(0);
  for (const double expected : {1.76405235, 0.40015721, 0.97873798, 2.2408932, 1.86755799}) {
    EXPECT_EQ(printed(random.gauss()), expected);
  }
}

TEST(RandomState, RandOfSeeds42And0IsNumPys) {
  RandomState first(42);
  for (const double expected : {0.37454012, 0.95071431, 0.73199394, 0.59865848}) {
    EXPECT_EQ(printed(first.random_sample()), expected);
  }
  RandomState second(0);
  for (const double expected : {0.5488135, 0.71518937, 0.60276338}) {
    EXPECT_EQ(printed(second.random_sample()), expected);
  }
}

// The weights of a 2-8 layer that a published run starts from, as float32 prints them.
TEST(RandomState, WeightsOfTheXorNetwork) {
  const Tensor w = RandomState(42).randn({2, 8}) * 0.5;
  ASSERT_EQ(w.shape(), (Shape{2, 8}));
  const std::vector<double> values = w.snapshot().values;
  const float expected[] = {0.24835707F, -0.06913215F, 0.32384428F, 0.7615149F};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(static_cast<float>(values[i]), expected[i]);
}

// The C++ standard fixes the same generator, with the same seeding, down to the bit.
TEST(RandomState, IsTheMersenneTwisterOfTheStandard) {
  for (const std::uint32_t seed : {0U, 1U, 42U, 5489U, 4294967295U}) {
    RandomState random(seed);
    std::mt19937 standard(seed);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(random.next_uint32(), standard()) << seed << " " << i;
  }
  // The standard's own check of an implementation.
  RandomState random(5489);
  std::uint32_t last = 0;
  for (int i = 0; i < 10000; ++i) last = random.next_uint32();
  EXPECT_EQ(last, 4123659995U);
}

// NumPy's legacy_gauss, written down once more: pairs from the polar method, second one first.
TEST(RandomState, NormalDeviatesAreMarsagliasBitForBit) {
  RandomState random(7);
  std::mt19937 bits(7);
  const auto uniform = [&] {
    const auto high = static_cast<std::uint32_t>(bits() >> 5U);
    const auto low = static_cast<std::uint32_t>(bits() >> 6U);
    return (high * 67108864.0 + low) / 9007199254740992.0;
  };
  for (int pair = 0; pair < 1000; ++pair) {
    double x = 0;
    double y = 0;
    double square = 0;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double factor = std::sqrt(-2 * std::log(square) / square);
    ASSERT_EQ(random.gauss(), factor * y) << pair;
    ASSERT_EQ(random.gauss(), factor * x) << pair;
  }
}

TEST(RandomState, UniformValuesLieInTheHalfOpenUnitInterval) {
  RandomState random(1);
  double smallest = 1;
  double largest = 0;
  for (int i = 0; i < 10000; ++i) {
    const double x = random.random_sample();
    smallest = std::min(smallest, x);
    largest = std::max(largest, x);
  }
  EXPECT_GE(smallest, 0);
  EXPECT_LT(smallest, 0.01);
  EXPECT_LT(largest, 1);
  EXPECT_GT(largest, 0.99);
}

TEST(RandomState, TheSpareOfAPairIsUsedByTheNextTensor) {
  RandomState together(3);
  RandomState apart(3);
  const auto all = together.randn<double>({6}).snapshot().values;
  std::vector<double> pieces;
  for (const std::size_t count : {1U, 3U, 2U}) {
    for (const double x : apart.randn<double>({count}).snapshot().values) pieces.push_back(x);
  }
  EXPECT_EQ(pieces, all);
}

TEST(RandomState, FloatsAreTheDoublesRounded) {
  const auto exact = RandomState(3).randn<double>({2, 5}).snapshot();
  const auto rounded = RandomState(3).randn({2, 5}).snapshot();
  EXPECT_EQ(rounded.shape, exact.shape);
  for (std::size_t i = 0; i < exact.values.size(); ++i) {
    EXPECT_EQ(rounded.values[i], static_cast<double>(static_cast<float>(exact.values[i])));
  }
}

TEST(RandomState, ATensorOfThemIsAPlainLeaf) {
  const Tensor x = RandomState(3).randn({2});
  EXPECT_FALSE(x.requires_grad());
  EXPECT_EQ(RandomState(3).randn({0, 4}).shape(), (Shape{0, 4}));
  EXPECT_EQ(RandomState(3).randn({}).shape(), Shape{});
}

}  // namespace
}  // namespace gradbook
