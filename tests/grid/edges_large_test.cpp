// NaN, infinities, the largest number, and 0 against an infinity, among ordinary numbers in long
// sums and large matrices: where sums run through vector registers, blocks and BLAS. edges_test.cpp
// has all combinations of such numbers, but two or three of them in a sum.
#include <array>
#include <cmath>
#include <limits>

#include "tests/grid/grid_test.hpp"

namespace gradbook::grid {
namespace {

constexpr std::size_t spots = 5;

/// Where the special numbers go among `count` places: from the first one to the last one.
std::size_t at_spot(std::size_t spot, std::size_t count) {
  return spot % spots * (count - 1) / (spots - 1);
}

using Specials = std::array<double, spots>;

// In a product left x right the left one's spots meet the next one of the right one's: an infinity
// meets a 0, and a 0 an infinity. In the products of the backward pass the cotangent's spots meet
// the same ones of the right one and of the left one: 0 and infinity again.
constexpr double inf = std::numeric_limits<double>::infinity();
template <class T>
constexpr double largest = std::numeric_limits<T>::max();
template <class T>
constexpr Specials left_ones = {NAN, inf, -inf, largest<T>, 0};
template <class T>
constexpr Specials right_ones = {inf, largest<T>, 0, NAN, -inf};
template <class T>
constexpr Specials cotangents = {largest<T>, 0, inf, NAN, -inf};

/// Random numbers, with the special ones in every matrix of the last two dimensions: each in a row
/// of its own, and in a column of its own, where the next one has its row.
Snapshot planted(const Shape& shape, const Specials& specials, std::uint32_t seed) {
  Snapshot result = random_values({shape}, seed);
  const std::size_t columns = shape.back();
  const std::size_t rows = shape.at(shape.size() - 2);
  for (std::size_t start = 0; start < result.values.size(); start += rows * columns) {
    for (std::size_t spot = 0; spot < spots; ++spot) {
      const std::size_t row = at_spot(spot, rows);
      const std::size_t column = at_spot(spot + 1, columns);
      result.values[start + row * columns + column] = specials[spot];
    }
  }
  return result;
}

/// Random numbers, with the special ones anywhere.
Snapshot planted_anywhere(const Shape& shape, const Specials& specials, std::uint32_t seed) {
  Snapshot result = random_values({shape}, seed);
  const std::size_t count = result.values.size();
  for (std::size_t spot = 0; spot < spots; ++spot) {
    result.values[at_spot(spot, count)] = specials[spot];
  }
  return result;
}

Snapshot with(Snapshot values, std::size_t place, double number) {
  values.values.at(place) = number;
  return values;
}

/// A matrix as a program has to hold it that wants it transposed.
Snapshot transposed(const Snapshot& matrix) {
  const std::size_t rows = matrix.shape[0];
  const std::size_t columns = matrix.shape[1];
  Snapshot result({columns, rows}, {});
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t i = 0; i < rows; ++i) result.values.push_back(matrix.values[i * columns + j]);
  }
  return result;
}

/// A program on certain numbers.
struct Special {
  std::string text;
  Call call;
  std::vector<Snapshot> inputs;
  Snapshot cotangent;
};

std::set<std::string> classes(const Snapshot& values) {
  std::set<std::string> found;
  for (const double value : values.values) {
    const std::string infinite = value > 0 ? "inf" : "-inf";
    found.insert(std::isnan(value) ? "NaN" : std::isinf(value) ? infinite : "finite");
  }
  return found;
}

/// The result and the gradients.
template <class T>
std::vector<Snapshot> results_of(const Special& special) {
  std::vector<BasicTensor<T>> inputs;
  for (const Snapshot& input : special.inputs) {
    inputs.push_back(BasicTensor<T>::from(input, requires_grad));
  }
  const BasicTensor<T> result = special.call(inputs);
  result.backward(BasicTensor<T>::from(special.cotangent));
  std::vector<Snapshot> all{result.snapshot()};
  for (const BasicTensor<T>& input : inputs) all.push_back(input.grad().snapshot());
  return all;
}

/// Holds all of them against LibTorch. `reach` is what each result and each gradient has to have,
/// so that something is seen; nothing where some have one number only.
template <class T>
void expect_agreement(const std::vector<Special>& specials, const std::set<std::string>& reach) {
  Failures failures;
  for (const Special& special : specials) {
    failures.add(check_values<T>(special.text, special.call, special.inputs, special.cotangent));
    if (reach.empty()) continue;
    std::size_t place = 0;
    for (const Snapshot& result : results_of<T>(special)) {
      EXPECT_EQ(classes(result), reach) << special.text << ", result " << place++;
    }
  }
}

