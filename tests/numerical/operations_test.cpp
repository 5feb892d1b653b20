// Every row of the grid, once and twice differentiated, against central differences.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/grid/grid_test.hpp"
#include "tests/numerical/difference.hpp"

namespace gradbook::numerical {
namespace {

using grid::Case;
using grid::Input;
using grid::Row;

std::size_t elements(const Case& tried) {
  std::size_t total = 0;
  for (const Input& input : tried.inputs) total += numel(input.shape);
  return total;
}

/// Cases of a size that can be differentiated element by element, evenly out of the row.
std::vector<Case> small_cases(const Row& row) {
  constexpr std::size_t most_elements = 30;
  constexpr std::size_t about = 24;
  std::vector<Case> small;
  for (const Case& tried : row.cases) {
    const std::size_t size = elements(tried);
    if (size > 0 && size <= most_elements) small.push_back(tried);
  }
  std::vector<Case> some;
  const std::size_t step = small.size() / about + 1;
  for (std::size_t i = 0; i < small.size(); i += step) some.push_back(small[i]);
  return some;
}

std::vector<Snapshot> inputs_of(const Row& row, const Case& tried) {
  std::vector<Snapshot> inputs;
  for (const Tensor64& leaf : grid::leaves<double>(row, tried)) inputs.push_back(leaf.snapshot());
  return inputs;
}

Tensor64 constant(const Shape& shape, std::uint32_t seed) {
  return Tensor64::from(grid::random_values({shape}, seed));
}

/// The sum of the case's results, each element weighted at random.
ScalarFunction weighted(const Row& row, const Case& tried) {
  return [&](const std::vector<Tensor64>& inputs) {
    const Tensor64 result = tried.call(inputs);
    return (result * constant(result.shape(), grid::seed_of(row, tried))).sum();
  };
}

/// The sum of the case's gradients, each element weighted at random. The last input is the
/// cotangent.
ScalarFunction weighted_gradients(const Row& row, const Case& tried) {
  return [&](const std::vector<Tensor64>& all) {
    const std::vector<Tensor64> inputs(all.begin(), all.end() - 1);
    const std::vector<Tensor64> gradients =
        grad<double>({tried.call(inputs)}, inputs, {all.back()}, {.create_graph = true});
    std::uint32_t seed = grid::seed_of(row, tried);
    Tensor64 total(0.0);
    for (const Tensor64& gradient : gradients) {
      total = total + (gradient * constant(gradient.shape(), ++seed)).sum();
    }
    return total;
  };
}

class Numerical : public grid::OfRow {
 protected:
  /// One comparison for each small case. `name` says what is differentiated.
  template <class Compare>
  void expect_agreement(const std::string& name, const Compare& compare) {
    const std::vector<Case> cases = small_cases(row());
    ASSERT_GE(cases.size(), row().name == "checkpoint" ? 4U : 6U);
    double largest_gradient = 0;
    grid::Failures failures;
    for (const Case& tried : cases) {
      std::string shapes;
      for (const Input& input : tried.inputs) shapes += fmt::format(" {}", to_string(input.shape));
      const Comparison comparison = compare(tried);
      largest_gradient = std::max(largest_gradient, comparison.largest_gradient);
      failures.add(comparison.failure.empty() ? ""
                                              : fmt::format("{}{} on{}: {}", name, tried.text,
                                                            shapes, comparison.failure));
    }
    // What is zeroed has no gradient, and its gradient none either.
    EXPECT_EQ(largest_gradient > 0, row().name != "zero_") << "nothing was seen";
  }
};

TEST_P(Numerical, GradientsAreCentralDifferences) {
  expect_agreement("", [&](const Case& tried) {
    return compare_gradients(weighted(row(), tried), inputs_of(row(), tried));
  });
}

TEST_P(Numerical, GradientsOfGradientsAreCentralDifferences) {
  expect_agreement("gradient of ", [&](const Case& tried) {
    std::vector<Snapshot> inputs = inputs_of(row(), tried);
    const Shape shape = tried.call(grid::leaves<double>(row(), tried)).shape();
    inputs.push_back(grid::random_values({shape}, 11));
    return compare_gradients(weighted_gradients(row(), tried), inputs);
  });
}

INSTANTIATE_TEST_SUITE_P(Operations, Numerical, testing::ValuesIn(grid::rows_with_a_gradient()),
                         grid::name_of_row);

}  // namespace
}  // namespace gradbook::numerical
