#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "engine/draw.hpp"
#include "engine/value.hpp"
#include "reference/replay.hpp"
#include "reference/twins/03_value_engine.hpp"

using namespace gradbook;
using workbook::number;

namespace {

// [code: from nothing]
struct Tiny {
  double data = 0, grad = 0;
  std::vector<const Tiny*> parents = {};
  std::string operation = {}, label = {};
};
Tiny operator*(const Tiny& a, const Tiny& b) {
  const double product = a.data * b.data;
  return {product, 0, {&a, &b}, "mul"};
}
// [/code]

/// The gradients of a backward pass by node, and the labels of the nodes it has visited.
struct Gradients : std::map<const ValueNode*, double> {
  std::string visits;
};

// [code: hand on]
void hand_on(const Value& value, Gradients& grad) {
  const ValueNode& n = value.node();
  const auto share = n.rule->vjp(grad[&n], n.input(0), n.input(1), n.data);
  for (int i : {0, 1}) grad[n.parents[i].get()] += share[i];
  grad.visits += " " + value.label();
}
// [/code]

// [code: naive]
void naive(const Value& value, Gradients& grad) {
  if (value.is_leaf()) return;
  hand_on(value, grad);
  for (const Value& parent : value.parents()) naive(parent, grad);
}
// [/code]

std::uint64_t born(const Value& value) { return value.node().number; }

// [code: newest first]
void newest_first(const Value& root, Gradients& grad) {
  std::map<std::uint64_t, Value> waiting = {{born(root), root}};
  while (!waiting.empty()) {
    const Value value = waiting.extract(std::prev(waiting.end())).mapped();
    if (value.is_leaf()) continue;
    hand_on(value, grad);
    for (const Value& p : value.parents()) waiting.emplace(born(p), p);
  }
}
// [/code]

template <class Walk>
Gradients walked(Walk walk, const Value& root) {
  Gradients grad;
  grad[&root.node()] = 1;
  walk(root, grad);
  return grad;
}

/// Returns what a prints as before backward.
std::string show_members(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Five things to remember");
  page.prose(
      "A number in a graph needs its data, a place for its gradient, the parents it was computed "
      "from, the operation that did it, and a label for people. Built from nothing, with one "
      "operator:");
  page.code("from nothing");
  page.prose("The engine's `Value` is asked for the same five:");
  // [code: product]
  Value a(2.0, "a"), b(3.0, "b");
  Value c = (a * b).set_label("c");
  // [/code]
  page.code("product");
  std::string printed = a.to_string();

  const Tiny tiny_a{.data = 2, .label = "a"};
  const Tiny tiny_b{.data = 3, .label = "b"};
  Tiny tiny_c = tiny_a * tiny_b;
  tiny_c.label = "c";
  page.table({.columns = {"type", "data", "grad", "parents", "operation", "label"},
              .rows = {{"Tiny", number_text(tiny_c.data), number_text(tiny_c.grad),
                        tiny_c.parents[0]->label + ", " + tiny_c.parents[1]->label,
                        tiny_c.operation, tiny_c.label},
                       {"Value", number_text(c.data()), number_text(c.grad()),
                        c.parents()[0].label() + ", " + c.parents()[1].label(),
                        std::string(c.operation()), c.label()}}});
  c.backward();
  page.figure("print of a", printed);

  page.prose(fmt::format(
      "Printed, a is `{}` before `c.backward()` and `{}` after. Operators take numbers on either "
      "side: in `2 * a` the 2 becomes a Value by itself, a leaf like any other. The last three "
      "rows of the table are such slopes at a = 2.",
      printed, a.to_string()));
  const auto slope = [](const auto& expression) {
    const Value at(2.0);
    expression(at).backward();
    return at.grad();
  };
  auto& checks = page.checks(libtorch);
  checks.compare("ab", c, "6");
  checks.compare("d(ab)/da", a.grad(), "3");
  checks.compare("d(ab)/db", b.grad(), "2");
  checks.compare("slope of 2 * a", slope([](const Value& v) { return 2 * v; }), "2");
  checks.compare("slope of a * 2", slope([](const Value& v) { return v * 2; }), "2");
  checks.compare("slope of 1 / a", slope([](const Value& v) { return 1 / v; }), "-0.25");
  return printed;
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::value_engine);