const std::set<std::string> every_class = {"NaN", "inf", "-inf", "finite"};

template <class T>
class LargeEdges : public testing::Test {};
TYPED_TEST_SUITE(LargeEdges, BothPrecisions);

// --- products ------------------------------------------------------------------------------------

/// `a` (..., M, K) times `b` (..., K, N) -> `result`, each perhaps the transpose of what is given.
template <class T>
Special product(const std::string& text, const Shape& a, const Shape& b, const Shape& result,
                bool transpose_a = false, bool transpose_b = false) {
  const Call call([=](const auto& in) {
    return matmul(transpose_a ? in[0].t() : in[0], transpose_b ? in[1].t() : in[1]);
  });
  Snapshot left = planted(a, left_ones<T>, 1);
  Snapshot right = planted(b, right_ones<T>, 2);
  if (transpose_a) left = transposed(left);
  if (transpose_b) right = transposed(right);
  return {text, call, {left, right}, planted(result, cotangents<T>, 3)};
}

/// The first is a product by BLAS, the one with 17 columns a small one in registers.
template <class T>
std::vector<Special> products() {
  const Shape a = {33, 40};
  const Shape b = {40, 35};
  const Shape c = {33, 35};
  return {product<T>("a b", a, b, c),
          product<T>("a.t() b", a, b, c, true, false),
          product<T>("a b.t()", a, b, c, false, true),
          product<T>("a.t() b.t()", a, b, c, true, true),
          product<T>("narrow a b", a, {40, 17}, {33, 17}),
          product<T>("narrow a.t() b.t()", a, {40, 17}, {33, 17}, true, true),
          product<T>("batch a, one b", {3, 33, 40}, b, {3, 33, 35}),
          product<T>("one a, batch b", a, {3, 40, 35}, {3, 33, 35}),
          product<T>("batch a b", {3, 33, 40}, {3, 40, 35}, {3, 33, 35}),
          product<T>("batches that broadcast", {2, 1, 33, 40}, {3, 40, 35}, {2, 3, 33, 35}),
          product<T>("narrow batch", {3, 33, 40}, {3, 40, 17}, {3, 33, 17})};
}

TYPED_TEST(LargeEdges, ProductsOfMatricesAgreeWithLibTorch) {
  expect_agreement<TypeParam>(products<TypeParam>(), every_class);
}

TYPED_TEST(LargeEdges, AZeroAgainstAnInfinityAloneMakesNaNInAProduct) {
  for (const Special& special : products<TypeParam>()) {
    const Snapshot result = results_of<TypeParam>(special).front();
    const std::size_t columns = result.shape.back();
    // The first matrix of the batch, where the left one has the infinity, and where the right one.
    const std::size_t rows = result.shape.at(result.shape.size() - 2);
    for (const auto& [row, column] : {std::pair(1U, 3U), std::pair(4U, 1U)}) {
      const std::size_t place = at_spot(row, rows) * columns + at_spot(column, columns);
      EXPECT_TRUE(std::isnan(result.values.at(place))) << special.text;
      EXPECT_FALSE(std::isnan(result.values.at(place + 1))) << special.text;
    }
  }
}

/// Products with a vector, which is ordinary but for one 0 against an infinity of the matrix's, and
/// so is the cotangent.
template <class T>
std::vector<Special> products_with_a_vector() {
  const Call call([](const auto& in) { return matmul(in[0], in[1]); });
  std::vector<Special> all;
  for (const std::size_t inner : {std::size_t{40}, std::size_t{2000}}) {
    const auto zero_at = [](std::size_t count, std::size_t spot) {
      return with(random_values({{count}}, 4), at_spot(spot, count), 0);
    };
    const Snapshot left = planted({33, inner}, left_ones<T>, 5);
    const Snapshot right = planted({inner, 35}, right_ones<T>, 6);
    all.push_back({"matrix x vector", call, {left, zero_at(inner, 2)}, zero_at(33, 1)});
    all.push_back({"vector x matrix", call, {zero_at(inner, 0), right}, zero_at(35, 1)});
  }
  return all;
}

TYPED_TEST(LargeEdges, ProductsWithAVectorAgreeWithLibTorch) {
  expect_agreement<TypeParam>(products_with_a_vector<TypeParam>(), {});
}

