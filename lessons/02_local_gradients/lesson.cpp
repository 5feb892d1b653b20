#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <vector>

#include "engine/rules.hpp"
#include "engine/value.hpp"
#include "lessons/02_local_gradients/formula.hpp"
#include "reference/replay.hpp"
#include "reference/twins/02_local_gradients.hpp"

using namespace gradbook;
using workbook::number;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

constexpr double at_a = 2;
constexpr double at_b = 4;
constexpr double exponent = 3;  // pow's second input, a constant
constexpr double h = 1e-5;

template <class Function>
double central_difference(Function f, double x) {
  const double above = x + h;
  const double below = x - h;
  return (f(above) - f(below)) / (above - below);
}

/// The result of the row `Rule`, on numbers or on text.
template <class Rule>
auto result(const auto& a, const auto& b) {
  if constexpr (requires { Rule::forward(a, b); }) {
    return Rule::forward(a, b);
  } else {
    return Rule::forward(a);
  }
}

/// The gradient of each input.
template <class Rule, class T>
std::vector<T> gradients(const T& g, const T& a, const auto& b, const T& y) {
  if constexpr (requires { Rule::vjp(g, a, y); }) {
    return {Rule::vjp(g, a, y)};
  } else if constexpr (requires { Rule::vjp_b(g, a, b, y); }) {
    return {Rule::vjp_a(g, a, b, y), Rule::vjp_b(g, a, b, y)};
  } else {
    return {Rule::vjp_a(g, a, b, y)};  // pow: its exponent is a constant
  }
}

/// The second input, `b` unless it is a constant.
template <class Rule, class T>
auto second(const T& b) {
  if constexpr (std::same_as<Rule, rules::Pow>) {
    return exponent;
  } else {
    return b;
  }
}

template <class Rule>
std::string written_result() {
  if constexpr (std::same_as<Rule, rules::Relu>) {
    return "max(a, 0)";  // its row is a branch, and that cannot be read on text
  } else {
    return result<Rule>(Formula("a"), second<Rule>(Formula("b"))).text();
  }
}

/// One operation: its formulas, and its derivatives at a = 2, b = 4.
struct Row {
  std::string operation;
  std::vector<std::string> formulas;  // the result, then the gradient of each input
  std::vector<double> by_rule;        // for g = 1
  std::vector<double> by_difference;
};

template <class Rule>
Row row() {
  Row row;
  row.operation = Rule::name;
  row.formulas = {written_result<Rule>()};
  for (const Formula& formula :
       gradients<Rule>(Formula("g"), Formula("a"), second<Rule>(Formula("b")), Formula("y"))) {
    row.formulas.push_back(formula.text());
  }
  const double b = second<Rule>(at_b);
  row.by_rule = gradients<Rule>(1.0, at_a, b, result<Rule>(at_a, b));
  const auto of_a = [b](double a) { return result<Rule>(a, b); };
  const auto of_b = [](double b_near) { return result<Rule>(at_a, b_near); };
  row.by_difference = {central_difference(of_a, at_a)};
  if (row.by_rule.size() == 2) row.by_difference.push_back(central_difference(of_b, at_b));
  return row;
}

void show_formulas(workbook::Page& page, const std::vector<Row>& rows) {
  workbook::Table table{.columns = {"operation", "y", "gradient of a", "gradient of b"}};
  for (const Row& row : rows) {
    const bool two = row.formulas.size() == 3;
    table.rows.push_back(
        {row.operation, row.formulas[0], row.formulas[1], two ? row.formulas[2] : ""});
  }
  page.table(table);
}

void show_differences(workbook::Page& page, const std::vector<Row>& rows) {
  workbook::Table table{
      .columns = {"operation", "d/da by rule", "by difference", "d/db by rule", "by difference"}};
  for (const Row& row : rows) {
    std::vector<std::string> cells = {row.operation};
    for (std::size_t i = 0; i < row.by_rule.size(); ++i) {
      cells.push_back(number(row.by_rule[i], 9));
      cells.push_back(number(row.by_difference[i], 9));
    }
    cells.resize(table.columns.size());
    table.rows.push_back(std::move(cells));
  }
  page.table(table);
}

void claim_differences(workbook::Page& page, const std::vector<Row>& rows) {
  double largest = 0;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.by_rule.size(); ++i) {
      largest = std::max(largest, std::abs(row.by_rule[i] - row.by_difference[i]));
    }
  }
  // What a central difference leaves out is h²/6 of the third derivative, and what rounding adds is
  // the spacing of doubles at f, over h. Neither f nor its third derivative exceeds 10 here.
  const double allowed = 10 * (h * h / 6 + std::numeric_limits<double>::epsilon() / h);
  page.claim("rules and differences agree", largest <= allowed,
             fmt::format("at most {} apart, allowed {}", workbook::error_text(largest),
                         workbook::error_text(allowed)));
}

void compare_with_libtorch(workbook::Page& page, const reference::TwinRun& libtorch,
                           const std::vector<Row>& rows) {
  const std::vector<std::string> by_hand = {
      "[1, 1]",  "[4, 2]",         "12",     "7.3891", "0.5", "0.0707", "1",
      "[1, -1]", "[0.25, -0.125]", "0.3536", "0.1050"};
  auto& checks = page.checks(libtorch);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<double>& by_rule = rows[i].by_rule;
    const workbook::Quantity gradient =
        by_rule.size() == 1 ? workbook::Quantity(by_rule[0]) : workbook::Quantity(by_rule);
    checks.compare("d " + rows[i].operation, gradient, by_hand[i]);
  }
}

