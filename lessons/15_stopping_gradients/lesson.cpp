#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "engine/errors.hpp"
#include "engine/memory.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "reference/replay.hpp"
#include "reference/twins/15_stopping_gradients.hpp"

using namespace gradbook;
using reference::Precision;

namespace {

/// Is the twin's flag set?
bool set(const reference::TwinRun& run, const std::string& name) {
  return run.peer.at(name) == Snapshot(1.0);
}

std::string yes_or_no(bool flag) { return flag ? "yes" : "no"; }

void detach_and_no_grad(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Two ways to stop");
  // [code: two ways]
  Tensor x({1, 2, 3}, requires_grad);
  Tensor y = x * 2;
  Tensor d = y.detach();
  Tensor inside;
  {
    NoGradGuard no_grad;
    inside = x * 2;
  }
  Tensor afterwards = x * 2;
  // [/code]
  page.code("two ways");
  page.prose(
      "All four results hold [2, 4, 6]. They differ in whether a way back to x was recorded:");
  struct Flag {
    std::string tensor, figure;
    bool engine, expected;
  };
  const std::vector<Flag> flags = {
      {"x", "x requires grad", x.requires_grad(), true},
      {"y = x * 2", "y requires grad", y.requires_grad(), true},
      {"d = y.detach()", "d requires grad", d.requires_grad(), false},
      {"inside", "2x inside no-grad requires grad", inside.requires_grad(), false},
      {"afterwards", "2x afterwards requires grad", afterwards.requires_grad(), true}};
  workbook::Table table{.columns = {"tensor", "requires grad", "in LibTorch"}};
  bool agree = true;
  for (const Flag& flag : flags) {
    const bool there = set(libtorch, flag.figure);
    table.rows.push_back({flag.tensor, yes_or_no(flag.engine), yes_or_no(there)});
    page.figure(flag.figure, flag.engine);
    agree = agree && flag.engine == there && flag.engine == flag.expected;
  }
  page.table(table);
  page.prose(
      "`detach` cuts one tensor off: the same numbers in the same memory, without history. "
      "`NoGradGuard` switches recording off for a stretch of code, and nothing is kept for "
      "backward there.");
  const Snapshot same({3}, {2, 4, 6});
  page.claim("x, y and afterwards require grad; d and inside do not", agree, "in both engines");
  page.claim("all four results hold [2, 4, 6]",
             y.snapshot() == same && d.snapshot() == same && inside.snapshot() == same &&
                 afterwards.snapshot() == same && d.array().data() == y.array().data(),
             "y and d in the same memory");
}

void who_receives(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("What still receives gradient");
  page.prose(
      "y·y uses y twice, so x hears of it along two paths. Detach one of the two and the value "
      "stays while half of the gradient goes:");
  // [code: half]
  Tensor x({1, 2, 3}, requires_grad);
  Tensor y = x * 2;
  Tensor both = (y * y).sum();
  both.backward();
  Tensor full = x.grad();
  x.zero_grad();
  Tensor half = (y * y.detach()).sum();
  half.backward();
  // [/code]
  page.code("half");
  auto& checks = page.checks(libtorch);
  checks.compare("y·y", both, "56");
  checks.compare("slope of y·y", full, "[8, 16, 24]");
  checks.compare("y·d", half, "56");
  checks.compare("slope of y·d", x.grad(), "[4, 8, 12]");
  page.prose(
      "Nothing warns here: [4, 8, 12] is right for a product whose second factor counts as a "
      "constant, and wrong for y squared.");
}

void refused(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.prose("Detach everything, `(d * d).sum().backward()`, and backward is refused:");
  Tensor x({1, 2, 3}, requires_grad);
  Tensor d = (x * 2).detach();
  std::string message = "nothing was refused";
  bool caught = false;
  try {
    (d * d).sum().backward();
  } catch (const BackwardError& error) {
    message = error.what();
    caught = true;
  }
  page.output(message);
  page.prose(
      "An answer of 0 would look like a network that has finished learning. An error points at "
      "the line.");
  page.claim("both engines refuse", caught && set(libtorch, "backward is refused"));
  page.claim("neither leaves a gradient at x",
             !x.grad().defined() && !set(libtorch, "refusal left a gradient"));
}

void inference(workbook::Page& page) {
  page.heading("Use 1: inference");
  page.prose("A finished classifier only has to name the largest of its scores:");
  // [code: inference]
  Tensor W({{1, 0, -1}, {0, 1, 1}}, requires_grad);
  Tensor b({0, 0, 2}, requires_grad);
  Tensor x({{1, 2}, {3, -1}, {4, 5}});
  NoGradGuard no_grad;
  Tensor scores = matmul(x, W) + b;
  std::vector<std::int64_t> classes = scores.argmax(1);
  // [/code]
  page.code("inference");
  const auto libtorch = reference::run_twin([&](Precision precision) {
    return reference::twins::inference(precision, x.snapshot(), W.snapshot(), b.snapshot());
  });
  auto& checks = page.checks(libtorch);
  checks.compare("scores", scores, "[[1, 2, 3], [3, -1, -2], [4, 5, 3]]");
  checks.compare("classes", classes, "[2, 0, 1]");
  checks.compare("scores recorded", double(scores.requires_grad()), "0");
}

void frozen_layer(workbook::Page& page) {
  page.heading("Use 2: frozen layers");
  page.prose(
      "Fine-tuning a large model often trains its last layers only. Here the first of two layers "
      "stands still:");
  const Tensor x({{1, -0.5}, {0.5, 2}});
  // [code: frozen]
  Tensor W1({{0.5, -1}, {1, 0.25}}, requires_grad);
  Tensor W2({{1}, {-0.5}}, requires_grad);
  W1.requires_grad_(false);
  Tensor loss = matmul(matmul(x, W1).tanh(), W2).pow(2).mean();
  loss.backward();
  // [/code]
  page.code("frozen");
  const auto libtorch = reference::run_twin([&](Precision precision) {
    return reference::twins::frozen_layer(precision, x.snapshot(), W1.snapshot(), W2.snapshot());
  });
  auto& checks = page.checks(libtorch);
  checks.compare("loss, W1 frozen", loss, {.twin_name = "loss"});
  checks.compare("W1 got a gradient", double(W1.grad().defined()), "0");
  checks.compare("dL/dW2", W2.grad());
  checks.compare("dL/dW2 with W1 trained too", W2.grad());
  page.prose(
      "W2 gets the gradient that it would get with W1 trained too (last row, LibTorch's column). "
      "Backward skips the matrix product behind dL/dW1.");
}

void metrics(workbook::Page& page) {
  page.heading("Use 3: metrics");
  page.prose(
      "A running total of the loss is for reading, not for training. Summed as tensors it still "
      "has a way back through every step, and what those steps saved stays in memory:");
  const Tensor x = Tensor::ones({256});
  const Tensor w(0.5, requires_grad);
  const std::size_t before = memory::live_bytes();
  // [code: metrics]
  Tensor of_losses(0.0);
  for (int step = 0; step < 100; ++step) {
    of_losses = of_losses + (x * w).pow(2).mean();
  }
  const std::size_t kept_by_losses = memory::live_bytes() - before;
  double of_items = 0;
  for (int step = 0; step < 100; ++step) {
    of_items += (x * w).pow(2).mean().item();
  }
  // [/code]
  page.code("metrics");
  const std::size_t after_items = memory::live_bytes() - before - kept_by_losses;
  const reference::Results libtorch = reference::twins::running_total();
  auto& checks = page.checks({libtorch, libtorch});
  checks.compare("total of losses", of_losses, "25");
  checks.compare("it requires grad", double(of_losses.requires_grad()), "1");
  checks.compare("total of items", of_items, "25");
  checks.compare("bytes kept by losses", kept_by_losses, "102404");
  checks.compare("bytes kept by items", after_items, "0");
  page.prose(
      "Each of the 100 steps kept the 1024 bytes of x * w, and the total itself has 4. In a real "
      "run this is the leak that ends in `out of memory` after an hour. `item()` gives the number "
      "and forgets the rest; `detach()` does the same for a tensor.");
}

void target_value(workbook::Page& page) {
  page.heading("Use 4: targets");
  page.prose(
      "In reinforcement learning an estimate v is trained towards a target that the same weights "
      "computed: the reward, 1, plus 0.9 times the estimate of what comes next. The target says "
      "where to go; it must not move:");
  // [code: target]
  Tensor w(0.5, requires_grad);
  Tensor v = w * 1;
  Tensor target = 1 + 0.9 * (w * 2);
  Tensor loss = (v - target.detach()).pow(2);
  loss.backward();
  const Tensor held = w.grad();
  w.zero_grad();
  (v - target).pow(2).backward();
  // [/code]
  page.code("target");
  auto& checks = page.checks(reference::run_twin(reference::twins::target_value));
  checks.compare("loss", loss, "1.96");
  checks.compare("detached target", held, "-2.8");
  checks.compare("leaky target", w.grad(), "2.24");
  page.prose(
      "v is 0.5 and the target 1.9, so w should grow. The detached slope, 2(v - target) · 1 = "
      "-2.8, says so: descent raises w. Without detach the target's own slope, 1.8, is subtracted "
      "from v's slope, 1, and the sign turns: descent would lower v and call it progress.");
}

void build(workbook::Page& page, const workbook::Options&) {
  page.prose(
      "Everything computed from a weight remembers that weight. That is right while training and "
      "wrong in four common places: when a model is only used, when some of its layers are "
      "frozen, when a number is only reported, and when a value serves as a target.");
  const auto libtorch = reference::run_twin(reference::twins::stopping);
  Trace trace;
  {
    TraceScope scope(trace);
    detach_and_no_grad(page, libtorch);
    who_receives(page, libtorch);
    refused(page, libtorch);
    inference(page);
    frozen_layer(page);
    metrics(page);
    target_value(page);
  }
  page.replayed(reference::replay(trace), "every step of this page");
  page.try_next(
      "In use 3 add `.detach()` to the loss, `(x * w).pow(2).mean().detach()`. The total stays 25, "
      "no longer requires grad, and the bytes kept fall from 102404 to 4. Two checks of use 3 "
      "fail: they expect the leak.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 15,
       .name = "stopping_gradients",
       .title = "Stopping gradients",
       .question = "How do you use a weight without changing what its gradient will be?",
       .checks = 24},
      build);
}