TYPED_TEST(LargeEdges, ProductsOfTwoVectorsAgreeWithLibTorch) {
  const Call call([](const auto& in) { return matmul(in[0], in[1]); });
  const Snapshot a = random_values({{2000}}, 7);
  const Snapshot b = random_values({{2000}}, 8);
  std::vector<Special> all;
  for (const std::size_t place : {0U, 777U, 1999U}) {
    for (const double number : left_ones<TypeParam>) {
      all.push_back({"vector x vector", call, {with(a, place, number), b}, -1.5});
      all.push_back({"vector x vector", call, {a, with(b, place, number)}, -1.5});
      all.push_back({"vector x vector, special cotangent", call, {a, b}, number});
    }
    all.push_back({"inf against 0", call, {with(a, place, inf), with(b, place, 0)}, -1.5});
    all.push_back({"inf and -inf", call, {with(with(a, place, inf), 1000, -inf), b}, -1.5});
  }
  expect_agreement<TypeParam>(all, {});
}

// --- sums ----------------------------------------------------------------------------------------

template <class T, class F>
Special of_matrix(const std::string& text, const Shape& from, const Shape& to, const F& function) {
  return {text + " of " + to_string(from),
          of_one(function),
          {planted(from, left_ones<T>, 9)},
          planted_anywhere(to, cotangents<T>, 10)};
}

/// Over each dimension, so that no sum has more than one special number but for three of a kind.
template <class T>
std::vector<Special> sums_over_one_dimension() {
  std::vector<Special> all;
  for (const Shape& from : {Shape{70, 33}, Shape{5, 2049}, Shape{3, 70, 33}}) {
    for (std::size_t d = 0; d < from.size(); ++d) {
      const Dims dims = {static_cast<std::int64_t>(d)};
      Shape kept = from;
      kept[d] = 1;
      Shape dropped = from;
      dropped.erase(dropped.begin() + dims[0]);
      const std::string over = " over " + std::to_string(d);
      all.push_back(
          of_matrix<T>("sum" + over, from, dropped, [=](const auto& x) { return x.sum(dims); }));
      all.push_back(of_matrix<T>("mean" + over, from, kept,
                                 [=](const auto& x) { return x.mean(dims, true); }));
      all.push_back(
          of_matrix<T>("sum_to" + over, from, kept, [=](const auto& x) { return x.sum_to(kept); }));
    }
  }
  return all;
}

/// What copies, and hands its gradient back by copying or as a sum.
template <class T>
std::vector<Special> copies() {
  const auto transpose = [](const auto& x) { return x.transpose(0, 1); };
  const auto sum_of_transpose = [](const auto& x) { return x.t().sum({0}); };
  std::vector<Special> all;
  for (const Shape& from : {Shape{70, 33}, Shape{5, 2049}}) {
    all.push_back(of_matrix<T>("transpose", from, {from[1], from[0]}, transpose));
    all.push_back(of_matrix<T>("sum of the transpose", from, {from[0]}, sum_of_transpose));
    // Each sum of the backward pass has one special number.
    for (const Shape& one : {Shape{from[0], 1}, Shape{1, from[1]}, Shape{from[1]}}) {
      all.push_back({"expand of " + to_string(one) + " to " + to_string(from),
                     of_one([=](const auto& x) { return x.expand(from); }),
                     {planted_anywhere(one, left_ones<T>, 11)},
                     planted(from, cotangents<T>, 12)});
    }
  }
  return all;
}

TYPED_TEST(LargeEdges, SumsOverOneDimensionAgreeWithLibTorch) {
  expect_agreement<TypeParam>(sums_over_one_dimension<TypeParam>(), every_class);
}

TYPED_TEST(LargeEdges, TransposesAndExpandedOnesAgreeWithLibTorch) {
  expect_agreement<TypeParam>(copies<TypeParam>(), every_class);
}

// One number is all there is: so one special number at a time, or two that meet in the total.
TYPED_TEST(LargeEdges, SumsOfAllElementsAgreeWithLibTorch) {
  const std::vector<std::pair<std::string, Call>> totals = {
      {"sum of all", of_one([](const auto& x) { return x.sum(); })},
      {"mean of all", of_one([](const auto& x) { return x.mean(); })},
      {"sum_to {}", of_one([](const auto& x) { return x.sum_to({}); })},
  };
  std::vector<Special> all;
  for (const Shape& shape : {Shape{5000}, Shape{70, 33}, Shape{5, 2049}}) {
    const Snapshot plain = random_values({shape}, 13);
    const std::size_t end = plain.values.size() - 1;
    for (const auto& [text, call] : totals) {
      for (const double number : left_ones<TypeParam>) {
        for (const std::size_t place : {std::size_t{0}, end / 2, end}) {
          all.push_back({text, call, {with(plain, place, number)}, number});
        }
      }
      all.push_back({text, call, {with(with(plain, 0, inf), end, -inf)}, 1.5});
      all.push_back({text, call, {with(with(plain, 1, -inf), end / 2, NAN)}, 1.5});
    }
  }
  expect_agreement<TypeParam>(all, {});
}

}  // namespace
}  // namespace gradbook::grid
