#include "tests/grid/rows.hpp"

#include <fmt/format.h>

#include "tests/grid/shapes.hpp"

namespace gradbook::grid {

const std::vector<Row>& rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> joined;
    for (const auto part : {elementwise_rows, in_place_rows, reduction_rows, matmul_rows,
                            shape_rows, checkpoint_rows}) {
      const std::vector<Row> some = part();
      joined.insert(joined.end(), some.begin(), some.end());
    }
    return joined;
  }();
  return all;
}

Row row_of_one(std::string written, std::string name, const Call& call, Domain domain) {
  std::vector<Case> cases;
  for (const Shape& shape : shapes_to_try(4)) cases.push_back({written, {{shape, domain}}, call});
  return {std::move(written), std::move(name), std::move(cases), {}, by_element(1, call)};
}

ByElement by_element(std::size_t tensors, const Call& call) {
  return {tensors, [call](double) { return call; }};
}

std::string number_text(double number) { return fmt::format("{}", number); }

std::string list_text(const Dims& dims) { return fmt::format("{{{}}}", fmt::join(dims, ", ")); }

std::vector<double> numbers(const Dims& dims) { return {dims.begin(), dims.end()}; }

Dims as_dims(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace gradbook::grid
