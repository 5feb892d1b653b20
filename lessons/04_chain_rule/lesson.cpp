#include "lessons/workbook/lesson.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "engine/draw.hpp"
#include "engine/value.hpp"
#include "reference/replay.hpp"
#include "reference/twins/04_chain_rule.hpp"

using namespace gradbook;
using workbook::number;

namespace {

/// One way through the graph: the numbers on it, the local gradients, and their product.
struct Path {
  std::string through = {};
  std::string factors = {};
  double product = 1;

  Path then(const Value& value, double local) const {
    const std::string name = value.label().empty() ? std::string(value.operation()) : value.label();
    return {through + " -> " + name,
            factors.empty() ? number(local) : factors + " * " + number(local), product * local};
  }
};

using Paths = std::vector<Path>;

// [code: follow]
void follow(const Value& from, const Value& to, const Path& p, Paths& all) {
  if (from.is_same(to)) all.push_back(p);
  const ValueNode& n = from.node();
  const std::vector<Value> parents = from.parents();
  for (std::size_t i = 0; i < parents.size(); ++i) {
    const auto local = n.rule->vjp(1, n.input(0), n.input(1), n.data);
    follow(parents[i], to, p.then(parents[i], local[i]), all);
  }
}
// [/code]

Paths paths(const Value& from, const Value& to) {
  Paths found;
  follow(from, to, {.through = from.label()}, found);
  return found;
}

double total(const Paths& paths) {
  double sum = 0;
  for (const Path& path : paths) sum += path.product;
  return sum;
}

void add_rows(workbook::Table& table, const Value& from, const Value& to) {
  for (const Path& path : paths(from, to)) {
    table.rows.push_back(
        {"d" + from.label() + "/d" + to.label(), path.through, path.factors, number(path.product)});
  }
}

Value doubled(Value x, int times) {
  for (int i = 0; i < times; ++i) x = x + x;
  return x;
}

void show_recurrence(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("One weight, used many times");
  page.prose(
      "In networks this is the rule. A convolution uses its kernel at every place, a recurrent "
      "network its weight at every step, a language model often one matrix to read words and to "
      "write them. Four steps of the smallest recurrence:");
  // [code: recurrence]
  Value w(3.0, "w");
  Value h(1.0, "h0");
  for (int step = 1; step <= 4; ++step) {
    h = (w * h).set_label("h" + std::to_string(step));
  }
  h.backward();
  // [/code]
  page.code("recurrence");
  workbook::Table table{.columns = {"gradient", "path", "local gradients", "product"}};
  add_rows(table, h, w);
  page.table(table);
  page.prose(
      "h4 is w to the power 4, and its slope 4 w^3 = 4 * 27: one path for each use of w. After 100 "
      "steps the longest path has 100 factors, and a product of a hundred factors of 3, or of 0.3, "
      "is how "
      "gradients explode or vanish.");
  auto& checks = page.checks(libtorch);
  checks.compare("dh4/dw", w.grad(), "108");
  checks.compare("dh4/dw by paths", total(paths(h, w)), "108");
}

void show_count_of_paths(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Why nobody lists the paths");
  page.prose("Add a number to itself, and the result to itself, and so on:");
  // [code: doubling]
  Value x(1.0, "x");
  Value y = doubled(x, 40);
  y.backward();
  // [/code]
  page.code("doubling");
  const Value start(1.0);
  const Value ten = doubled(start, 10);
  ten.backward();
  page.prose(
      "Each `x + x` doubles the paths, and each path is worth 1: the slope counts them. After ten "
      "doublings `follow` lists 1024. After forty there are more than a million million, and "
      "`backward` took forty steps. It adds up what arrives at a number and hands it on once. "
      "Without that, no gradient of a large program could be had.");
  auto& checks = page.checks(libtorch);
  checks.compare("10 doublings", start.grad(), "1024");
  checks.compare("paths of 10", paths(ten, start).size(),
                 {.by_hand = "1024", .twin_name = "10 doublings"});
  checks.compare("40 doublings", x.grad(), "1099511627776");
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::chain_rule);

  page.prose(
      "The chain rule for a chain is known from school: multiply the slopes along the way. A graph "
      "is more than a chain. A number may be used twice, and then a change of it reaches the "
      "result on two ways at once.");

  page.heading("Two paths from b to c");
  // [code: expression]
  Value a(2.0, "a"), b(3.0, "b");
  Value sum = (a + b).set_label("sum");
  Value c = (sum * b).set_label("c");
  c.backward();
  // [/code]
  page.code("expression");
  page.graph(draw(c));
  page.prose(
      "b stands in two places: in the sum, and as a factor beside it. To see what that means for "
      "its gradient, walk every path from c down, and multiply the local gradients on the way:");
  page.code("follow");
  workbook::Table table{.columns = {"gradient", "path", "local gradients", "product"}};
  add_rows(table, c, a);
  add_rows(table, c, b);
  page.table(table);
  page.prose(
      "Along a path: multiply. Where paths meet: add. One path leads to a, and dc/da is 3. Two "
      "lead to b, worth 3 and 5, and dc/db is 8. That is the whole chain rule, and the `+=` in "
      "the backward step of lesson 03 is its second half.");
  auto& checks = page.checks(libtorch);
  checks.compare("sum", sum, "5");
  checks.compare("c", c, "15");
  checks.compare("dc/da", a.grad(), "3");
  checks.compare("dc/db", b.grad(), "8");
  checks.compare("dc/db by paths", total(paths(c, b)), "8");
  page.prose("Put `=` where `+=` belongs, and the last path to arrive wins:");
  std::map<const ValueNode*, double> grad = {{&c.node(), 1}};
  // [code: overwriting]
  for (const Value& value : {c, sum}) {
    const ValueNode& n = value.node();
    const auto share = n.rule->vjp(grad[&n], n.input(0), n.input(1), n.data);
    for (int i : {0, 1}) grad[n.parents[i].get()] = share[i];
  }
  // [/code]
  page.code("overwriting");
  page.prose(
      "The 5 that c gave to b is lost when the sum writes its 3. No error, no NaN, only a gradient "
      "that is too small.");
  page.claim("overwriting gives dc/db = 3", grad[&b.node()] == 3, number(grad[&b.node()]));
  page.replayed(reference::replay(c), "the graph of c, replayed");

  show_recurrence(page, libtorch);
  show_count_of_paths(page, libtorch);

  page.try_next(
      "Change `sum * b` to `sum * b * b`. A third path to b appears: dc/db is 9 + 15 + 15 = 39, "
      "dc/da is 9 and c is 45. Five checks of the first section fail, as the twin still has one "
      "factor "
      "b.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 4,
                               .name = "chain_rule",
                               .title = "The chain rule",
                               .question = "What is the gradient of a number that is used twice?",
                               .checks = 12},
                              build);
}
