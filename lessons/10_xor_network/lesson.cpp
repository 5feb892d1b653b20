#include "lessons/workbook/lesson.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "lessons/10_xor_network/against_libtorch.hpp"
#include "reference/replay.hpp"
#include "reference/twins/10_xor_network.hpp"

using namespace gradbook;
using namespace gradbook::xor_network;
using workbook::number;
using workbook::number_significant;
using workbook::Precision;
namespace twins = reference::twins;

namespace {

constexpr int steps = 200;
constexpr double slow = 0.1;  // learning rates
constexpr double fast = 0.5;

// [code: network]
struct Network {
  Tensor W1, b1, W2, b2;  // (2, 8), (8,), (8, 1), (1,)

  Tensor operator()(const Tensor& x) const {
    Tensor hidden = (matmul(x, W1) + b1).tanh();
    return matmul(hidden, W2) + b2;
  }
  std::vector<Tensor> parameters() const { return {W1, b1, W2, b2}; }
};
// [/code]

// [code: loss]
Tensor inputs() { return Tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}); }

Tensor loss_of(const Network& net) {
  const Tensor y({{0}, {1}, {1}, {0}});
  return (net(inputs()) - y).pow(2).mean();
}
// [/code]

// [code: step]
double step(const Network& net, double rate) {
  for (Tensor p : net.parameters()) p.zero_grad();
  Tensor loss = loss_of(net);
  loss.backward();
  NoGradGuard no_grad;
  for (Tensor p : net.parameters()) p.sub_(rate * p.grad());
  return loss.item();
}
// [/code]

/// W1 and W2 as NumPy's seed(42) and randn draw them. The published run has these, whatever --seed.
Network published_start() {
  // [code: start]
  RandomState numpy(42);
  Tensor W1 = 0.5 * numpy.randn({2, 8});
  Tensor W2 = 0.5 * numpy.randn({8, 1});
  Network net{W1, Tensor::zeros({8}), W2, Tensor::zeros({1})};
  for (Tensor p : net.parameters()) p.requires_grad_();
  // [/code]
  return net;
}

/// The 33 weights in one row, or with `of_gradients` their gradients.
Numbers in_a_row(const Network& net, bool of_gradients = false) {
  Numbers row;
  for (const Tensor& p : net.parameters()) {
    const Numbers values = (of_gradients ? p.grad() : p).snapshot().values;
    row.insert(row.end(), values.begin(), values.end());
  }
  return row;
}

Network network(const Numbers& row) {
  const auto part = [&](std::size_t from, const Shape& shape) {
    const auto begin = row.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = begin + static_cast<std::ptrdiff_t>(numel(shape));
    return Tensor::from({shape, Numbers(begin, end)}, requires_grad);
  };
  return {part(0, {2, 8}), part(16, {8}), part(24, {8, 1}), part(32, {1})};
}

Run train(const Numbers& start, double rate) {
  Run run;
  const Network net = network(start);
  for (int i = 0; i < steps; ++i) {
    run.weights.push_back(in_a_row(net));
    run.losses.push_back(step(net, rate));
  }
  return run;
}

Numbers gradient(const Numbers& weights) {
  const Network net = network(weights);
  loss_of(net).backward();
  return in_a_row(net, true);
}

// Long enough that rounding in float32 does not show, short enough that the bend does not.
constexpr double h = 0.01;

// [code: curvature]
double curvature(const Numbers& weights) {
  Numbers v(weights.size(), 1);  // a direction in the space of weights
  for (int i = 0; i < 40; ++i) {
    v = times(1 / length(v), v);
    const Numbers ahead = gradient(plus(weights, h, v));
    const Numbers behind = gradient(plus(weights, -h, v));
    v = times(1 / (2 * h), plus(ahead, -1, behind));
  }
  return length(v);
}
// [/code]

void the_network(workbook::Page& page, const Numbers& start) {
  page.heading("The network");
  page.code("network");
  page.code("loss");
  page.prose(
      "The weights are drawn as NumPy's `seed(42)` and `randn` draw them, so that this run can be "
      "held against published ones:");
  page.code("start");
  const std::vector<float> first(start.begin(), start.begin() + 4);
  page.figure("W1[0..3]", first);
  page.claim(
      "W1 bit for bit",
      first == std::vector<float>{0.24835707F, -0.06913215F, 0.32384428F, 0.7615149F},
      workbook::array_text({Shape{4}, Numbers(first.begin(), first.end())}, Precision::float32));
}

