#include <fmt/format.h>

#include "tests/grid/rows.hpp"
#include "tests/grid/shapes.hpp"

namespace gradbook::grid {

namespace {

/// Every subset of the dimensions of a tensor of `rank`: numbered from the front, from the back
/// (and in reverse order), and by turns.
std::vector<Dims> every_subset(std::size_t rank) {
  const auto r = static_cast<std::int64_t>(rank);
  std::vector<Dims> subsets{{}};
  for (std::size_t bits = 1; bits < std::size_t{1} << rank; ++bits) {
    Dims front;
    Dims back;
    Dims by_turns;
    for (std::int64_t d = 0; d < r; ++d) {
      if ((bits >> d & 1U) == 0) continue;
      front.push_back(d);
      back.insert(back.begin(), d - r);
      by_turns.push_back(d % 2 == 0 ? d - r : d);
    }
    subsets.insert(subsets.end(), {front, back, by_turns});
  }
  // As in LibTorch a scalar has one dimension to name.
  if (rank == 0) subsets.insert(subsets.end(), {{0}, {-1}});
  return subsets;
}

template <class F>
Row reduction(const std::string& name, const F& function) {
  std::vector<Case> cases;
  const std::vector<Shape> shapes = shapes_to_try(3);
  for (const Shape& shape : shapes) {
    for (const Dims& dims : every_subset(shape.size())) {
      for (const bool keepdim : {false, true}) {
        const Attributes written = {{"dims", numbers(dims)}, {"keepdim", {keepdim ? 1.0 : 0.0}}};
        cases.push_back(
            {.text = fmt::format("x.{}({}, {})", name, list_text(dims), keepdim),
             .inputs = {{shape}},
             .call = Call([=](const auto& in) { return function(in[0], dims, keepdim); }),
             .line = reference::Line{name, {0}, written}});
      }
    }
  }
  return {fmt::format("x.{}()", name), name, std::move(cases)};
}

}  // namespace

std::vector<Row> reduction_rows() {
  return {
      reduction("sum",
                [](const auto& x, const Dims& dims, bool keep) { return x.sum(dims, keep); }),
      reduction("mean",
                [](const auto& x, const Dims& dims, bool keep) { return x.mean(dims, keep); }),
  };
}

}  // namespace gradbook::grid