double slope(const Value& y, const Value& x) {
  y.backward();
  return x.grad();
}

double slope_of_power_at_0(double power) {
  const Value x(0.0);
  return slope(x.pow(power), x);
}

void show_edges(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Edges");
  const double corner = central_difference([](double x) { return rules::Relu::forward(x); }, 0);
  page.prose(fmt::format(
      "Where calculus is silent an engine must still answer. At 0 relu has a corner: slope 0 on "
      "the left, 1 on the right. A central difference sees both and says {}. The table says 0, as "
      "LibTorch does: a convention, and all that matters is to share it. Powers with exponent "
      "0 are constant: slope 0, where the formula would say 0 * inf, which is NaN. To stay clear "
      "of that product relu has its gate: a blocked g is dropped, even an infinite one.",
      number(corner)));
  const Value relu_x(0.0);
  const Value log_x(0.0);
  const Value log_0 = log_x.log();
  // [code: length]
  Value x(0.0, "x");
  Value length = x.pow(2).sqrt();
  length.backward();
  // [/code]
  auto& edges = page.checks(libtorch);
  edges.compare("relu'(0)", slope(relu_x.relu(), relu_x), "0");
  edges.compare("relu'(-2) where g is inf", rules::Relu::vjp(inf, -2.0, 0.0), "0");
  edges.compare("log(0)", log_0, "-inf");
  edges.compare("log'(0)", slope(log_0, log_x), "inf");
  edges.compare("slope of x^0 at 0", slope_of_power_at_0(0), "0");
  edges.compare("slope of x^0.5 at 0", slope_of_power_at_0(0.5), "inf");
  edges.compare("length", length, "0");
  edges.compare("dlength/dx", x.grad(), "nan");
  page.prose("The last two lines are what an infinite slope does in practice:");
  page.code("length");
  page.prose(
      "The value is a harmless 0. Its gradient is inf times 0: NaN, after one update the weight "
      "is NaN, and soon so is every other. Norms in training code carry a small constant under "
      "the root for this reason.");
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::local_gradients);

  page.prose(
      "A model of billions of weights is made of a few dozen kinds of operation, used over and "
      "over. An engine that has the derivative of each kind can differentiate every program made "
      "of them. All its calculus is one short table, and one wrong row spoils every gradient that "
      "passes through it.");

  page.heading("The table");
  page.prose(
      "An operation computes y from its inputs a and b. On the way back it is told g, the gradient "
      "of y, and answers with the gradients of a and b. It sees nothing else of the graph. In "
      "`engine/rules.hpp` each answer is one formula, and C++ can read it on any type, on numbers "
      "or on text that writes itself down. The function is called `vjp` (lesson 20 says why); its "
      "arguments are g, the input and y:");
  // [code: reading]
  const double on_numbers = rules::Tanh::vjp(1.0, 2.0, std::tanh(2.0));
  const Formula g("g"), a("a"), y("y");
  const Formula on_text = rules::Tanh::vjp(g, a, y);
  // [/code]
  page.code("reading");
  page.output(fmt::format("{:.9f}\n{}", on_numbers, on_text.text()));
  const std::vector<Row> rows = {row<rules::Add>(),  row<rules::Mul>(),    row<rules::Pow>(),
                                 row<rules::Exp>(),  row<rules::Log>(),    row<rules::Tanh>(),
                                 row<rules::Relu>(), row<rules::Sub>(),    row<rules::Div>(),
                                 row<rules::Sqrt>(), row<rules::Sigmoid>()};
  page.prose("So the formulas of this table are the very ones the engine runs on:");
  show_formulas(page, rows);
  page.prose(
      "`gate(g, y)` is g where y is positive, else 0. (relu's own row is a branch, so its y is "
      "written out here.) For g = 1 each entry is the local gradient: b for a product, y for exp.");

  page.heading("Three ways to the same number");
  page.prose(
      "Each row now faces two judges, at a = 2, b = 4 and g = 1. The first knows no formulas. It "
      "moves one input by h = 1e-5 either way: `(f(x + h) - f(x - h)) / 2h`.");
  show_differences(page, rows);
  page.prose("The second is LibTorch, which has formulas of its own:");
  compare_with_libtorch(page, libtorch, rows);
  claim_differences(page, rows);
  const Value v(at_a, "a");
  const Value w(at_b, "b");
  const Value all = v + w + v * w + v.pow(3) + v.exp() + v.log() + v.tanh() + v.relu() + (v - w) +
                    v / w + v.sqrt() + v.sigmoid();
  all.backward();
  page.replayed(reference::replay(all), "all rows in one graph");

  show_edges(page, libtorch);
  page.try_next(
      "Change `x.pow(2).sqrt()` to `(x.pow(2) + 1e-12).sqrt()`. The length at 0 becomes 1e-06 and "
      "its gradient 0. Both checks fail then: the twin has no small constant.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 2,
                               .name = "local_gradients",
                               .title = "Local gradients",
                               .question = "How much calculus does an engine have to know?",
                               .checks = 21},
                              build);
}
