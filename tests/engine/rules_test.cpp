// The table of derivatives, read on double: every row against a central difference, and its edges.
#include "engine/rules.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <regex>
#include <set>
#include <sstream>

#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::nan("");

// Any number but 0 and 1 would do: a cotangent of 1 could hide a forgotten g.
constexpr double kCotangent = -1.7;

// What a vjp did not declare to read is handed to it as NaN: a formula that used it would show.
double if_read(bool reads, double value) { return reads ? value : nan; }

void expect_derivative(double actual, double numeric, std::string_view row, double a, double b) {
  EXPECT_NEAR(actual, kCotangent * numeric, kDifferenceAllowance * std::max(1.0, std::abs(numeric)))
      << row << " at a = " << a << ", b = " << b;
}

template <class Rule>
void check_row_of_one(const std::vector<double>& points) {
  for (const double x : points) {
    const double y = Rule::forward(x);
    const double numeric = central_difference([](double v) { return Rule::forward(v); }, x);
    const double gradient = Rule::vjp(kCotangent, if_read((Rule::reads[0] & rules::kA) != 0, x),
                                      if_read((Rule::reads[0] & rules::kResult) != 0, y));
    expect_derivative(gradient, numeric, Rule::name, x, 0);
  }
}

/// For rows whose second input is a constant `b`, and for the first input of those with two.
template <class Rule>
void check_first_of_two(const std::vector<double>& points, const std::vector<double>& others) {
  for (const double a : points) {
    for (const double b : others) {
      const double numeric = central_difference([&](double v) { return Rule::forward(v, b); }, a);
      const bool reads_a = (Rule::reads[0] & rules::kA) != 0;
      const bool reads_b = (Rule::reads[0] & rules::kB) != 0 || std::size(Rule::reads) == 1;
      const double gradient =
          Rule::vjp_a(kCotangent, if_read(reads_a, a), if_read(reads_b, b), nan);
      expect_derivative(gradient, numeric, Rule::name, a, b);
    }
  }
}

template <class Rule>
void check_second_of_two(const std::vector<double>& points, const std::vector<double>& others) {
  for (const double a : others) {
    for (const double b : points) {
      const double numeric = central_difference([&](double v) { return Rule::forward(a, v); }, b);
      const bool reads_a = (Rule::reads[1] & rules::kA) != 0;
      const bool reads_b = (Rule::reads[1] & rules::kB) != 0;
      const double gradient =
          Rule::vjp_b(kCotangent, if_read(reads_a, a), if_read(reads_b, b), nan);
      expect_derivative(gradient, numeric, Rule::name, a, b);
    }
  }
}

template <class Rule>
void check_row_of_two(const std::vector<double>& a, const std::vector<double>& b) {
  check_first_of_two<Rule>(a, b);
  check_second_of_two<Rule>(b, a);
}

const std::vector<double> anywhere = {-2.5, -1, -0.3, 0, 0.3, 1, 2.5};
const std::vector<double> not_zero = {-2.5, -1, -0.7, 0.7, 1, 2.5};
const std::vector<double> positive = {0.7, 1, 2.5, 20};

TEST(Rules, RowsOfOneInputMatchCentralDifferences) {
  check_row_of_one<rules::Neg>(anywhere);
  check_row_of_one<rules::Reciprocal>(not_zero);
  check_row_of_one<rules::Exp>(anywhere);
  check_row_of_one<rules::Log>(positive);
  check_row_of_one<rules::Sqrt>(positive);
  check_row_of_one<rules::Tanh>(anywhere);
  check_row_of_one<rules::Sigmoid>(anywhere);
  check_row_of_one<rules::Relu>(not_zero);
  check_row_of_one<rules::Zero>(anywhere);
}

TEST(Rules, RowsOfTwoInputsMatchCentralDifferences) {
  check_row_of_two<rules::Add>(anywhere, anywhere);
  check_row_of_two<rules::Sub>(anywhere, anywhere);
  check_row_of_two<rules::Mul>(anywhere, anywhere);
  check_row_of_two<rules::Div>(anywhere, not_zero);
  check_row_of_two<rules::Gate>(anywhere, not_zero);
  check_row_of_two<rules::Copy>(anywhere, anywhere);
}

