#include "tests/grid/constants.hpp"
#include "tests/grid/rows.hpp"
#include "tests/grid/shapes.hpp"

namespace gradbook::grid {

namespace {

/// Two tensors that broadcast.
template <class F>
Row row_of_two(std::string written, std::string name, const F& function,
               Domain second = Domain::anywhere) {
  const std::string letters = "lr<>=";
  const Call call([function](const auto& in) { return function(in[0], in[1]); });
  std::vector<Case> cases;
  for (const auto& [a, b] : pairs_to_try(letters)) {
    cases.push_back({written, {{a}, {b, second}}, call});
  }
  return {std::move(written), std::move(name), std::move(cases), letters, by_element(2, call)};
}

/// A tensor and a constant, which stands for the 2 in `written`.
template <class F>
Row row_with_scalar(std::string written, std::string name, const F& function,
                    Domain domain = Domain::anywhere) {
  const auto with = [function](double scalar) {
    return Call([function, scalar](const auto& in) { return function(in[0], scalar); });
  };
  std::vector<Case> cases;
  for (const double scalar : scalars) {
    const Call call = with(scalar);
    std::string text = written;
    text.replace(text.find('2'), 1, number_text(scalar));
    for (const Shape& shape : shapes_to_try(2)) cases.push_back({text, {{shape, domain}}, call});
  }
  return {std::move(written),
          std::move(name),
          std::move(cases),
          {},
          ByElement{1, with, ByElement::Constant::operand}};
}

/// Where x to the power of the exponent is smooth.
Domain domain_of_pow(double exponent) {
  if (exponent != std::round(exponent)) return Domain::positive;
  return exponent < 0 ? Domain::away_from_zero : Domain::anywhere;
}

Row row_of_pow() {
  const auto with = [](double exponent) {
    return Call([exponent](const auto& in) { return in[0].pow(exponent); });
  };
  std::vector<Case> cases;
  for (const double exponent : exponents) {
    const Call call = with(exponent);
    const std::string text = "x.pow(" + number_text(exponent) + ")";
    for (const Shape& shape : shapes_to_try(2)) {
      cases.push_back({text, {{shape, domain_of_pow(exponent)}}, call});
    }
  }
  return {
      "x.pow(3)", "pow", std::move(cases), {}, ByElement{1, with, ByElement::Constant::exponent}};
}

template <class F>
Row row_of_x(std::string written, std::string name, const F& function,
             Domain domain = Domain::anywhere) {
  return row_of_one(std::move(written), std::move(name),
                    Call([function](const auto& in) { return function(in[0]); }), domain);
}

}  // namespace

std::vector<Row> elementwise_rows() {
  constexpr Domain positive = Domain::positive;
  constexpr Domain away_from_zero = Domain::away_from_zero;
  return {
      row_of_two("a + b", "add", [](const auto& a, const auto& b) { return a + b; }),
      row_of_two("a - b", "sub", [](const auto& a, const auto& b) { return a - b; }),
      row_of_two("a * b", "mul", [](const auto& a, const auto& b) { return a * b; }),
      row_of_two(
          "a / b", "div", [](const auto& a, const auto& b) { return a / b; }, away_from_zero),
      row_of_two(
          "gate(a, b)", "gate", [](const auto& a, const auto& b) { return gate(a, b); },
          away_from_zero),
      row_with_scalar("x + 2", "add", [](const auto& x, double c) { return x + c; }),
      row_with_scalar("2 + x", "add", [](const auto& x, double c) { return c + x; }),
      row_with_scalar("x - 2", "sub", [](const auto& x, double c) { return x - c; }),
      row_with_scalar("2 - x", "rsub", [](const auto& x, double c) { return c - x; }),
      row_with_scalar("x.rsub(2)", "rsub", [](const auto& x, double c) { return x.rsub(c); }),
      row_with_scalar("x * 2", "mul", [](const auto& x, double c) { return x * c; }),
      row_with_scalar("2 * x", "mul", [](const auto& x, double c) { return c * x; }),
      row_with_scalar("x / 2", "div", [](const auto& x, double c) { return x / c; }),
      row_with_scalar(
          "2 / x", "reciprocal", [](const auto& x, double c) { return c / x; }, away_from_zero),
      row_of_pow(),
      row_of_x("-x", "neg", [](const auto& x) { return -x; }),
      row_of_x(
          "x.reciprocal()", "reciprocal", [](const auto& x) { return x.reciprocal(); },
          away_from_zero),
      row_of_x("x.exp()", "exp", [](const auto& x) { return x.exp(); }),
      row_of_x(
          "x.log()", "log", [](const auto& x) { return x.log(); }, positive),
      row_of_x(
          "x.sqrt()", "sqrt", [](const auto& x) { return x.sqrt(); }, positive),
      row_of_x("x.tanh()", "tanh", [](const auto& x) { return x.tanh(); }),
      row_of_x("x.sigmoid()", "sigmoid", [](const auto& x) { return x.sigmoid(); }),
      row_of_x(
          "x.relu()", "relu", [](const auto& x) { return x.relu(); }, away_from_zero),
  };
}

}  // namespace gradbook::grid