void slow_training(workbook::Page& page, const Run& run) {
  page.heading("One step, 200 times");
  page.code("step");
  page.prose(
      "Two lines are new. `backward` adds to the gradient that is there, so each step first "
      "forgets the last one's. And the update is not part of the loss: inside `NoGradGuard` "
      "nothing is recorded, and only there may a weight be changed in place. With a learning rate "
      "of " +
      number(slow) +
      ", and with a published run in the column by hand. In the column LibTorch, loss and gradient "
      "are computed from the weights that the engine had at that step:");
  compare_losses(
      page, run, "lr " + number(slow),
      {{0, "1.0835"}, {50, "0.1715"}, {100, "0.0772"}, {150, "0.0175"}, {199, "0.0024"}});

  Trace trace;
  {
    const TraceScope recording(trace);
    const Network net = published_start();
    for (int i = 0; i < 3; ++i) step(net, slow);
  }
  const Agreement agreed = agreement(run, gradient);
  page.claim("LibTorch's gradients, lr " + number(slow), agreed.all_of(steps), agreed.text());
  const Snapshot outputs = network(run.weights.back())(inputs()).snapshot();
  Numbers rounded;
  for (const double output : outputs.values) rounded.push_back(std::round(output));
  page.claim("outputs round to XOR", rounded == Numbers{0, 1, 1, 0},
             workbook::array_text({Shape{4}, outputs.values}, Precision::float64, 2));
  page.replayed(reference::replay(trace), "three steps, replayed");
}

void fast_training(workbook::Page& page, const Numbers& start, const Run& run) {
  page.heading("The same, with a learning rate of 0.5");
  compare_losses(page, run, "lr " + number(fast), {{0, "1.0835"}, {50, "0.1430"}});
  page.prose(
      "So far it is the faster one. Now the same again: LibTorch trains by itself from the same "
      "weights, and so does the engine, from weights of which one is moved to the next float32, by "
      "one unit in the last place (ulp):");

  workbook::Table table{.columns = loss_columns()};
  table.rows.push_back(loss_row("engine", run.losses));
  const Snapshot row = as_snapshot(start);
  table.rows.push_back(
      loss_row("LibTorch, float32", twins::xor_training(Precision::float32, row, fast, steps)));
  table.rows.push_back(
      loss_row("LibTorch, float64", twins::xor_training(Precision::float64, row, fast, steps)));

  Numbers at_50 = {run.losses[50]};
  Numbers at_100 = {run.losses[100]};
  int not_finite = 0;
  for (std::size_t k = 0; k < start.size(); ++k) {
    if (start[k] == 0) continue;  // a bias
    for (const float towards : {10.0F, -10.0F}) {
      Numbers neighbour = start;
      neighbour[k] = static_cast<double>(std::nextafter(static_cast<float>(start[k]), towards));
      const Run other = train(neighbour, fast);
      at_50.push_back(other.losses[50]);
      at_100.push_back(other.losses[100]);
      not_finite += std::isfinite(other.losses[150]) ? 0 : 1;
      if (k < 3 && towards > 0) {
        table.rows.push_back(loss_row("W1[" + std::to_string(k) + "] + 1 ulp", other.losses));
      }
    }
  }
  page.table(table);
  const std::size_t neighbours = at_50.size() - 1;
  page.figure("neighbours", neighbours);
  page.figure("neighbours not finite at step 150", not_finite);
  page.prose("Of " + std::to_string(neighbours) + " such neighbours, " +
             std::to_string(not_finite) +
             " are not finite at step 150 on this machine; on another it will be other ones. A "
             "published run of these very steps printed 6.6e14, and then NaN. No engine is wrong "
             "here:");
  page.claim("at step 50 all print 0.1430", !differ(at_50) && loss_text(at_50.front()) == "0.1430",
             std::to_string(at_50.size()) + " runs");
  page.claim("at step 100 they differ", differ(at_100));
  const Agreement agreed = agreement(run, gradient);
  page.claim("LibTorch's gradients, lr " + number(fast), agreed.all_of(60), agreed.text());
}

