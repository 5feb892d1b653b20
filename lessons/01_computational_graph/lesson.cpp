#include "lessons/workbook/lesson.hpp"

#include "engine/draw.hpp"
#include "engine/value.hpp"
#include "reference/replay.hpp"
#include "reference/twins/01_computational_graph.hpp"

using namespace gradbook;

namespace {

// [code: program]
Value program(Value x) {
  if (x.data() < 0) x = -x;
  while (x.data() < 10) x = x * 2;
  return x;
}
// [/code]

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::computational_graph);

  page.prose(
      "A neural network is one long expression with a number at the end, the loss. Training needs "
      "the slope of that number with respect to every weight, millions of them. Nobody derives "
      "those slopes by hand: the program that computes the loss leaves a record as it runs, and "
      "the slopes are read off the record. This lesson makes the smallest such record.");

  page.heading("An expression leaves a graph behind");
  page.prose("Four numbers, each computed from the one before:");
  // [code: expression]
  Value x(2.0, "x");
  Value a = (3 * x).set_label("a");
  Value b = (a + 1).set_label("b");
  Value c = b.pow(2).set_label("c");
  // [/code]
  page.code("expression");
  page.prose(
      "Nothing here says `graph`. Each `Value` holds a number and remembers the operation and the "
      "numbers that it came from; that is all. Values flow forward as the lines run: "
      "2, 6, 7, 49.");

  page.heading("Gradients flow backward");
  page.prose(
      "The gradient of a node answers one question: if this number grew by a tiny amount, how many "
      "times that amount would c grow? For c itself the answer is 1. One call computes all the "
      "others, from c back to x:");
  // [code: backward]
  c.backward();
  // [/code]
  page.code("backward");
  page.prose("The graph, with the result on top and what it was computed from below:");
  page.graph(draw(c));
  page.prose(
      "Read the gradients downwards. c is b squared, so c grows 2b = 14 times as fast as b. b is a "
      "plus 1, so a's gradient is the same 14. a is 3 times x, so x's is 3 times as large: 42.");

  auto& checks = page.checks(libtorch);
  checks.compare("a", a, "6");
  checks.compare("b", b, "7");
  checks.compare("c", c, "49");
  checks.compare("dc/dc", c.grad(), "1");
  checks.compare("dc/db", b.grad(), "14");
  checks.compare("dc/da", a.grad(), "14");
  checks.compare("dc/dx", x.grad(), "42");
  page.prose(
      "The column LibTorch is not a stored answer: the same expression, its twin in "
      "`reference/twins/01_computational_graph.cpp`, has just run there, and the whole graph was "
      "run once more from its record, node by node. The column error is the distance of the engine "
      "from LibTorch in float64.");
  page.replayed(reference::replay(c), "every node of the graph");
  page.prose(
      "A step is judged on the inputs that the engine had there; end to end compares the whole "
      "computation run in each.");

  page.heading("The graph is made as the program runs");
  page.prose("An `if` and a loop need no special treatment. Only the lines that ran are recorded:");
  page.code("program");
  // [code: two runs]
  Value positive(2.0, "x");
  Value from_positive = program(positive);
  from_positive.backward();
  Value negative(-3.0, "x");
  Value from_negative = program(negative);
  from_negative.backward();
  // [/code]
  page.code("two runs");
  page.prose("From 2 the loop doubles three times:");
  page.graph(draw(from_positive));
  page.prose("From -3 the sign is turned first, and two doublings are enough:");
  page.graph(draw(from_negative));
  page.prose(
      "The same program, two graphs, two slopes. This is define-by-run, the way PyTorch works too: "
      "the graph is not declared, it is what happened.");
  auto& runs = page.checks(libtorch);
  runs.compare("program(2)", from_positive, "16");
  runs.compare("slope at 2", positive.grad(), "8");
  runs.compare("program(-3)", from_negative, "12");
  runs.compare("slope at -3", negative.grad(), "-4");

  page.try_next(
      "Change `b.pow(2)` to `b.pow(3)` and run the lesson again. c becomes 343, dc/db becomes "
      "3 * 49 = 147 and dc/dx becomes 441. The checks against LibTorch and the figures by hand "
      "then fail, as they should: the twin still squares.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 1,
                               .name = "computational_graph",
                               .title = "The computational graph",
                               .question = "How can a program know the slope of what it computes?",
                               .checks = 12},
                              build);
}
