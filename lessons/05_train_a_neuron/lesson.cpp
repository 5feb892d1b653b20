#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/value.hpp"
#include "reference/replay.hpp"
#include "reference/twins/05_train_a_neuron.hpp"

using namespace gradbook;
using workbook::number;

namespace {

constexpr double x = 2;
constexpr double target = 0.8;
constexpr double rate = 0.5;

/// What one step computed, and the weights it left behind.
struct Step {
  Value y;
  Value loss;
  double w;
  double b;
};

// [code: step]
Step train_step(double w_now, double b_now) {
  Value w(w_now, "w"), b(b_now, "b");
  Value y = (w * x + b).tanh();
  Value loss = (y - target).pow(2);
  loss.backward();
  const double w_next = w_now - rate * w.grad();
  const double b_next = b_now - rate * b.grad();
  return {y, loss, w_next, b_next};
}
// [/code]

// [code: training]
std::vector<Step> train(double w, double b) {
  std::vector<Step> steps;
  for (int i = 0; i < 20; ++i) {
    steps.push_back(train_step(w, b));
    w = steps.back().w;
    b = steps.back().b;
  }
  return steps;
}
// [/code]

std::vector<double> losses(const std::vector<Step>& steps) {
  std::vector<double> values;
  for (const Step& step : steps) values.push_back(step.loss.data());
  return values;
}

/// All the graphs of a training run, each replayed on its own.
reference::ReplayReport replay_all(const std::vector<Step>& steps) {
  reference::ReplayReport all;
  for (const Step& step : steps) {
    const reference::ReplayReport one = reference::replay(step.loss);
    all.steps += one.steps;
    all.operations += one.operations;
    all.gradients += one.gradients;
    all.worst_ratio = std::max(all.worst_ratio, one.worst_ratio);
    all.largest_error = std::max(all.largest_error, one.largest_error);
    all.end_to_end_error = std::max(all.end_to_end_error, one.end_to_end_error);
    all.disagreements.insert(all.disagreements.end(), one.disagreements.begin(),
                             one.disagreements.end());
  }
  return all;
}

/// The loss is a small difference squared: an error of y counts 2 |y - target| times.
workbook::How loss_figure(const Step& step, const std::string& by_hand) {
  const double scale = 2 * std::abs(step.y.data() - target) * (std::abs(step.y.data()) + target);
  return {.by_hand = by_hand, .magnitude = Snapshot(scale)};
}

void compare_steps(workbook::Page& page, const reference::TwinRun& libtorch,
                   const std::vector<Step>& steps) {
  struct Printed {
    std::size_t step;
    const char *y, *loss, *w, *b;
  };
  auto& checks = page.checks(libtorch);
  for (const Printed& printed : {Printed{0, "0.6044", "0.038272", "0.5484", "0.2242"},
                                 Printed{4, "0.8121", "0.000146", "0.4650", "0.1825"},
                                 Printed{8, "0.8002", "0.000000", "0.4595", "0.1798"},
                                 Printed{12, "0.8000", "0.000000", "0.4594", "0.1797"},
                                 Printed{16, "0.8000", "0.000000", "0.4594", "0.1797"}}) {
    const Step& step = steps[printed.step];
    const std::string at = " at step " + std::to_string(printed.step);
    checks.compare("y" + at, step.y, printed.y);
    checks.compare("loss" + at, step.loss, loss_figure(step, printed.loss));
    checks.compare("w" + at, step.w, printed.w);
    checks.compare("b" + at, step.b, printed.b);
  }
  checks.compare("final y", train_step(steps.back().w, steps.back().b).y, "0.8000");
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::train_a_neuron);

  page.prose(
      "A gradient says how the loss answers to each weight. So move each weight a little against "
      "its gradient, and the loss goes down. Do it again. That is gradient descent, and the "
      "training of the largest models is this loop with more weights. Here it trains two.");

  page.heading("One neuron, one step");
  page.prose(
      "The neuron computes y = tanh(wx + b). For x = 2 it should say 0.8. The loss is the square "
      "of the miss. One step computes the loss, runs backward, and returns w and b moved against "
      "their gradients, by the learning rate 0.5:");
  page.code("step");
  const std::vector<Step> steps = train(0.3, 0.1);
  const double moved_w = steps[0].w - 0.3;
  const double moved_b = steps[0].b - 0.1;
  page.prose(fmt::format(
      "From w = 0.3 and b = 0.1 the neuron says {}, too little. A larger w or b would mean a "
      "smaller loss, so both gradients are negative, and the step adds {} to w and {} to b. w "
      "moves twice as far: it is multiplied by x = 2.",
      number(steps[0].y.data(), 4), number(moved_w, 4), number(moved_b, 4)));

  page.heading("Twenty steps");
  page.prose("Each step builds a graph of its own. Only two plain numbers go on to the next:");
  page.code("training");
  workbook::Table table{.columns = {"step", "y", "loss", "w", "b"}};
  for (const std::size_t i : {0U, 4U, 8U, 12U, 16U}) {
    table.rows.push_back({std::to_string(i), number(steps[i].y.data(), 4),
                          number(steps[i].loss.data(), 6), number(steps[i].w, 4),
                          number(steps[i].b, 4)});
  }
  page.table(table);
  page.prose(
      "y and loss are as computed in the step, w and b as it left them. At step 4 y has gone past "
      "0.8, and then comes back: the gradient says which way, the learning rate how far. LibTorch "
      "has trained the same neuron from the same start. The column by hand holds the figures of a "
      "published run here:");
  compare_steps(page, libtorch, steps);
  page.replayed(replay_all(steps), "all 20 graphs, replayed");
  page.prose(
      "The last figure is relative to a loss of almost nothing: one rounding of y is a good part "
      "of the tiny miss that is squared there.");

  page.heading("A neuron that cannot learn");
  const std::vector<Step> stuck = train(3.0, 0.1);
  page.prose(
      "Train again from w = 3. The neuron says almost 1, and its loss is hardly larger than "
      "before. But now hardly anything happens:");
  page.series({.title = "Loss over 20 steps",
               .x_label = "step",
               .y_label = "loss",
               .lines = {{"from w = 0.3", losses(steps)}, {"from w = 3", losses(stuck)}}});
  auto& checks = page.checks(libtorch);
  checks.compare("y from w = 3", stuck.front().y, "0.99999");
  checks.compare("loss from w = 3", stuck.front().loss, loss_figure(stuck.front(), "0.0400"));
  checks.compare("w after 20 steps", stuck.back().w, "2.9998");
  page.prose(
      "The loss is there, the gradient is not. The local gradient of tanh is 1 - y * y; with y "
      "almost 1 hardly anything of the loss comes through. A saturated neuron is the smallest "
      "vanishing gradient. Large models start from small weights and normalize what flows through "
      "them to stay clear of it.");

  page.try_next(
      "Set `target` to 1.5, which tanh cannot reach. y is 0.9984 at step 4 and 0.9987 at step 16, "
      "w and b creep on upwards, and the loss stays above 0.25, the square of the missing 0.5. All "
      "but 3 of the 25 checks fail: the twin still aims at 0.8.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 5,
                               .name = "train_a_neuron",
                               .title = "Training a neuron",
                               .question = "How does a gradient become learning?",
                               .checks = 25},
                              build);
}
