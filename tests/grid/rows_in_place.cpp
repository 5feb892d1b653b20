#include "tests/grid/constants.hpp"
#include "tests/grid/rows.hpp"
#include "tests/grid/shapes.hpp"

// A leaf that requires grad cannot be written to, so each writes to a copy of its first input.

namespace gradbook::grid {

namespace {

/// `a.write(b)`, where b broadcasts to a.
template <class F>
Row row_of_two(std::string written, std::string name, const F& write) {
  const std::string letters = "r>=";
  const Call call([write](const auto& in) {
    auto y = in[0].clone();
    write(y, in[1]);
    return y;
  });
  std::vector<Case> cases;
  for (const auto& [a, b] : pairs_to_try(letters)) cases.push_back({written, {{a}, {b}}, call});
  return {std::move(written), std::move(name), std::move(cases), letters, by_element(2, call)};
}

/// `a.write(2)`.
template <class F>
Row row_with_scalar(std::string written, std::string name, const F& write) {
  const auto with = [write](double scalar) {
    return Call([write, scalar](const auto& in) {
      auto y = in[0].clone();
      write(y, scalar);
      return y;
    });
  };
  std::vector<Case> cases;
  for (const double scalar : scalars) {
    const Call call = with(scalar);
    std::string text = written;
    text.replace(text.find('2'), 1, number_text(scalar));
    for (const Shape& shape : shapes_to_try(2)) cases.push_back({text, {{shape}}, call});
  }
  return {std::move(written),
          std::move(name),
          std::move(cases),
          {},
          ByElement{1, with, ByElement::Constant::operand}};
}

}  // namespace

std::vector<Row> in_place_rows() {
  return {
      row_of_two("a.add_(b)", "add_", [](auto& a, const auto& b) { a.add_(b); }),
      row_of_two("a.sub_(b)", "sub_", [](auto& a, const auto& b) { a.sub_(b); }),
      row_of_two("a.mul_(b)", "mul_", [](auto& a, const auto& b) { a.mul_(b); }),
      row_of_two("a.copy_(b)", "copy_", [](auto& a, const auto& b) { a.copy_(b); }),
      row_with_scalar("a.add_(2)", "add_", [](auto& a, double c) { a.add_(c); }),
      row_with_scalar("a.sub_(2)", "sub_", [](auto& a, double c) { a.sub_(c); }),
      row_with_scalar("a.mul_(2)", "mul_", [](auto& a, double c) { a.mul_(c); }),
      row_of_one("a.zero_()", "zero_", Call([](const auto& in) {
                   auto y = in[0].clone();
                   y.zero_();
                   return y;
                 }),
                 Domain::anywhere),
  };
}

}  // namespace gradbook::grid
