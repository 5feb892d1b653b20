// Shapes: what broadcasts to what, and how dimensions are named.
#include "engine/shape.hpp"

#include <vector>

#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

TEST(Shape, IsWrittenAsATuple) {
  EXPECT_EQ(to_string(Shape{}), "()");
  EXPECT_EQ(to_string(Shape{4}), "(4,)");
  EXPECT_EQ(to_string(Shape{2, 3}), "(2, 3)");
  EXPECT_EQ(to_string(Shape{1, 0, 2, 3, 4}), "(1, 0, 2, 3, 4)");
}

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(numel({}), 1U);
  EXPECT_EQ(numel({0}), 0U);
  EXPECT_EQ(numel({2, 3, 4}), 24U);
  EXPECT_EQ(numel({2, 0, 4}), 0U);
}

TEST(Shape, BroadcastsByNumPysRule) {
  const auto both_ways = [](const Shape& a, const Shape& b, const Shape& expected) {
    EXPECT_EQ(broadcast_shapes("add", a, b), expected) << to_string(a) << to_string(b);
    EXPECT_EQ(broadcast_shapes("add", b, a), expected) << to_string(b) << to_string(a);
  };
  both_ways({}, {}, {});
  both_ways({}, {2, 3}, {2, 3});
  both_ways({3}, {2, 3}, {2, 3});
  both_ways({1}, {3}, {3});
  both_ways({2, 1}, {1, 3}, {2, 3});
  both_ways({2, 1, 4}, {3, 1}, {2, 3, 4});
  both_ways({1}, {0}, {0});
  both_ways({0, 1}, {3}, {0, 3});
  both_ways({5, 1, 1, 1, 2}, {3, 1, 2}, {5, 1, 3, 1, 2});
}

TEST(Shape, RefusesToBroadcastWithBothShapesAndACure) {
  const auto refused = [](const Shape& a, const Shape& b) {
    return message_of<ShapeError>([&] { broadcast_shapes("mul", a, b); });
  };
  expect_mentions(refused({2, 3}, {2}), {"mul", "(2, 3)", "(2,)", "reshape"});
  refused({3}, {2});
  refused({0}, {2});
  refused({2, 0}, {2, 3});
  refused({2, 1, 3}, {2, 4, 1, 2});
}

TEST(Shape, KnowsWhatBroadcastsToExactly) {
  EXPECT_TRUE(broadcasts_to({}, {2, 3}));
  EXPECT_TRUE(broadcasts_to({1, 3}, {2, 3}));
  EXPECT_TRUE(broadcasts_to({2, 3}, {2, 3}));
  EXPECT_TRUE(broadcasts_to({1}, {0}));
  EXPECT_FALSE(broadcasts_to({2, 3}, {1, 3})) << "never to fewer elements";
  EXPECT_FALSE(broadcasts_to({1, 3}, {3})) << "never to fewer dimensions";
  EXPECT_FALSE(broadcasts_to({2}, {2, 3}));
  EXPECT_FALSE(broadcasts_to({0}, {1}));
}

TEST(Shape, DimensionsCountFromEitherEnd) {
  EXPECT_EQ(normalize_dim("sum", 0, {2, 3}), 0U);
  EXPECT_EQ(normalize_dim("sum", 1, {2, 3}), 1U);
  EXPECT_EQ(normalize_dim("sum", -1, {2, 3}), 1U);
  EXPECT_EQ(normalize_dim("sum", -2, {2, 3}), 0U);
  EXPECT_EQ(normalize_dim("sum", 0, {}), 0U) << "a scalar has one dimension to name";
  EXPECT_EQ(normalize_dim("sum", -1, {}), 0U);
}

TEST(Shape, RefusesDimensionsOutOfRangeWithTheRange) {
  for (const std::int64_t dim : {2, -3, 100}) {
    const auto message = message_of<DimensionError>([&] { normalize_dim("sum", dim, {2, 3}); });
    expect_mentions(message, {"sum", std::to_string(dim).c_str(), "(2, 3)", "-2 to 1"});
  }
  message_of<DimensionError>([] { normalize_dim("sum", 1, {}); });
  message_of<DimensionError>([] { normalize_dim("sum", -2, {}); });
}

TEST(Shape, ReducedDimensionsAreFlagged) {
  const auto flags = [](const Dims& dims) { return reduced_dims("sum", dims, {2, 3, 4}); };
  EXPECT_EQ(flags({}), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(flags({1}), (std::vector<bool>{false, true, false}));
  EXPECT_EQ(flags({-1, 0}), (std::vector<bool>{true, false, true}));
  EXPECT_TRUE(reduced_dims("sum", {0}, {}).empty());
}

TEST(Shape, RefusesADimensionNamedTwice) {
  const auto message = message_of<DimensionError>([] { reduced_dims("mean", {1, -1}, {2, 3}); });
  expect_mentions(message, {"mean", "-1", "(2, 3)", "twice"});
}

TEST(Shape, ReductionDropsOrKeepsDimensions) {
  EXPECT_EQ(reduced_shape({2, 3, 4}, {false, true, false}, false), (Shape{2, 4}));
  EXPECT_EQ(reduced_shape({2, 3, 4}, {false, true, false}, true), (Shape{2, 1, 4}));
  EXPECT_EQ(reduced_shape({2, 3}, {true, true}, false), Shape{});
  EXPECT_EQ(reduced_shape({2, 3}, {true, true}, true), (Shape{1, 1}));
}

TEST(Shape, ContiguousStridesAreRowMajor) {
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Shape{12, 4, 1}));
  EXPECT_EQ(contiguous_strides({7}), Shape{1});
  EXPECT_EQ(contiguous_strides({}), Shape{});
}

TEST(Numel, RefusesMoreElementsThanCanBeCounted) {
  const std::size_t huge = std::size_t{1} << 33U;
  expect_mentions(message_of<ShapeError>([&] { numel({huge, huge}); }), {"8589934592"});
  EXPECT_EQ(numel({huge, 0, huge}), 0U);
}

// 2^62 floats: their number can be counted, but their bytes were 0, and filling them went beyond.
TEST(Numel, RefusesMoreBytesThanCanBeCounted) {
  const std::size_t many = std::size_t{1} << 62U;
  expect_mentions(message_of<ShapeError>([&] { numel({many}); }), {"4611686018427387904"});
  message_of<ShapeError>([&] { Tensor64::zeros({many / 2}); });
}

}  // namespace
}  // namespace gradbook