TEST(Rules, RowsWithAConstantMatchCentralDifferences) {
  check_first_of_two<rules::Rsub>(anywhere, anywhere);
  check_first_of_two<rules::Pow>(anywhere, {0, 1, 2, 3, 4});
  check_first_of_two<rules::Pow>(not_zero, {-1, -2});
  check_first_of_two<rules::Pow>(positive, {0.5, -0.5, 1.7});
}

// A new row belongs into one of the tests above, and here.
TEST(Rules, EveryRowOfTheTableIsAmongThoseChecked) {
  const std::set<std::string> checked = {"Add",  "Sub",  "Rsub", "Mul",  "Div",       "Pow",
                                         "Neg",  "Exp",  "Log",  "Sqrt", "Tanh",      "Sigmoid",
                                         "Relu", "Gate", "Copy", "Zero", "Reciprocal"};
  std::ifstream file(GRADBOOK_SOURCE_DIR "/engine/rules.hpp");
  std::stringstream source;
  source << file.rdbuf();
  const std::string text = source.str();
  const std::regex row(R"(struct (\w+) \{\s*static constexpr std::string_view name)");
  std::set<std::string> rows;
  for (std::sregex_iterator match(text.begin(), text.end(), row), end; match != end; ++match) {
    rows.insert((*match)[1]);
  }
  EXPECT_EQ(rows, checked);
}

TEST(Rules, ForwardFormulasGiveTheTextbookValues) {
  EXPECT_EQ(rules::Add::forward(2.0, 3.0), 5);
  EXPECT_EQ(rules::Sub::forward(2.0, 3.0), -1);
  EXPECT_EQ(rules::Rsub::forward(2.0, 3.0), 1);
  EXPECT_EQ(rules::Mul::forward(2.0, 3.0), 6);
  EXPECT_EQ(rules::Div::forward(3.0, 2.0), 1.5);
  EXPECT_EQ(rules::Pow::forward(2.0, 3.0), 8);
  EXPECT_EQ(rules::Neg::forward(2.0), -2);
  EXPECT_EQ(rules::Reciprocal::forward(4.0), 0.25);
  EXPECT_DOUBLE_EQ(rules::Exp::forward(1.0), 2.718281828459045);
  EXPECT_DOUBLE_EQ(rules::Log::forward(2.0), 0.6931471805599453);
  EXPECT_EQ(rules::Sqrt::forward(9.0), 3);
  EXPECT_DOUBLE_EQ(rules::Tanh::forward(0.5), 0.46211715726000973);
  EXPECT_DOUBLE_EQ(rules::Sigmoid::forward(1.0), 0.7310585786300049);
  EXPECT_EQ(rules::Relu::forward(-2.0), 0);
  EXPECT_EQ(rules::Relu::forward(2.0), 2);
  EXPECT_EQ(rules::Gate::forward(5.0, 2.0), 5);
  EXPECT_EQ(rules::Gate::forward(5.0, -2.0), 0);
  EXPECT_EQ(rules::Copy::forward(2.0, 3.0), 3);
  EXPECT_EQ(rules::Zero::forward(2.0), 0);
}

TEST(Rules, ReluHasDerivativeZeroAtZero) {
  EXPECT_EQ(rules::Relu::vjp(5.0, 0.0, rules::Relu::forward(0.0)), 0);
  EXPECT_EQ(rules::Relu::vjp(5.0, -0.0, rules::Relu::forward(-0.0)), 0);
}

TEST(Rules, ReluStopsAnInfiniteGradientAndPassesNaN) {
  EXPECT_EQ(rules::Relu::vjp(inf, -1.0, 0.0), 0) << "0 * inf would be NaN";
  EXPECT_EQ(rules::Relu::vjp(-inf, 0.0, 0.0), 0);
  EXPECT_EQ(rules::Relu::vjp(inf, 1.0, 1.0), inf);
  EXPECT_TRUE(std::isnan(rules::Relu::forward(nan)));
  EXPECT_EQ(rules::Relu::vjp(3.0, nan, nan), 3) << "as LibTorch: only y <= 0 closes";
  EXPECT_TRUE(std::isnan(rules::Relu::vjp(nan, 1.0, 1.0)));
}

