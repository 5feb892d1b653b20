#include "lessons/workbook/lesson.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/draw.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "reference/replay.hpp"
#include "reference/twins/09_reductions_and_activations.hpp"

using namespace gradbook;
using workbook::number;

namespace {

void over_all(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Over all elements");
  // [code: mean]
  Tensor x({{1, 2, 3}, {4, 5, 6}}, requires_grad);
  Tensor mean = x.mean();
  mean.backward();
  // [/code]
  page.code("mean");
  const Tensor gradient = x.grad();
  page.prose(
      "A sum passes the gradient that arrives to each of its terms unchanged. A mean is a sum "
      "divided by the number of terms, and so is its gradient: every element gets 1/6 of what "
      "arrives.");
  Tensor again({{1, 2, 3}, {4, 5, 6}}, requires_grad);
  Tensor sum = again.sum();
  sum.backward();
  auto& checks = page.checks(libtorch);
  checks.compare("mean", mean, "3.5");
  checks.compare("gradient of the mean", gradient);
  checks.compare("sum", sum, "21");
  checks.compare("gradient of the sum", again.grad(), "[[1, 1, 1], [1, 1, 1]]");
  const std::vector<double> values = gradient.snapshot().values;
  page.claim("every gradient of the mean is 0.16666667",
             std::all_of(values.begin(), values.end(),
                         [](double g) { return static_cast<float>(g) == 0.16666667F; }));
}

void over_some(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Over some dimensions");
  page.prose(
      "Named dimensions are summed away; -1 is the last. With `keepdim`, the second argument, they "
      "stay as dimensions of size 1. x is the (2, 3) from above, block holds 1 to 12 as (2, 2, "
      "3):");
  Tensor x({{1, 2, 3}, {4, 5, 6}}, requires_grad);
  const Tensor block({{{1, 2, 3}, {4, 5, 6}}, {{7, 8, 9}, {10, 11, 12}}});
  auto& forward = page.checks(libtorch);
  forward.compare("x.sum({0})", x.sum({0}), "[5, 7, 9]");
  forward.compare("x.sum({-1})", x.sum({-1}), "[6, 15]");
  forward.compare("x.sum({1}, true)", x.sum({1}, true), "[[6], [15]]");
  forward.compare("x.mean({1})", x.mean({1}), "[2, 5]");
  forward.compare("block.mean({0, 2})", block.mean({0, 2}), "[5, 8]");
  forward.compare("block.sum({-1, -3})", block.sum({-1, -3}), "[30, 48]");
  page.prose(
      "Backward, each element receives the gradient of the sum that it went into. What "
      "broadcasting stretches forward, its gradient sums; what a sum adds up forward, its gradient "
      "stretches:");
  // [code: back from some]
  x.sum({1}).backward(Tensor({1, 2}));
  Tensor from_rows = x.grad();
  x.zero_grad();
  x.mean({0}).backward(Tensor({2, 4, 6}));
  // [/code]
  page.code("back from some");
  auto& backward = page.checks(libtorch);
  backward.compare("back from x.sum({1})", from_rows, "[[1, 1, 1], [2, 2, 2]]");
  backward.compare("back from x.mean({0})", x.grad(), "[[1, 2, 3], [1, 2, 3]]");
}

void keepdim(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Why keepdim");
  page.prose("To centre each row of a matrix, subtract its mean:");
  // [code: centre]
  Tensor m({{1, 3}, {5, 7}});
  Tensor centred = m - m.mean({1}, true);  // (2, 2) - (2, 1)
  Tensor mistaken = m - m.mean({1});       // (2, 2) - (2,)
  // [/code]
  page.code("centre");
  auto& checks = page.checks(libtorch);
  checks.compare("with keepdim", centred, "[[-1, 1], [-1, 1]]");
  checks.compare("without", mistaken, "[[-1, -3], [3, 1]]");
  page.prose(
      "Without it the means 2 and 6 lie flat, and broadcasting takes 2 from the first column and 6 "
      "from the second. On a (2, 3) the shapes would not fit, and the mistake would be an error. "
      "On a square it is silent.");
}

void mean_of_means(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("A mean of means");
  page.prose(
      "A batch too large for memory is cut into pieces, and the means of the pieces averaged. "
      "Three losses, 1, 2 and 6, have the mean 3. Cut into two and one:");
  // [code: pieces]
  Tensor first({1, 2}, requires_grad);
  Tensor second({6}, requires_grad);
  Tensor of_means = (first.mean() + second.mean()) / 2;
  of_means.backward();
  // [/code]
  page.code("pieces");
  auto& checks = page.checks(libtorch);
  checks.compare("mean of two means", of_means, "3.75");
  checks.compare("gradient, first piece", first.grad(), "[0.25, 0.25]");
  checks.compare("gradient, last piece", second.grad(), "[0.5]");
  page.prose(
      "The example that is alone in its piece counts twice as much as the others. Sum the pieces, "
      "and divide once by the number of all.");
}

void activations(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Activations");
  page.prose(
      "relu and tanh act on each element alone, so what arrives at an element is multiplied by a "
      "slope of its own, from the table of lesson 02. With ones arriving, the slopes are the "
      "gradients:");
  Tensor z({-2, -0.5, 0, 0.5, 2}, requires_grad);
  Tensor relu = z.relu();
  relu.backward(Tensor::ones({5}));
  Tensor relu_slope = z.grad();
  z.zero_grad();
  Tensor tanh = z.tanh();
  tanh.backward(Tensor::ones({5}));
  workbook::Table table{.columns = {"z", "relu", "slope", "tanh", "slope"}};
  for (std::size_t i = 0; i < z.numel(); ++i) {
    table.rows.push_back({number(z.snapshot().values[i]), number(relu.snapshot().values[i]),
                          number(relu_slope.snapshot().values[i]),
                          number(tanh.snapshot().values[i], 4),
                          number(z.grad().snapshot().values[i], 4)});
  }
  page.table(table);
  auto& checks = page.checks(libtorch);
  checks.compare("relu(z)", relu, "[0, 0, 0, 0.5, 2]");
  checks.compare("relu'(z)", relu_slope, "[0, 0, 0, 1, 1]");
  checks.compare("tanh(z)", tanh);
  checks.compare("tanh'(z)", z.grad());
}

void a_layer(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("A layer and its loss");
  page.prose("Product, bias, activation, mean: backward goes through all of them in one call.");
  Trace trace;
  {
    const TraceScope recording(trace);
    // [code: layer]
    Tensor X({{1, 2}, {3, 4}});
    Tensor W({{1, 0.5}, {0.5, -1}}, requires_grad);
    Tensor b({0, 0}, requires_grad);
    Tensor h = (matmul(X, W) + b).relu();
    Tensor loss = h.mean();
    loss.backward();
    // [/code]
    page.code("layer");
    page.graph(draw(loss, {{"loss", loss}, {"h", h}, {"W", W}, {"b", b}}));
    auto& checks = page.checks(libtorch);
    checks.compare("loss", loss, "1.75");
    checks.compare("dL/dW", W.grad(), "[[1, 0], [1.5, 0]]");
    checks.compare("dL/db", b.grad(), "[0.5, 0]");
  }
  page.prose(
      "Tensors keep gradients at leaves only, and backward lets go of values that nothing else "
      "holds. X needs no gradient, so it is not on the graph.");
  page.replayed(reference::replay(trace), "the layer, replayed");
  page.prose(
      "The second unit is negative for both rows of X. relu passes nothing on, its column of dL/dW "
      "is 0, and no step on these rows will move it: a dead unit.");
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::reductions_and_activations);
  page.prose(
      "Backward starts from one number, but a batch has a loss for every example, or for every "
      "token. A sum or a mean makes one of many. Which of the two, over which dimensions, decides "
      "how much each example counts.");
  over_all(page, libtorch);
  over_some(page, libtorch);
  keepdim(page, libtorch);
  mean_of_means(page, libtorch);
  activations(page, libtorch);
  a_layer(page, libtorch);
  page.try_next(
      "Revive the second unit: set its bias to 2, `Tensor b({0, 2}, requires_grad)`. The first row "
      "of X then reaches it with 0.5. dL/db becomes [0.5, 0.25], the second column of dL/dW 0.25 "
      "and 0.5. Three checks of the layer fail, for the loss has changed too.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 9,
       .name = "reductions_and_activations",
       .title = "Reductions and activations",
       .question = "How do many numbers become one loss, and what does each get back?",
       .checks = 26},
      build);
}
