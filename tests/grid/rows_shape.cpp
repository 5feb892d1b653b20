#include <fmt/format.h>

#include <algorithm>

#include "tests/grid/rows.hpp"
#include "tests/grid/shapes.hpp"

namespace gradbook::grid {

namespace {

/// A call of one tensor, and LibTorch's operation with the constants that the call writes.
Case case_of(std::string text, const Shape& shape, const Call& call, std::string operation,
             Attributes written) {
  return {.text = std::move(text),
          .inputs = {{shape}},
          .call = call,
          .line = reference::Line{std::move(operation), {0}, std::move(written)}};
}

Attributes sizes_written(const Dims& to) { return {{"shape", numbers(to)}}; }

/// Every two dimensions, each numbered from the front and from the back.
Row transpose_row() {
  std::vector<Case> cases;
  for (const Shape& shape : shapes_to_try(3)) {
    const auto rank = std::max<std::int64_t>(static_cast<std::int64_t>(shape.size()), 1);
    for (std::int64_t dim0 = -rank; dim0 < rank; ++dim0) {
      for (std::int64_t dim1 = -rank; dim1 < rank; ++dim1) {
        cases.push_back(case_of(fmt::format("x.transpose({}, {})", dim0, dim1), shape,
                                Call([=](const auto& in) { return in[0].transpose(dim0, dim1); }),
                                "transpose",
                                {{"dim0", numbers({dim0})}, {"dim1", numbers({dim1})}}));
      }
    }
  }
  return {"x.transpose(0, 1)", "transpose", std::move(cases)};
}

Row t_row() {
  std::vector<Case> cases;
  for (const Shape& shape : shapes_to_try(6)) {
    // Of fewer than two dimensions it is the tensor itself: no operation.
    if (shape.size() != 2) continue;
    cases.push_back(case_of("x.t()", shape, Call([](const auto& in) { return in[0].t(); }),
                            "transpose", {{"dim0", {0}}, {"dim1", {1}}}));
  }
  return {"x.t()", "transpose", std::move(cases)};
}

/// Sizes that a tensor of `shape` can be given.
std::vector<Dims> sizes_to_reshape_to(const Shape& shape) {
  const Dims same = as_dims(shape);
  const auto elements = static_cast<std::int64_t>(numel(shape));
  std::vector<Dims> all{same, {same.rbegin(), same.rend()}, {-1}, {elements}, {1, elements, 1}};
  all.push_back(same);
  all.back().insert(all.back().begin(), 1);
  all.push_back(same);
  all.back().push_back(1);
  if (elements % 2 == 0) all.push_back({2, elements / 2});
  if (elements % 3 == 0) all.push_back({-1, 3});
  if (elements == 1) all.push_back({});
  for (std::size_t d = 0; d < same.size(); ++d) {
    std::int64_t others = 1;
    for (std::size_t k = 0; k < same.size(); ++k) others *= k == d ? 1 : same[k];
    if (others == 0) continue;  // nothing to infer from
    all.push_back(same);
    all.back()[d] = -1;
  }
  return all;
}

Row reshape_row() {
  std::vector<Case> cases;
  for (const Shape& shape : shapes_to_try(5)) {
    for (const Dims& to : sizes_to_reshape_to(shape)) {
      cases.push_back(case_of(fmt::format("x.reshape({})", list_text(to)), shape,
                              Call([=](const auto& in) { return in[0].reshape(to); }), "reshape",
                              sizes_written(to)));
    }
  }
  return {"x.reshape({-1})", "reshape", std::move(cases)};
}

Row expand_row() {
  const std::string letters = "l<=";
  std::vector<Case> cases;
  for (const auto& [from, to] : pairs_to_try(letters)) {
    cases.push_back(case_of(fmt::format("x.expand({})", list_text(as_dims(to))), from,
                            Call([shape = to](const auto& in) { return in[0].expand(shape); }),
                            "expand", sizes_written(as_dims(to))));
  }
  return {"x.expand({2, 64, 64})", "expand", std::move(cases), letters};
}

Row sum_to_row() {
  const std::string letters = "r>=";
  std::vector<Case> cases;
  for (const auto& [from, to] : pairs_to_try(letters)) {
    cases.push_back(case_of(fmt::format("x.sum_to({})", list_text(as_dims(to))), from,
                            Call([shape = to](const auto& in) { return in[0].sum_to(shape); }),
                            "sum_to", sizes_written(as_dims(to))));
  }
  return {"x.sum_to({64})", "sum_to", std::move(cases), letters};
}

}  // namespace

std::vector<Row> shape_rows() {
  constexpr Domain anywhere = Domain::anywhere;
  Row detach = row_of_one("x.detach()", "detach",
                          Call([](const auto& in) { return in[0].detach(); }), anywhere);
  detach.records = false;
  for (Case& tried : detach.cases) tried.line = reference::Line{"detach", {0}};
  Row clone = row_of_one("x.clone()", "expand", Call([](const auto& in) { return in[0].clone(); }),
                         anywhere);
  for (Case& tried : clone.cases) tried.line = reference::Line{"clone", {0}};
  return {transpose_row(),  t_row(),      reshape_row(),    expand_row(),
          std::move(clone), sum_to_row(), std::move(detach)};
}

}  // namespace gradbook::grid
