// Every operation at the edges of the numbers: signed zeros, subnormals, infinities, NaN, the
// largest and the smallest, where functions saturate or overflow; all combinations of inputs and
// cotangent.
#include <cmath>
#include <map>

#include "tests/grid/constants.hpp"
#include "tests/grid/grid_test.hpp"

namespace gradbook::grid {
namespace {

/// Every combination of `count` numbers, one combination a row: `count` columns, each a snapshot.
std::vector<Snapshot> combinations(const std::vector<double>& numbers, std::size_t count) {
  std::vector<std::vector<double>> columns(count);
  std::size_t total = 1;
  for (std::size_t k = 0; k < count; ++k) total *= numbers.size();
  for (std::size_t i = 0; i < total; ++i) {
    std::size_t rest = i;
    for (std::vector<double>& column : columns) {
      column.push_back(numbers[rest % numbers.size()]);
      rest /= numbers.size();
    }
  }
  std::vector<Snapshot> result;
  for (std::vector<double>& column : columns) result.emplace_back(Shape{total}, std::move(column));
  return result;
}

/// Columns side by side: of shape (N, columns).
Snapshot side_by_side(const std::vector<Snapshot>& columns, std::size_t first, std::size_t count) {
  Snapshot result(Shape{columns[0].shape[0], count}, {});
  for (std::size_t i = 0; i < columns[0].values.size(); ++i) {
    for (std::size_t k = first; k < first + count; ++k) {
      result.values.push_back(columns[k].values[i]);
    }
  }
  return result;
}

Snapshot reshaped(Snapshot values, const Shape& shape) { return {shape, std::move(values.values)}; }

template <class T>
class Edges : public testing::Test {
 protected:
  /// `function` of one tensor.
  template <class F>
  void of_one(const std::string& text, const F& function) {
    const std::vector<Snapshot> all = combinations(edges<T>(), 2);
    failures_.add(check_values<T>(
        text, Call([function](const auto& in) { return function(in[0]); }), {all[0]}, all[1]));
    seen_.insert(text);
  }
  template <class F>
  void of_two(const std::string& text, const F& function) {
    const std::vector<Snapshot> all = combinations(edges<T>(), 3);
    failures_.add(
        check_values<T>(text, Call([function](const auto& in) { return function(in[0], in[1]); }),
                        {all[0], all[1]}, all[2]));
    seen_.insert(text);
  }
  /// A tensor and a constant out of `constants`.
  template <class F>
  void with_constant(const std::string& text, const std::vector<double>& constants,
                     const F& function) {
    const std::vector<Snapshot> all = combinations(edges<T>(), 2);
    for (const double constant : constants) {
      failures_.add(check_values<T>(
          text + " with " + number_text(constant),
          Call([function, constant](const auto& in) { return function(in[0], constant); }),
          {all[0]}, all[1]));
    }
    seen_.insert(text);
  }

