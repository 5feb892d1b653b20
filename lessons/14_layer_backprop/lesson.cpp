#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "engine/errors.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "reference/replay.hpp"
#include "reference/twins/14_layer_backprop.hpp"
#include "reference/verdict.hpp"

using namespace gradbook;
using reference::Precision;

namespace {

std::vector<double> sizes(const Tensor& tensor) {
  return {tensor.shape().begin(), tensor.shape().end()};
}

Tensor magnitudes(const Tensor& tensor) { return tensor.relu() + (-tensor).relu(); }

/// A row of the table below, for the product of two matrices.
std::vector<std::string> product(const std::string& text, const Tensor& a, const Tensor& b) {
  const std::size_t multiplications = a.shape()[0] * a.shape()[1] * b.shape()[1];
  return {text, to_string(a.shape()) + " " + to_string(b.shape()), std::to_string(multiplications)};
}

void cost(workbook::Page& page, const Tensor& x, const Tensor& W, const Tensor& g) {
  page.table({.columns = {"product", "shapes", "multiplications"},
              .rows = {product("y = xW", x, W), product("dL/dW = xᵀg", x.t(), g),
                       product("dL/dx = gWᵀ", g, W.t())}});
  page.prose(
      "All three products run over the same three sizes, so backward costs two forward passes. "
      "An addition goes with every multiplication: 2 operations for each weight and example "
      "forward, 4 backward. This is the 6 in the rule that training a large model costs 6 "
      "operations for every weight and token.");
}

void one_layer(workbook::Page& page) {
  page.heading("One layer");
  page.prose(
      "A batch of two examples with three inputs each, a layer with two outputs. The loss here is "
      "any number that depends on y; g is dL/dy, what arrives from above. Multiplying y by g and "
      "summing makes a loss with exactly that gradient.");
  // [code: layer]
  Tensor x({{1, 2, 3}, {4, 5, 6}}, requires_grad);
  Tensor W({{1, 0}, {0, 1}, {1, -1}}, requires_grad);
  Tensor b({1, -1}, requires_grad);
  Tensor g({{1, 2}, {3, -1}});
  Tensor y = matmul(x, W) + b;
  (y * g).sum().backward();
  // [/code]
  page.code("layer");
  page.prose(
      "W[i][j] carries input i to output j, in every example. So its gradient is input i times "
      "the gradient at output j, summed over the batch: for W[0][0], 1·1 + 4·3 = 13. b[j] "
      "is added in every example: its gradient is column j of g summed, 1 + 3 = 4 for the first. "
      "Written for all entries at once:");
  // [code: formulas]
  NoGradGuard no_grad;
  Tensor dW = matmul(x.t(), g);  // (3, 2) (2, 2) -> (3, 2)
  Tensor db = g.sum({0});        //        (2, 2) -> (2,)
  Tensor dx = matmul(g, W.t());  // (2, 2) (2, 3) -> (2, 3)
  // [/code]
  page.code("formulas");
  const Snapshot arriving = g.snapshot();
  const auto libtorch = reference::run_twin(
      [&](Precision precision) { return reference::twins::layer(precision, arriving); });
  auto& checks = page.checks(libtorch);
  checks.compare("y", y, "[[5, -2], [11, -2]]");
  checks.compare("dL/dW", W.grad(), "[[13, -2], [17, -1], [21, 0]]");
  checks.compare("dL/db", b.grad(), "[4, 1]");
  checks.compare("dL/dx", x.grad(), "[[1, 2, -1], [3, -1, 4]]");
  page.claim("the three formulas give the same",
             dW.snapshot() == W.grad().snapshot() && db.snapshot() == b.grad().snapshot() &&
                 dx.snapshot() == x.grad().snapshot(),
             "every element equal");
  page.claim("each gradient has the shape of what it belongs to",
             W.grad().shape() == W.shape() && b.grad().shape() == b.shape() &&
                 x.grad().shape() == x.shape());
  page.figure("shape of dL/dW", sizes(W.grad()));
  page.figure("shape of dL/db", sizes(b.grad()));
  page.figure("shape of dL/dx", sizes(x.grad()));
  cost(page, x, W, g);
}

/// A stack of layers and what a run through it left.
struct Network {
  std::vector<Tensor> W, b, h;
};

// [code: forward]
Tensor forward(Network& net, const Tensor& x, const Tensor& target) {
  net.h = {x};
  for (std::size_t l = 0; l < net.W.size(); ++l) {
    const Tensor z = matmul(net.h[l], net.W[l]) + net.b[l];
    net.h.push_back(l + 1 < net.W.size() ? z.tanh() : z);
  }
  return (net.h.back() - target).pow(2).mean();
}
// [/code]

/// What the formulas give, and for each element the scale of what was summed.
struct Gradients {
  std::vector<Tensor> W, b, W_scale, b_scale, arriving;
};

Gradients backward_by_hand(const Network& net, const Tensor& target) {
  const auto& [W, b, h] = net;
  const std::size_t layers = W.size();
  std::vector<Tensor> dW(layers), db(layers), arriving(layers);
  NoGradGuard no_grad;
  // [code: by hand]
  Tensor g = (h[layers] - target) * (2.0 / double(target.numel()));
  for (std::size_t l = layers; l-- > 0;) {
    if (l + 1 < layers) g = g * (1 - h[l + 1] * h[l + 1]);  // through tanh
    arriving[l] = g;
    dW[l] = matmul(h[l].t(), g);
    db[l] = g.sum({0});
    g = matmul(g, W[l].t());  // to the layer below
  }
  // [/code]
  Gradients result{dW, db, {}, {}, arriving};
  for (std::size_t l = 0; l < layers; ++l) {
    result.W_scale.push_back(matmul(magnitudes(h[l]).t(), magnitudes(arriving[l])));
    result.b_scale.push_back(magnitudes(arriving[l]).sum({0}));
  }
  return result;
}

bool agrees(const Tensor& by_formula, const reference::TwinRun& run, const std::string& name,
            const Tensor& scale) {
  const Snapshot magnitude = scale.snapshot();
  return reference::judge(by_formula.snapshot(), run.truth.at(name), run.peer.at(name),
                          Precision::float32, &magnitude)
      .ok;
}

void shapes_as_guard(workbook::Page& page, const Network& net, const Gradients& by_hand,
                     bool libtorch_refuses) {
  page.heading("Where shapes guard you, and where they do not");
  page.prose(
      "Swap the factors, gᵀh instead of hᵀg, and the gradient comes out transposed. For "
      "W1 of shape (2, 3) an update with it is refused:");
  NoGradGuard no_grad;
  std::string message = "nothing was refused";
  bool refused = false;
  // [code: swapped]
  Tensor swapped_1 = matmul(by_hand.arriving[0].t(), net.h[0]);
  try {
    Tensor updated = net.W[0] - 0.1 * swapped_1;
  } catch (const ShapeError& error) {
    message = error.what();
    refused = true;
  }
  Tensor swapped_2 = matmul(by_hand.arriving[1].t(), net.h[1]);
  Tensor updated = net.W[1] - 0.1 * swapped_2;
  // [/code]
  page.code("swapped");
  page.output(message);
  const Tensor distance = magnitudes(swapped_2 - net.W[1].grad());
  const double largest = distance.snapshot().values[std::size_t(distance.argmax())];
  page.prose(fmt::format(
      "For W2 of shape (3, 3) the same mistake fits, and the update runs with a gradient that is "
      "wrong by up to {}. The projections inside attention are often square, so shapes alone prove "
      "nothing there; a comparison with autograd or with finite differences does.",
      workbook::number_significant(largest, 2)));
  page.claim("the swapped gradient of W1 is refused, in both engines", refused && libtorch_refuses);
  page.claim("the swapped gradient of W2 fits, and is the transpose of the right one",
             updated.shape() == net.W[1].shape() && largest > 0.01 &&
                 swapped_2.snapshot() != net.W[1].grad().snapshot() &&
                 magnitudes(swapped_2.t() - by_hand.W[1]).sum().item() < 1e-5);
}

void build(workbook::Page& page, const workbook::Options&) {
  page.prose(
      "The layer y = xW + b is where nearly all weights of a large model live, and most of the "
      "work of training it is three matrix products for each such layer. This lesson derives the "
      "gradients once by hand and then stacks layers with nothing but those formulas.");
  one_layer(page);

  page.heading("A stack of layers");
  page.prose(
      "Three layers, 2 to 3 to 3 to 1, tanh after the first two, a batch of four, mean squared "
      "error. The forward pass keeps each layer's input in h:");
  page.code("forward");
  Network net;
  net.W = {Tensor({{0.5, -0.3, 0.8}, {0.2, 0.7, -0.4}}, requires_grad),
           Tensor({{0.6, -0.5, 0.1}, {0.3, 0.9, -0.7}, {-0.2, 0.4, 0.5}}, requires_grad),
           Tensor({{0.7}, {-0.6}, {0.9}}, requires_grad)};
  net.b = {Tensor({0.1, -0.2, 0.3}, requires_grad), Tensor({0.2, 0.1, -0.1}, requires_grad),
           Tensor({0.05}, requires_grad)};
  const Tensor x({{0.5, -1}, {1, 2}, {-1.5, 0.5}, {2, -0.5}});
  const Tensor target({{1}, {-1}, {0.5}, {0}});
  reference::twins::Stack start;
  for (const Tensor& W : net.W) start.weights.push_back(W.snapshot());
  for (const Tensor& b : net.b) start.biases.push_back(b.snapshot());

  Trace trace;
  Tensor loss;
  {
    TraceScope scope(trace);
    loss = forward(net, x, target);
    loss.backward();
  }
  page.prose(
      "Backward by hand is the same loop the other way round: g comes down from above, leaves "
      "dL/dW and dL/db behind, and goes on as dL/dh:");
  page.code("by hand");
  const Gradients by_hand = backward_by_hand(net, target);

  const auto libtorch = reference::run_twin([&](Precision precision) {
    return reference::twins::stack(precision, start, x.snapshot(), target.snapshot());
  });
  auto& checks = page.checks(libtorch);
  checks.compare("loss", loss);
  bool formulas_agree = true;
  for (std::size_t l = 0; l < net.W.size(); ++l) {
    const std::string layer = std::to_string(l + 1);
    checks.compare("dL/dW" + layer, net.W[l].grad(), {.magnitude = by_hand.W_scale[l].snapshot()});
    checks.compare("dL/db" + layer, net.b[l].grad(), {.magnitude = by_hand.b_scale[l].snapshot()});
    formulas_agree = formulas_agree &&
                     agrees(by_hand.W[l], libtorch, "dL/dW" + layer, by_hand.W_scale[l]) &&
                     agrees(by_hand.b[l], libtorch, "dL/db" + layer, by_hand.b_scale[l]);
    page.figure("shape of dL/dW" + layer, sizes(net.W[l].grad()));
  }
  page.claim("the loop by hand gives LibTorch's gradients too", formulas_agree,
             "all six, to the precision of float32");
  page.replayed(reference::replay(trace), "every step of the stack");

  shapes_as_guard(page, net, by_hand, libtorch.peer.at("swapped update is refused").values[0] == 1);
  page.try_next(
      "In the loop by hand, drop the line that goes through tanh. Every shape still fits, and "
      "only dL/dW3 and dL/db3 stay right: the claim about the loop fails, the engine's own "
      "gradients are untouched.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 14,
       .name = "layer_backprop",
       .title = "Backpropagation through layers",
       .question = "Which gradient does each weight of a layer get, and at what cost?",
       .checks = 17},
      build);
}
