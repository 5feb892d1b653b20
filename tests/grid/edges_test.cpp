// Every operation at the edges of the numbers: signed zeros, subnormals, infinities, NaN, the
// largest and the smallest, where functions saturate or overflow; all combinations of inputs and
// cotangent.
#include <cmath>
#include <map>

#include "engine/parity.hpp"
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

// --- element by element --------------------------------------------------------------------------

template <class T>
std::vector<double> constants_for(const ByElement& tried) {
  std::vector<double> constants{0};
  if (tried.constant == ByElement::Constant::operand) {
    constants = edges<T>();
    constants.push_back(0.1);  // not a float
  } else if (tried.constant == ByElement::Constant::exponent) {
    constants.assign(std::begin(exponents), std::end(exponents));
    constants.insert(constants.end(), std::begin(more_exponents), std::end(more_exponents));
  }
  return constants;
}

/// What a call runs, without a backward pass.
template <class T>
std::set<std::string> operations_of(const Call& call, const std::vector<Snapshot>& inputs) {
  std::vector<BasicTensor<T>> tensors;
  for (const Snapshot& input : inputs) tensors.push_back(BasicTensor<T>::from(input));
  return operations_in(traced([&] { call(tensors); }));
}

/// All combinations of numbers and cotangent, with every constant.
template <class T>
void expect_agreement(const Row& row) {
  const ByElement& tried = *row.by_element;
  std::vector<Snapshot> inputs = combinations(edges<T>(), tried.tensors + 1);
  const Snapshot cotangent = inputs.back();
  inputs.pop_back();
  Failures failures;
  for (const double constant : constants_for<T>(tried)) {
    std::string text = row.written;
    if (tried.constant != ByElement::Constant::none) text += " with " + number_text(constant);
    const Call call = tried.call(constant);
    failures.add(check_values<T>(text, call, inputs, cotangent));
    EXPECT_TRUE(operations_of<T>(call, inputs).contains(row.name)) << text;
  }
}

class EdgesInFloat32 : public OfRow {};
class EdgesInFloat64 : public OfRow {};

TEST_P(EdgesInFloat32, ValueAndGradientsAgreeWithLibTorch) { expect_agreement<float>(row()); }
TEST_P(EdgesInFloat64, ValueAndGradientsAgreeWithLibTorch) { expect_agreement<double>(row()); }

INSTANTIATE_TEST_SUITE_P(Operations, EdgesInFloat32, testing::ValuesIn(rows_by_element()),
                         name_of_row);
INSTANTIATE_TEST_SUITE_P(Operations, EdgesInFloat64, testing::ValuesIn(rows_by_element()),
                         name_of_row);

// --- everything else -----------------------------------------------------------------------------

/// One operation on certain numbers.
struct Special {
  std::string written;  ///< as in parity::OperationFacts
  std::string name;     ///< as in parity::OperationFacts
  Call call;
  std::vector<Snapshot> inputs;
  Snapshot cotangent;
};

/// Sums of three: what overflows on the way, and what infinities make of each other.
template <class T>
std::vector<Special> sums() {
  const std::vector<Snapshot> all = combinations(few_edges<T>(), 4);
  const std::vector<Snapshot> terms{side_by_side(all, 0, 3)};
  const auto sum_to = [](const auto& x) { return x.sum_to({x.shape()[0], 1}).reshape({-1}); };
  const auto transposed = [](const auto& x) { return x.transpose(0, 1).sum({0}); };
  return {
      {"x.sum()", "sum", of_one([](const auto& x) { return x.sum({1}); }), terms, all[3]},
      {"x.mean()", "mean", of_one([](const auto& x) { return x.mean({1}); }), terms, all[3]},
      {"x.sum_to({64})", "sum_to", of_one(sum_to), terms, all[3]},
      {"x.transpose(0, 1)", "transpose", of_one(transposed), terms, all[3]},
  };
}

/// Gradients that meet in a broadcast operand.
template <class T>
std::vector<Special> broadcasts() {
  const std::vector<Snapshot> all = combinations(few_edges<T>(), 4);
  const std::size_t n = all[0].values.size();
  const Snapshot cotangent = side_by_side(all, 0, 2);
  const Snapshot column = reshaped(all[2], {n, 1});
  const std::vector<Snapshot> both{column, side_by_side({all[3], all[2]}, 0, 2)};
  const auto expand = [n](const auto& x) { return x.expand({n, 2}); };
  const auto gate_of = [](const auto& a, const auto& b) { return gate(b, a); };
  return {
      {"a + b", "add", of_two([](const auto& a, const auto& b) { return a + b; }), both, cotangent},
      {"a * b", "mul", of_two([](const auto& a, const auto& b) { return a * b; }), both, cotangent},
      {"a / b", "div", of_two([](const auto& a, const auto& b) { return b / a; }), both, cotangent},
      {"gate(a, b)", "gate", of_two(gate_of), both, cotangent},
      {"x.expand({2, 64, 64})", "expand", of_one(expand), {column}, cotangent},
  };
}

