#include "tests/grid/matmul_shapes.hpp"
#include "tests/grid/rows.hpp"

namespace gradbook::grid {

std::vector<Row> matmul_rows() {
  const std::string written = "matmul(a, b)";
  const Call call([](const auto& in) { return matmul(in[0], in[1]); });
  std::vector<Case> cases;
  for (const auto& pairs : {sample_matmul_pairs(2), larger_matmul_pairs()}) {
    for (const auto& [a, b] : pairs) {
      cases.push_back({.text = written,
                       .inputs = {{a}, {b}},
                       .call = call,
                       .line = reference::Line{"matmul", {0, 1}}});
    }
  }
  return {{written, "matmul", std::move(cases)}};
}

}  // namespace gradbook::grid
