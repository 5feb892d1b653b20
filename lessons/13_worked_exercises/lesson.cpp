#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include "engine/draw.hpp"
#include "engine/tensor.hpp"
#include "engine/value.hpp"
#include "reference/replay.hpp"
#include "reference/twins/13_worked_exercises.hpp"

using namespace gradbook;
using reference::Precision;
using workbook::number;

namespace {

void cube(workbook::Page& page) {
  page.heading("Exercise 1: x³ at x = 2");
  page.prose(
      "By hand: 2³ = 8. The power rule gives 3x² = 12. The product rule gives the same in another "
      "way: x·x·x has three factors, and each contributes the product of the other two, "
      "4 + 4 + 4.");
  // [code: cube]
  Value x(2.0, "x");
  Value power = x.pow(3);
  power.backward();
  Value factor(2.0, "x");
  Value product = factor * factor * factor;
  product.backward();
  // [/code]
  page.code("cube");
  page.graph(draw(product));
  page.prose(
      "In the drawing the outer `mul` hands 4 to x directly and 2 to the inner `mul`, which "
      "hands 2·2 to x twice. The three arrive at the same leaf.");
  auto& checks = page.checks(reference::run_twin(reference::twins::cube));
  checks.compare("x³", power, "8");
  checks.compare("slope of x³", x.grad(), "12");
  checks.compare("x·x·x", product, "8");
  checks.compare("slope of x·x·x", factor.grad(), "12");
}

// [code: softmax]
Value softmax(Value x, Value z, double shift = 0) {
  const Value ex = (x - shift).exp(), ez = (z - shift).exp();
  return ex / (ex + ez);
}
// [/code]

void two_scalars(workbook::Page& page) {
  page.heading("Exercise 2: softmax of x = 1 and z = 2");
  page.prose(
      "Softmax turns scores into shares: p = eˣ / (eˣ + eᶻ). By hand: 2.7183 / (2.7183 + 7.3891) = "
      "0.2689. The quotient rule gives dp/dx = p(1-p) = 0.2689 · 0.7311 = 0.1966, and dp/dz is the "
      "same with a minus: the two shares always sum to 1.");
  page.code("softmax");
  // [code: two scalars]
  Value x(1.0, "x"), z(2.0, "z");
  Value p = softmax(x, z);
  p.backward();
  // [/code]
  page.code("two scalars");
  const auto libtorch = reference::run_twin(
      [](Precision precision) { return reference::twins::softmax(precision, 1, 2); });
  auto& checks = page.checks(libtorch);
  checks.compare("p", p, "0.2689");
  checks.compare("dp/dx", x.grad(), "0.1966");
  checks.compare("dp/dz", z.grad(), "-0.1966");
  page.replayed(reference::replay(p), "every node of softmax");

  page.prose(
      "Only the difference of the scores matters, so 1001 and 1002 should give the same shares. "
      "They do not:");
  // [code: large]
  Value large_x(1001.0), large_z(1002.0);
  Value overflown = softmax(large_x, large_z);
  overflown.backward();
  Value shifted_x(1001.0), shifted_z(1002.0);
  Value shifted = softmax(shifted_x, shifted_z, 1002.0);
  shifted.backward();
  // [/code]
  page.code("large");
  const auto large = reference::run_twin(
      [](Precision precision) { return reference::twins::softmax(precision, 1001, 1002); });
  auto& limits = page.checks(large);
  limits.compare("p at 1001, 1002", overflown, {.by_hand = "nan", .twin_name = "p"});
  limits.compare("dp/dx at 1001, 1002", large_x.grad(), {.by_hand = "nan", .twin_name = "dp/dx"});
  limits.compare("shifted p", shifted, "0.2689");
  limits.compare("shifted dp/dx", shifted_x.grad(), "0.1966");
  limits.compare("LibTorch's own softmax", shifted, "0.2689");
  page.prose(
      "e¹⁰⁰¹ is beyond float64 and becomes inf; inf / inf is nan, and one nan in a gradient spoils "
      "every weight it reaches. Subtracting the largest score first changes nothing on paper and "
      "keeps every exponent at or below 0. LibTorch's own softmax does it too (last row); the "
      "scores inside attention can be as large.");
}

void activations(workbook::Page& page) {
  page.heading("Exercise 3: relu against tanh");
  page.prose(
      "By hand, at -2, -0.5, 0.5 and 2: relu lets the gradient through (1) where x > 0 and stops "
      "it (0) elsewhere. The slope of tanh is 1 - tanh²x: at ±0.5 it is 1 - 0.4621² = 0.786, at ±2 "
      "it is 1 - 0.9640² = 0.071.");
  // [code: activations]
  Tensor x({-2, -0.5, 0.5, 2}, requires_grad);
  x.relu().sum().backward();
  const Tensor relu = x.grad();
  x.zero_grad();
  x.tanh().sum().backward();
  const Tensor tanh = x.grad();
  // [/code]
  page.code("activations");
  const Snapshot points = x.snapshot();
  const auto libtorch = reference::run_twin(
      [&](Precision precision) { return reference::twins::activations(precision, points); });
  const Snapshot steps = relu.snapshot(), slopes = tanh.snapshot();
  workbook::Table table{.columns = {"x", "slope of relu", "slope of tanh"}};
  for (std::size_t i = 0; i < 4; ++i) {
    table.rows.push_back(
        {number(points.values[i]), number(steps.values[i]), number(slopes.values[i], 3)});
  }
  page.table(table);
  auto& checks = page.checks(libtorch);
  checks.compare("relu'", relu, "[0, 0, 1, 1]");
  checks.compare("tanh'", tanh, "[0.071, 0.786, 0.786, 0.071]");
}

// [code: slope]
template <class Activation>
double slope_after(int layers, Activation activation) {
  Value x(2.0);
  Value y = x;
  for (int i = 0; i < layers; ++i) y = activation(y);
  y.backward();
  return x.grad();
}
// [/code]

void depth(workbook::Page& page) {
  page.prose(
      "In a deep network these slopes multiply. Start at x = 2 and apply the same activation again "
      "and again:");
  page.code("slope");
  const double relu = slope_after(20, [](const Value& v) { return v.relu(); });
  const double tanh = slope_after(20, [](const Value& v) { return v.tanh(); });
  const auto libtorch = reference::run_twin(
      [](Precision precision) { return reference::twins::repeated(precision, 2, 20); });
  auto& checks = page.checks(libtorch);
  checks.compare("slope after 20 relu", relu, {.by_hand = "1", .twin_name = "relu"});
  checks.compare("slope after 20 tanh", tanh, {.twin_name = "tanh"});
  page.prose(fmt::format(
      "Twenty tanh leave {} of the gradient; relu leaves all of it, or, from a negative x, none. "
      "This is one reason why deep networks rarely have tanh between their layers.",
      workbook::number_significant(tanh, 2)));
}

void build(workbook::Page& page, const workbook::Options&) {
  page.prose(
      "Three exercises to do on paper first: cover what stands below each heading, work out the "
      "numbers, then compare. They are small on purpose. A gradient that looks wrong in a large "
      "network is found in the same way, by working out one entry by hand.");
  cube(page);
  two_scalars(page);
  activations(page);
  depth(page);
  page.try_next(
      "In exercise 2 set z to 1. Both scores are equal then: p is 0.5 and dp/dx is 0.25, the "
      "largest it can be. The checks of p fail, since the twin still has z = 2.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 13,
                               .name = "worked_exercises",
                               .title = "Worked exercises",
                               .question = "Can you find the gradient before the program does?",
                               .checks = 17},
                              build);
}