TEST(Rules, PowWithExponentZeroIsFlatEverywhere) {
  for (const double a : {-1.0, 0.0, 2.0, inf}) {
    EXPECT_EQ(rules::Pow::forward(a, 0.0), 1);
    EXPECT_EQ(rules::Pow::vjp_a(3.0, a, 0.0, 1.0), 0) << a;
  }
  EXPECT_EQ(rules::Pow::vjp_a(inf, 2.0, 0.0, 1.0), 0) << "no 0 * inf";
  EXPECT_EQ(rules::Pow::vjp_a(3.0, 0.0, 0.0, 1.0), 0) << "no 0 * pow(0, -1)";
}

TEST(Rules, PowAtZeroFollowsItsExponent) {
  EXPECT_EQ(rules::Pow::vjp_a(3.0, 0.0, 1.0, 0.0), 3);
  EXPECT_EQ(rules::Pow::vjp_a(3.0, 0.0, 2.0, 0.0), 0);
  EXPECT_EQ(rules::Pow::vjp_a(3.0, 0.0, 0.5, 0.0), inf);
  EXPECT_TRUE(std::isnan(rules::Pow::forward(-1.0, 0.5)));
}

// g / x stays finite where g * (1 / x) would overflow, or lose everything.
TEST(Rules, LogIsRightForHugeAndTinyCotangents) {
  EXPECT_EQ(rules::Log::vjp(1e308, 1e308, 0.0), 1);
  EXPECT_EQ(rules::Log::vjp(1e-320, 1e-320, 0.0), 1) << "1 / 1e-320 is infinite";
  EXPECT_EQ(rules::Log::vjp(2.0, 0.0, -inf), inf);
  EXPECT_EQ(rules::Log::vjp(-2.0, 0.0, -inf), -inf);
}

TEST(Rules, SaturatedSigmoidAndTanhAreFlatNotNaN) {
  for (const double x : {-1000.0, 1000.0}) {
    EXPECT_EQ(rules::Sigmoid::forward(x), x < 0 ? 0 : 1);
    EXPECT_EQ(rules::Sigmoid::vjp(3.0, x, rules::Sigmoid::forward(x)), 0);
    EXPECT_EQ(rules::Tanh::vjp(3.0, x, rules::Tanh::forward(x)), 0);
  }
}

TEST(Rules, QuotientsOfHugeNumbersDoNotOverflow) {
  // -g a / b²: b² alone would overflow.
  EXPECT_DOUBLE_EQ(rules::Div::vjp_b(1.0, 1e200, 1e200, nan), -1e-200);
}

// Rows that say so hand g on itself, whatever the inputs: NaN elsewhere leaves no mark.
TEST(Rules, RowsThatReadOnlyGReturnIt) {
  for (const double g : {-1.7, 0.0, inf}) {
    EXPECT_EQ(rules::Add::vjp_a(g, nan, nan, nan), g);
    EXPECT_EQ(rules::Add::vjp_b(g, nan, nan, nan), g);
    EXPECT_EQ(rules::Sub::vjp_a(g, nan, nan, nan), g);
    EXPECT_EQ(rules::Copy::vjp_b(g, nan, nan, nan), g);
  }
}

// The tensor reading takes the declaration at its word and passes the very tensor, without a copy.
TEST(Rules, RowsThatReadOnlyGPassTheSameTensor) {
  const Tensor a({1, 2}, requires_grad);
  const Tensor b({3, 4}, requires_grad);
  const Tensor g({5, 6}, without_grad);
  const auto same = [&](const Tensor& y, const Tensor& x) {
    return grad<float>({y}, {x}, {g})[0].impl() == g.impl();
  };
  EXPECT_TRUE(same(a + b, a));
  EXPECT_TRUE(same(a + b, b));
  EXPECT_TRUE(same(a - b, a));
  EXPECT_FALSE(same(a - b, b));
  EXPECT_TRUE(same(a + 1, a));
  EXPECT_FALSE(same(a * 1, a));
  Tensor c = a * 2;
  c.copy_(b);
  EXPECT_TRUE(same(c, b));
}

}  // namespace
}  // namespace gradbook