void the_reason(workbook::Page& page, const Run& slow_run, const Run& run) {
  page.heading("Why: the curvature");
  page.prose(
      "In a valley of curvature c, a step downhill takes the distance e from the floor to (1 - lr "
      "* c) e. Once c is above 2/lr, here 4, it lands on the other side and further away. The "
      "largest curvature of all directions can be measured with gradients alone. Their change "
      "along a direction points to where the slope changes most; take that as the new direction, "
      "and repeat:");
  page.code("curvature");
  constexpr std::size_t last = 80;
  workbook::Line curve{.name = "largest curvature, lr 0.5"};
  workbook::Line limit{.name = "2/lr"};
  double error = 0;
  for (std::size_t i = 0; i <= last; ++i) {
    curve.values.push_back(curvature(run.weights[i]));
    limit.values.push_back(2 / fast);
    if (i % 10 > 0) continue;
    const double exact = twins::xor_curvature(as_snapshot(run.weights[i]));
    error = std::max(error, std::abs(curve.values[i] - exact) / exact);
  }
  const Numbers& c = curve.values;
  const auto lowest = std::min_element(c.begin(), c.end());
  const auto above = std::find_if(lowest, c.end(), [](double x) { return x > 2 / fast; });
  const auto crossing = above - c.begin();
  double growth = 1;
  for (auto at = above; at + 1 < c.end(); ++at) growth *= std::abs(1 - fast * *at);
  page.series({.x_label = "step", .lines = {curve, limit}});
  page.figure("curvature at step 0 (lr 0.5)", c.front());
  page.figure("lowest curvature (lr 0.5)", *lowest);
  page.figure("step at which the curvature crosses 2/lr", crossing);
  page.figure("curvature at step 80 (lr 0.5)", c.back());
  page.prose(
      "The first steps overshoot until one lands, by chance, in a flat place. There everything "
      "settles, and what disturbs it shrinks to the size of rounding errors. Then learning leads "
      "into a narrower valley. From the crossing on, each step multiplies the distance from its "
      "floor by 1 - lr * c. By step 80 that makes " +
      number_significant(growth, 2) + ": a rounding error of 6e-08 has become " +
      number_significant(6e-8 * growth, 1) + ", and rounding decides where the loss jumps to.");
  page.claim("at step 0 it is near 8", std::abs(c.front() - 8) < 0.5, number(c.front(), 2));
  page.claim("it falls to about 2", std::abs(*lowest - 2) < 0.5, number(*lowest, 2));
  page.claim("it crosses 4 near step 52", std::abs(crossing - 52) <= 2,
             "at step " + std::to_string(crossing));
  page.claim("it reaches about 6.5", std::abs(c.back() - 6.5) < 0.5,
             number(c.back(), 2) + " at step 80");
  page.claim("it grows 100,000-fold or more", growth > 1e5, number_significant(growth, 2));
  page.claim("LibTorch's exact curvature", error < 1e-3,
             "the same but for " + workbook::error_text(100 * error) + "%");
  double highest = 0;
  for (std::size_t i = 0; i < slow_run.weights.size(); i += 10) {
    highest = std::max(highest, curvature(slow_run.weights[i]));
  }
  page.claim("with lr " + number(slow) + " it stays below 2/lr", highest < 2 / slow,
             "at most " + number(highest, 1) + ", of " + number(2 / slow, 1));
  page.prose(
      "Large networks do this too: their curvature rises to 2/lr, and training goes on at that "
      "edge (Cohen et al., 2021). Learning-rate warm-up and gradient clipping keep such jumps "
      "small.");
}

void another_start(workbook::Page& page) {
  page.heading("Another start");
  page.prose(
      "The weights that LibTorch draws after `manual_seed(42)`, again with a learning rate of 0.5. "
      "The loss begins at a third of what it was, and training fails at once:");
  const Run run = train(twins::xor_weights(42).values, fast);
  compare_losses(page, run, "torch init", {{0, "0.3617"}, {50, "nan"}});
  Numbers ratios;
  for (std::size_t i = 16; i <= 25; ++i) ratios.push_back(run.losses[i] / run.losses[i - 1]);
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  page.claim("64-fold at each step, 16 to 25", *least > 63.9 && *most < 64.1,
             number(*least, 3) + " to " + number(*most, 3));
  page.prose(
      "The first steps are so long that every hidden unit ends at 1 or -1, the same for all four "
      "inputs. Eight of them and a bias make a curvature of 2 * 9 = 18 for the output weights, and "
      "1 - 0.5 * 18 = -8: each step "
      "multiplies the miss by -8 and its square by 64, until float32 is full and inf - inf is "
      "NaN.");
}

void build(workbook::Page& page, const workbook::Options&) {
  page.prose(
      "XOR is 1 where exactly one of two inputs is. No line separates its ones from its zeros, so "
      "the neuron of lesson 05 cannot learn it. A hidden layer can. The loop that trains it is the "
      "loop that trains every large model, and it can fail in the same way.");
  const Numbers start = in_a_row(published_start());
  const Run slow_run = train(start, slow);
  const Run fast_run = train(start, fast);
  the_network(page, start);
  slow_training(page, slow_run);
  fast_training(page, start, fast_run);
  the_reason(page, slow_run, fast_run);
  another_start(page);
  page.try_next(
      "Set `slow` to 0.15. 2/lr is 13.3 then, the curvature reaches 10.3 and stays below it, and "
      "the loss at step 199 is 2e-05, a hundredth of what it was. The published "
      "figures in the column by hand, which are those of 0.1, then fail from step 50 on.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 10,
       .name = "xor_network",
       .title = "A network learns XOR",
       .question = "How does a network learn, and what makes its training fall apart?",
       .checks = 24},
      build);
}