  Failures failures_;
  std::set<std::string> seen_;
};

using BothPrecisions = testing::Types<float, double>;
TYPED_TEST_SUITE(Edges, BothPrecisions);

TYPED_TEST(Edges, OfFunctionsOfOneTensor) {
  this->of_one("-x", [](const auto& x) { return -x; });
  this->of_one("x.reciprocal()", [](const auto& x) { return x.reciprocal(); });
  this->of_one("x.exp()", [](const auto& x) { return x.exp(); });
  this->of_one("x.log()", [](const auto& x) { return x.log(); });
  this->of_one("x.sqrt()", [](const auto& x) { return x.sqrt(); });
  this->of_one("x.tanh()", [](const auto& x) { return x.tanh(); });
  this->of_one("x.sigmoid()", [](const auto& x) { return x.sigmoid(); });
  this->of_one("x.relu()", [](const auto& x) { return x.relu(); });
  this->of_one("x.reshape({-1, 1})", [](const auto& x) {
    return x.reshape({-1, 1}).reshape({-1});
  });
  this->of_one("a.zero_()", [](const auto& x) {
    auto y = x.clone();
    y.zero_();
    return y;
  });
}

TYPED_TEST(Edges, OfFunctionsOfTwoTensors) {
  this->of_two("a + b", [](const auto& a, const auto& b) { return a + b; });
  this->of_two("a - b", [](const auto& a, const auto& b) { return a - b; });
  this->of_two("a * b", [](const auto& a, const auto& b) { return a * b; });
  this->of_two("a / b", [](const auto& a, const auto& b) { return a / b; });
  this->of_two("gate(a, b)", [](const auto& a, const auto& b) { return gate(a, b); });
}

TYPED_TEST(Edges, OfWritesInPlace) {
  const auto writing = [](const auto& write) {
    return [write](const auto& a, const auto& b) {
      auto y = a.clone();
      write(y, b);
      return y;
    };
  };
  this->of_two("a.add_(b)", writing([](auto& a, const auto& b) { a.add_(b); }));
  this->of_two("a.sub_(b)", writing([](auto& a, const auto& b) { a.sub_(b); }));
  this->of_two("a.mul_(b)", writing([](auto& a, const auto& b) { a.mul_(b); }));
  this->of_two("a.copy_(b)", writing([](auto& a, const auto& b) { a.copy_(b); }));
}

TYPED_TEST(Edges, OfATensorAndAConstant) {
  std::vector<double> constants = edges<TypeParam>();
  constants.push_back(0.1);  // not a float
  this->with_constant("x + 2", constants, [](const auto& x, double c) { return x + c; });
  this->with_constant("x - 2", constants, [](const auto& x, double c) { return x - c; });
  this->with_constant("2 - x", constants, [](const auto& x, double c) { return c - x; });
  this->with_constant("x * 2", constants, [](const auto& x, double c) { return x * c; });
  this->with_constant("x / 2", constants, [](const auto& x, double c) { return x / c; });
  this->with_constant("2 / x", constants, [](const auto& x, double c) { return c / x; });
}

TYPED_TEST(Edges, OfPow) {
  std::vector<double> powers(std::begin(exponents), std::end(exponents));
  const double inf = std::numeric_limits<double>::infinity();
  powers.insert(powers.end(), {-0.0, 1.0 / 3, 10, 11, 100, -100, 101, 1e-3, inf, -inf, NAN});
  this->with_constant("x.pow(3)", powers, [](const auto& x, double c) { return x.pow(c); });
}

// Sums of three: what overflows on the way, and what infinities make of each other.
TYPED_TEST(Edges, OfSums) {
  const std::vector<Snapshot> all = combinations(few_edges<TypeParam>(), 4);
  const Snapshot terms = side_by_side(all, 0, 3);
  const auto check = [&](const std::string& text, const auto& function) {
    this->failures_.add(check_values<TypeParam>(
        text, Call([function](const auto& in) { return function(in[0]); }), {terms}, all[3]));
  };
  check("x.sum({1})", [](const auto& x) { return x.sum({1}); });
  check("x.mean({1})", [](const auto& x) { return x.mean({1}); });
  check("x.sum_to({n, 1})", [](const auto& x) {
    return x.sum_to({x.shape()[0], 1}).reshape({-1});
  });
  check("x.transpose(0, 1).sum({0})", [](const auto& x) { return x.transpose(0, 1).sum({0}); });
}

// Gradients that meet in a broadcast operand.
TYPED_TEST(Edges, OfBroadcasts) {
  const std::vector<double> few = few_edges<TypeParam>();
  const std::vector<Snapshot> all = combinations(few, 4);
  const std::size_t n = all[0].values.size();
  const Snapshot cotangent = side_by_side(all, 0, 2);
  const Snapshot column = reshaped(all[2], {n, 1});
  const Snapshot pairs = side_by_side({all[3], all[2]}, 0, 2);
  const auto check = [&](const std::string& text, const auto& function) {
    this->failures_.add(check_values<TypeParam>(
        text, Call([function](const auto& in) { return function(in[0], in[1]); }), {column, pairs},
        cotangent));
  };
  check("a + b", [](const auto& a, const auto& b) { return a + b; });
  check("a * b", [](const auto& a, const auto& b) { return a * b; });
  check("b / a", [](const auto& a, const auto& b) { return b / a; });
  check("gate(b, a)", [](const auto& a, const auto& b) { return gate(b, a); });
  this->failures_.add(check_values<TypeParam>("x.expand({n, 2})", Call([n](const auto& in) {
                                                return in[0].expand({n, 2});
                                              }),
                                              {column}, cotangent));
}

// (1, 2) x (2, 1) for all combinations of few numbers.
TYPED_TEST(Edges, OfProductsOfMatrices) {
  using limits = std::numeric_limits<TypeParam>;
  const std::vector<double> few = {
      limits::quiet_NaN(), limits::infinity(), 0.0, 1.0, limits::max(), -1.5, limits::denorm_min()};
  const std::vector<Snapshot> all = combinations(few, 5);
  const std::size_t n = all[0].values.size();
  this->failures_.add(check_values<TypeParam>(
      "matmul(a, b)", Call([](const auto& in) { return matmul(in[0], in[1]); }),
      {reshaped(side_by_side(all, 0, 2), {n, 1, 2}), reshaped(side_by_side(all, 2, 2), {n, 2, 1})},
      reshaped(all[4], {n, 1, 1})));
}

}  // namespace
}  // namespace gradbook::grid