/// (1, 2) x (2, 1) for all combinations of few numbers.
template <class T>
Special product_of_matrices() {
  std::vector<double> few = few_edges<T>();
  // Without a second subnormal and -max, since there are five at a time.
  few.erase(few.end() - 3, few.end() - 2);
  few.pop_back();
  const std::vector<Snapshot> all = combinations(few, 5);
  const std::size_t n = all[0].values.size();
  return {
      "matmul(a, b)",
      "matmul",
      of_two([](const auto& a, const auto& b) { return matmul(a, b); }),
      {reshaped(side_by_side(all, 0, 2), {n, 1, 2}), reshaped(side_by_side(all, 2, 2), {n, 2, 1})},
      reshaped(all[4], {n, 1, 1})};
}

template <class T>
Special new_shape() {
  const std::vector<Snapshot> all = combinations(edges<T>(), 2);
  const auto reshape = [](const auto& x) { return x.reshape({-1, 1}); };
  return {"x.reshape({-1})",
          "reshape",
          of_one(reshape),
          {all[0]},
          reshaped(all[1], {all[1].values.size(), 1})};
}

template <class T>
std::vector<Special> specials() {
  std::vector<Special> all = sums<T>();
  for (Special& each : broadcasts<T>()) all.push_back(std::move(each));
  all.push_back(product_of_matrices<T>());
  all.push_back(new_shape<T>());
  return all;
}

template <class T>
class Edges : public testing::Test {};
TYPED_TEST_SUITE(Edges, BothPrecisions);

TYPED_TEST(Edges, OfSumsShapesBroadcastsAndProducts) {
  Failures failures;
  for (const Special& each : specials<TypeParam>()) {
    failures.add(check_values<TypeParam>(each.written, each.call, each.inputs, each.cotangent));
    EXPECT_TRUE(operations_of<TypeParam>(each.call, each.inputs).contains(each.name))
        << each.written;
  }
}

// --- nothing is missing --------------------------------------------------------------------------

// What the tests above go through is asked, not what has run: any of them may be filtered out.
TEST(EdgesAreComplete, EveryWayToWriteAnOperationIsTriedOrHasAReason) {
  const std::map<std::string, std::string> reasons = {
      {"checkpoint(f, x)", "computes nothing itself, and the grid holds it to f to the bit"}};
  std::set<std::pair<std::string, std::string>> tried;
  for (const std::size_t place : rows_by_element()) {
    tried.emplace(rows()[place].name, rows()[place].written);
  }
  for (const Special& each : specials<float>()) tried.emplace(each.name, each.written);
  std::size_t excused = 0;
  for (const parity::OperationFacts& facts : parity::operation_facts()) {
    const bool has_reason = reasons.contains(facts.written);
    excused += has_reason ? 1 : 0;
    EXPECT_NE(tried.contains({facts.name, facts.written}), has_reason)
        << facts.name << ", written " << facts.written
        << ": it needs a row of the grid with by_element, or a case in tests/grid/edges_test.cpp";
  }
  EXPECT_EQ(excused, reasons.size()) << "a reason for what is no operation";
}

/// Which kinds of numbers that are easily wrong are not among these?
template <class T>
std::set<std::string> missing(const std::vector<double>& numbers) {
  using limits = std::numeric_limits<T>;
  std::set<std::string> kinds = {"NaN", "inf", "-inf", "0", "-0", "subnormal", "largest"};
  for (const double number : numbers) {
    const std::string sign = std::signbit(number) ? "-" : "";
    if (std::isnan(number)) kinds.erase("NaN");
    if (std::isinf(number)) kinds.erase(sign + "inf");
    if (number == 0) kinds.erase(sign + "0");  // the corner of relu too
    if (number != 0 && std::abs(number) < limits::min()) kinds.erase("subnormal");
    if (number == limits::max()) kinds.erase("largest");
  }
  return kinds;
}

TYPED_TEST(Edges, AreOfEveryKindInEveryTensor) {
  const std::set<std::string> none;
  EXPECT_EQ(missing<TypeParam>(edges<TypeParam>()), none);
  for (const Special& each : specials<TypeParam>()) {
    for (const Snapshot& input : each.inputs) {
      EXPECT_EQ(missing<TypeParam>(input.values), none) << each.written;
    }
    EXPECT_EQ(missing<TypeParam>(each.cotangent.values), none) << each.written;
  }
}

}  // namespace
}  // namespace gradbook::grid
