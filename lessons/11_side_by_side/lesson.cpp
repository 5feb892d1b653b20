#include "lessons/workbook/lesson.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "engine/value.hpp"
#include "lessons/workbook/code_regions.hpp"
#include "reference/replay.hpp"
#include "reference/twins/11_side_by_side.hpp"

using namespace gradbook;

namespace {

/// The lines of the twin that this lesson's binary was built with, from `// [code: name]` on.
std::string twin_code(std::string_view name) {
  for (const workbook::CodeRegion& region : workbook::code_regions(workbook::twin_source)) {
    if (region.name == name) return workbook::join_lines(region.lines);
  }
  throw std::logic_error("no code region '" + std::string(name) + "' in the twin's source");
}

/// The engine's lines, and below them LibTorch's.
void show_both(workbook::Page& page, std::string_view name) {
  page.code(name);
  page.output(twin_code(name));
}

void scalar(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("A scalar");
  // [code: scalar]
  Value x(2.0, "x");
  Value w(3.0, "w");
  Value b(1.0, "b");
  Value y = w * x + b;
  Value loss = y.pow(2);
  loss.backward();
  // [/code]
  show_both(page, "scalar");
  page.prose(
      "Above the engine; below, behind the bars, LibTorch, where `leaf` stands for the precision "
      "and for requires_grad. `Value` holds one number. LibTorch has no such type with a "
      "gradient: its scalar is a tensor of shape (), and costs what a tensor costs.");
  auto& checks = page.checks(libtorch);
  checks.compare("y", y, "7");
  checks.compare("loss", loss, "49");
  checks.compare("dloss/dx", x.grad(), "42");
  checks.compare("dloss/dw", w.grad(), "28");
  checks.compare("dloss/db", b.grad(), "14");
  page.replayed(reference::replay(loss), "every node");
  page.prose("The square gives 2y = 14. b gets it as it is, x gets 14w, and w gets 14x.");
}

void vector(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("A vector");
  Trace trace;
  {
    const TraceScope recording(trace);
    // [code: vector]
    Tensor u({1, 2, 3}, requires_grad);
    Tensor v({0.1, 0.2, 0.3}, requires_grad);
    Tensor dot = (u * v).sum();
    dot.backward();
    // [/code]
    show_both(page, "vector");
    auto& checks = page.checks(libtorch);
    checks.compare("dot", dot, "1.4");
    checks.compare("ddot/du", u.grad(), "[0.1, 0.2, 0.3]");
    checks.compare("ddot/dv", v.grad(), "[1, 2, 3]");
  }
  page.replayed(reference::replay(trace), "the dot product");
  page.prose("The gradient of each is the other: that is all a dot product has to give back.");
}

void attention(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("A matrix: attention scores");
  page.prose(
      "Two tokens, each with a query and a key of three numbers. Entry (i, j) of the scores is the "
      "dot product of query i with key j: how much token i looks at token j.");
  Trace trace;
  {
    const TraceScope recording(trace);
    // [code: attention]
    Tensor Q({{1, 0, 2}, {0, 1, 1}}, requires_grad);
    Tensor K({{1, 2, 0}, {0, 1, 3}}, requires_grad);
    Tensor scores = matmul(Q, K.t());
    scores.sum().backward();
    // [/code]
    show_both(page, "attention");
    auto& checks = page.checks(libtorch);
    checks.compare("scores", scores, "[[1, 6], [2, 4]]");
    checks.compare("dL/dQ", Q.grad(), "[[1, 3, 3], [1, 3, 3]]");
    checks.compare("dL/dK", K.grad(), "[[1, 1, 3], [1, 1, 3]]");
    page.claim("scores (2, 2), gradients (2, 3)", scores.shape() == Shape{2, 2} &&
                                                      Q.grad().shape() == Shape{2, 3} &&
                                                      K.grad().shape() == Shape{2, 3});
  }
  page.replayed(reference::replay(trace), "the scores");
  page.prose(
      "Each query met both keys, so its gradient is their sum, [1, 3, 3]; each key's is the sum of "
      "the queries. T tokens make T * T scores: a text twice as long has four times as many. That "
      "square is the price of long inputs.");
}

void names(workbook::Page& page) {
  page.heading("What carries over");
  page.prose(
      "The operations, `backward`, `grad` and `requires_grad_` have one name in both. These "
      "differ:");
  page.table({.columns = {"engine", "LibTorch", "why"},
              .rows = {{"Tensor x({1, 2}, requires_grad)", "torch::tensor({1.0, 2.0}, options)",
                        "a C++ constructor"},
                       {"x.shape()", "x.sizes()", "NumPy's and Python's name"},
                       {"x.zero_grad()", "x.mutable_grad().reset()", "optimizers hide it"},
                       {"Tensor64", "torch::kDouble", "a type, not a run-time flag"}}});
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::side_by_side);
  page.prose(
      "Whoever can read the engine can read LibTorch. Here are three programs twice, each in the "
      "lines that have just run, cut from the sources of the two programs. What stands below them "
      "are their results.");
  scalar(page, libtorch);
  vector(page, libtorch);
  attention(page, libtorch);
  names(page);
  page.try_next(
      "Attention divides its scores by the root of the key's length. Write `matmul(Q, K.t()) / "
      "std::sqrt(3.0)`, with `#include <cmath>`, here and in "
      "`reference/twins/11_side_by_side.cpp`. The scores, dL/dQ and dL/dK become 0.577 times what "
      "they were in both columns, and fail only by hand.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 11,
                               .name = "side_by_side",
                               .title = "Side by side",
                               .question = "How does the same program read in LibTorch?",
                               .checks = 15},
                              build);
}
