// Every operation on shapes of every kind: value and gradients against LibTorch, for random
// cotangents.
#include "tests/grid/grid_test.hpp"
#include "tests/grid/matmul_shapes.hpp"

namespace gradbook::grid {
namespace {

template <class T>
void expect_agreement(const Row& row) {
  const bool is_matmul = row.name == "matmul";
  std::set<Pattern> seen;
  {
    Failures failures;
    for (const Case& tried : row.cases) {
      Trace trace;
      failures.add(check_case<T>(row, tried, &trace));
      if (row.patterns.empty() && !is_matmul) continue;
      const auto& [first, second] = shapes_taken(trace, row.name);
      // A product's vectors become matrices before they reach the operation.
      seen.insert(is_matmul ? matmul_pattern(tried.inputs[0].shape, tried.inputs[1].shape)
                            : broadcast_pattern(first, second));
    }
  }
  const std::set<Pattern> none;
  EXPECT_EQ(seen, is_matmul              ? every_matmul_pattern()
                  : row.patterns.empty() ? none
                                         : every_pattern(row.patterns))
      << row.written;
}

class GridInFloat32 : public OfRow {};
class GridInFloat64 : public OfRow {};

TEST_P(GridInFloat32, ValueAndGradientsAgreeWithLibTorch) { expect_agreement<float>(row()); }
TEST_P(GridInFloat64, ValueAndGradientsAgreeWithLibTorch) { expect_agreement<double>(row()); }

INSTANTIATE_TEST_SUITE_P(Operations, GridInFloat32, every_row(), name_of_row);
INSTANTIATE_TEST_SUITE_P(Operations, GridInFloat64, every_row(), name_of_row);

/// Some of the cases, evenly out of the row.
void expect_agreement_of_some(const Row& row,
                              const std::function<Failure(const Row&, const Case&)>& check) {
  constexpr std::size_t about = 60;
  const std::size_t step = row.cases.size() / about + 1;
  Failures failures;
  for (std::size_t i = 0; i < row.cases.size(); i += step) failures.add(check(row, row.cases[i]));
}

class SecondOrder : public OfRow {};

TEST_P(SecondOrder, GradientsOfGradientsAgreeInFloat32) {
  expect_agreement_of_some(row(), check_second_order<float>);
}
TEST_P(SecondOrder, GradientsOfGradientsAgreeInFloat64) {
  expect_agreement_of_some(row(), check_second_order<double>);
}

INSTANTIATE_TEST_SUITE_P(Operations, SecondOrder, testing::ValuesIn(rows_with_a_gradient()),
                         name_of_row);

class SecondOrderOfBothSigns : public OfRow {};

TEST_P(SecondOrderOfBothSigns, GradientsOfGradientsAgreeInFloat32) {
  expect_agreement_of_some(row(), check_second_order_of_both_signs<float>);
}
TEST_P(SecondOrderOfBothSigns, GradientsOfGradientsAgreeInFloat64) {
  expect_agreement_of_some(row(), check_second_order_of_both_signs<double>);
}

INSTANTIATE_TEST_SUITE_P(Operations, SecondOrderOfBothSigns, testing::ValuesIn(rows_by_element()),
                         name_of_row);

}  // namespace
}  // namespace gradbook::grid
