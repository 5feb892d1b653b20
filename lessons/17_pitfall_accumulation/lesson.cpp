#include "lessons/workbook/lesson.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "reference/replay.hpp"
#include "reference/twins/17_pitfall_accumulation.hpp"

using namespace gradbook;

namespace {

constexpr int steps = 42;

/// w after each step of gradient descent on w², from w = 1.
std::vector<float> descend(bool zeroing) {
  Tensor w(1.0, requires_grad);
  std::vector<float> path = {w.item()};
  for (int step = 0; step < steps; ++step) {
    // [code: step]
    if (zeroing) w.zero_grad();
    w.pow(2).backward();
    const NoGradGuard updating;
    w.sub_(0.1 * w.grad());
    path.push_back(w.item());
    // [/code]
  }
  return path;
}

float widest_swing(const std::vector<float>& path, std::size_t from, std::size_t to) {
  float widest = 0;
  for (std::size_t i = from; i < to; ++i) widest = std::max(widest, std::abs(path[i]));
  return widest;
}

void backward_twice(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Backward twice");
  // [code: twice]
  Tensor x(2.0, requires_grad);
  x.pow(2).backward();
  const float first = x.grad().item();
  x.pow(2).backward();
  const float second = x.grad().item();
  x.zero_grad();
  x.pow(2).backward();
  const float third = x.grad().item();
  // [/code]
  page.code("twice");
  auto& checks = page.checks(libtorch);
  checks.compare("backward", first, "4");
  checks.compare("backward again", second, "8");
  checks.compare("after zeroing", third, "4");
  page.prose(
      "The slope of x² at 2 is 4, each time. The second call added its 4 to the 4 that was there. "
      "`backward` never overwrites `.grad()` of a leaf: a value that is used twice needs the sum "
      "of both paths, and the engine does not ask whether the two uses stood in one graph or in "
      "two.");

  page.heading("A gradient that you hold grows too");
  // [code: held]
  Tensor u(2.0, requires_grad);
  u.pow(2).backward();
  const Tensor held = u.grad();
  const Tensor copied = u.grad() * 1;
  u.pow(2).backward();
  // [/code]
  page.code("held");
  page.prose(
      "`held` is no snapshot: it is the tensor into which the next backward adds. Copy a gradient "
      "that is to be compared or logged later. The same happens in LibTorch:");
  auto& holding = page.checks(libtorch);
  holding.compare("held", held, "8");
  holding.compare("copied", copied, "4");
}

void forgotten_zeroing(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("What a training loop makes of it");
  page.prose(
      "The smallest training there is: w² has its minimum at 0, w starts at 1, the learning rate "
      "is 0.1. One step:");
  page.code("step");
  const std::vector<float> with = descend(true);
  const std::vector<float> without = descend(false);
  page.series({.title = "w, with and without the first line",
               .x_label = "step",
               .y_label = "w",
               .lines = {{"zeroing", {with.begin(), with.end()}},
                         {"no zeroing", {without.begin(), without.end()}}}});
  page.prose(
      "With zeroing, each step takes w to 0.8 w. Without, step k follows the sum of all k slopes "
      "so far. At the minimum the slope is 0, but that sum is not: w shoots through to the other "
      "side, and is back where it began after about 14 steps. The first step is the same in both "
      "runs, so a test of one step does not find the mistake.");
  const Snapshot one(Shape{with.size()}, std::vector<double>(with.size(), 1));
  auto& paths = page.checks(libtorch);
  paths.compare("w after 1 step", without[1], "0.8");
  paths.compare("w after 2, zeroing", with[2], "0.64");
  paths.compare("w after 2, no zeroing", without[2], "0.44");
  paths.compare("w, zeroing", with, workbook::How{.magnitude = one});
  paths.compare("w, no zeroing", without, workbook::How{.magnitude = one});
  const float early = widest_swing(without, 0, 15);
  const float late = widest_swing(without, without.size() - 15, without.size());
  page.claim("zeroing: w is at the minimum", std::abs(with.back()) < 1e-3,
             "w = " + workbook::number(with.back(), 6));
  page.claim("no zeroing: back at the start after 14 steps", std::abs(without[14] - 1) < 0.02F,
             "w = " + workbook::number(without[14], 3));
  page.claim(
      "no zeroing: the swing is as wide as ever", late > 0.99F * early,
      "first 14 steps " + workbook::number(early, 3) + ", last 14 " + workbook::number(late, 3));
}

void micro_batches(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Where the sum is wanted");
  page.prose(
      "A batch that does not fit into memory is cut into parts. Each part runs backward on its "
      "own and frees its graph, and the sum of the parts' gradients is the gradient of the batch. "
      "Large models are trained this way. A mean over four examples is half the sum of the means "
      "over two, hence the `/ 2`:");
  const auto loss = [](const Tensor& w, const Tensor& x) { return (w * x - 2 * x).pow(2).mean(); };
  Trace trace;
  Tensor w(1.0, requires_grad);
  Tensor v(1.0, requires_grad);
  {
    const TraceScope recording(trace);
    // [code: halves]
    loss(w, Tensor({1, 2, 3, 4})).backward();

    (loss(v, Tensor({1, 2})) / 2).backward();
    const float half_way = v.grad().item();
    (loss(v, Tensor({3, 4})) / 2).backward();
    // [/code]
    page.code("halves");
    auto& checks = page.checks(libtorch);
    checks.compare("whole batch", w.grad(), "-15");
    checks.compare("first half", half_way, "-2.5");
    checks.compare("both halves", v.grad(), "-15");
  }
  page.replayed(reference::replay(trace), "batch and halves, step by step");
  page.prose(
      "So zeroing is not the engine's to do: only the loop knows where a step begins. The order "
      "that is always right is zero, forward, backward, update.");
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::pitfall_accumulation);
  page.prose(
      "A training loop calls `backward` thousands of times on the same weights. A loop that "
      "forgets to zero the gradients raises no error, and its loss even falls at first. This "
      "lesson makes the mistake on one number, and then shows why the engine adds all the same.");
  backward_twice(page, libtorch);
  forgotten_zeroing(page, libtorch);
  micro_batches(page, libtorch);
  page.try_next(
      "Take the `/ 2` away from both halves. The first half's gradient becomes -5 and the sum -30, "
      "twice the batch's: a learning rate twice as large by accident. Two checks against LibTorch "
      "fail, as they should.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 17,
       .name = "pitfall_accumulation",
       .title = "Pitfall: gradients accumulate",
       .question = "What does backward do with the gradient that is already there?",
       .checks = 17},
      build);
}