  page.prose(
      "Every framework that trains large models has one class at its heart: the number, or array "
      "of numbers, that remembers where it came from. With the table of lesson 02, this class and "
      "one walk over the graph are all there is to write.");
  const std::string printed = show_members(page, libtorch);

  page.heading("Backward, and why its order matters");
  page.prose(
      "One step of the backward pass asks the table for the shares of the parents and adds them to "
      "what the parents have already. From there it seems natural to go on to each parent:");
  page.code("hand on");
  page.code("naive");
  page.prose("Try it on a diamond, where two paths part at a and meet again in d:");
  // [code: diamond]
  Value x(1.0, "x");
  Value a = (2 * x).set_label("a");
  Value b = (a + 1).set_label("b");
  Value c = (3 * a).set_label("c");
  Value d = (b + c).set_label("d");
  d.backward();
  // [/code]
  page.code("diamond");
  page.graph(draw(d));
  const Gradients wrong = walked(naive, d);
  const Gradients right = walked(newest_first, d);
  page.output(fmt::format(
      "naive         dd/dx = {:<4} visits:{}\nnewest first  dd/dx = {:<4} visits:{}",
      number(wrong.at(&x.node())), wrong.visits, number(right.at(&x.node())), right.visits));
  page.prose(
      "The naive walk visits a twice. First a has the 1 that came through b and hands on 2 * 1. "
      "Then c adds 3, and a hands on 2 * 4: the 1 counts twice, and x gets 10 instead of 8. A "
      "number may hand on only after all that was computed from it, in a topological order. That "
      "is easy to have. Numbers are newer than their parents, so let the newest go first:");
  page.code("newest first");

  page.prose(
      "Is it right? A slope can be had without any graph, from two runs a little apart. This is "
      "ab; the diamond goes the same way:");
  // [code: numeric]
  const double eps = 1e-4;
  const auto product = [](double v) { return (Value(v) * 3).data(); };
  const double slope = (product(2 + eps) - product(2 - eps)) / (2 * eps);
  // [/code]
  page.code("numeric");
  const auto diamond = [](double v) { return ((2 * Value(v) + 1) + 3 * (2 * Value(v))).data(); };
  const double through = (diamond(1 + eps) - diamond(1 - eps)) / (2 * eps);
  auto& checks = page.checks(libtorch);

  checks.compare("dd/dx", x.grad(), "8");
  checks.compare("dd/dx, newest first", right.at(&x.node()),
                 {.by_hand = "8", .twin_name = "dd/dx"});
  page.figure("numeric d(ab)/da", slope);
  page.claim("how a prints at first", printed == "Value(data=2.0, grad=0.0)", printed);
  page.claim("numeric d(ab)/da is 3.0000", number(slope, 4) == "3.0000", number(slope, 4));
  page.claim("numeric dd/dx is 8.0000", number(through, 4) == "8.0000", number(through, 4));
  page.claim("the naive walk gives 10", wrong.at(&x.node()) == 10, number(wrong.at(&x.node())));
  page.replayed(reference::replay(d), "the diamond, replayed");
  page.prose(
      "It catches the naive walk. But it costs two runs of the program for each weight, where one "
      "backward pass serves them all.");

  page.try_next(
      "In the diamond, swap the parents of d: `c + b`. The naive walk now goes through c first and "
      "says 14 instead of 10, so its claim fails. Newest first still says 8.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 3,
                               .name = "value_engine",
                               .title = "The Value engine",
                               .question = "What must a number remember to find its gradient?",
                               .checks = 13},
                              build);
}
