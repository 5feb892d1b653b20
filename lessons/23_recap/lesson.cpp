#include "lessons/workbook/lesson.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/checkpoint.hpp"
#include "engine/memory.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "engine/value.hpp"
#include "reference/replay.hpp"
#include "reference/twins/23_recap.hpp"

using namespace gradbook;
using workbook::Page;

namespace {

void backward(Page& page, const reference::TwinRun& libtorch) {
  page.heading("1. Values flow forward, gradients flow backward");
  // [code: backward]
  Value x(2.0, "x");
  Value a = 3 * x;
  Value b = a + 1;
  Value c = b.pow(2);
  c.backward();
  // [/code]
  page.code("backward");
  auto& checks = page.checks(libtorch);
  checks.compare("c", c, "49");
  checks.compare("dc/dx", x.grad(), "42");

  page.heading("2. The chain rule multiplies along a path");
  page.prose("Each operation knows its own slope, and no other. Backward multiplied them:");
  // [code: chain]
  const double of_square = 2 * b.data();
  const double of_sum = 1;
  const double of_product = 3;
  const double product = of_square * of_sum * of_product;
  // [/code]
  page.code("chain");
  page.claim("the slopes along the path, multiplied, are dc/dx", product == x.grad(),
             workbook::number(of_square) + " * 1 * 3 = " + workbook::number(product));
  page.replayed(reference::replay(c), "every node of the graph");
}

void accumulation(Page& page, const reference::TwinRun& libtorch) {
  page.heading("3. Where paths meet, gradients add up");
  // [code: paths]
  Value a(2.0), b(3.0);
  Value c = (a + b) * b;
  c.backward();
  // [/code]
  page.code("paths");
  page.prose("b is used twice: 3 comes through the sum, 5 through the product.");
  auto& checks = page.checks(libtorch);
  checks.compare("dc/da", a.grad(), "3");
  checks.compare("dc/db", b.grad(), "8");
}

void training(Page& page, const reference::TwinRun& libtorch) {
  page.heading("4. Training is gradient descent");
  Value w(0.3), b(0.1);
  std::vector<double> losses;
  // [code: training]
  const auto neuron = [&] { return (w * 2 + b).tanh(); };
  for (int step = 0; step < 20; ++step) {
    Value loss = (neuron() - 0.8).pow(2);
    w.zero_grad(), b.zero_grad();
    loss.backward();
    w.set_data(w.data() - 0.5 * w.grad());
    b.set_data(b.data() - 0.5 * b.grad());
    losses.push_back(loss.data());
  }
  // [/code]
  page.code("training");
  auto& checks = page.checks(libtorch);
  // Rounding of one step goes on into the next: the scale is that of the numbers in a step.
  checks.compare("first loss", losses.front(), {.by_hand = "0.038272", .magnitude = Snapshot(1)});
  checks.compare("output after 20 steps", neuron(),
                 {.by_hand = "0.8000", .magnitude = Snapshot(1)});
  page.claim("the loss never rises", std::is_sorted(losses.rbegin(), losses.rend()),
             workbook::error_text(losses.front()) + " to " + workbook::error_text(losses.back()));
}

// [code: program]
Tensor64 root(const Tensor64& x) {
  Tensor64 r = x;
  while (std::abs(r.item() * r.item() - x.item()) > 1e-12) {
    r = (r + x / r) / 2;
  }
  return r;
}
// [/code]

void any_program(Page& page, const reference::TwinRun& libtorch) {
  page.heading("5. Any program has gradients");
  page.prose(
      "The Babylonians' square root: a loop that stops when the result is good. Nobody wrote a "
      "derivative for it. The slope of the square root is 1 / (2 * 3) at 9:");
  page.code("program");
  Trace trace;
  Tensor64 x(9.0, requires_grad);
  Tensor64 r;
  {
    const TraceScope recording(trace);
    r = root(x);
    r.backward();
  }
  auto& checks = page.checks(libtorch);
  // Sums of numbers of the size of x.
  checks.compare("root(9)", r, {.by_hand = "3.0000000", .magnitude = Snapshot(9)});
  checks.compare("slope at 9", x.grad(), {.by_hand = "0.16666667", .magnitude = Snapshot(9)});
  page.replayed(reference::replay(trace), "the loop, step by step");
}

Tensor tanh_layers(const Tensor& x, int layers) {
  // [code: layers]
  Tensor y = x;
  for (int i = 0; i < layers; ++i) y = y.tanh();
  // [/code]
  return y;
}

void memory_for_depth(Page& page, const reference::TwinRun& libtorch) {
  page.heading("6. Backward is paid for in memory");
  page.code("layers");
  const Tensor x = Tensor::ones({1024}, requires_grad);
  const std::size_t before = memory::live_bytes();
  const auto kept = [&](const Tensor& y) {
    return y.defined() ? memory::live_bytes() - before : 0;
  };
  const std::size_t kept_by_8 = kept(tanh_layers(x, 8));
  const std::size_t kept_by_16 = kept(tanh_layers(x, 16));
  const auto block = [](const Tensor& in) { return tanh_layers(in, 16); };
  const std::size_t kept_by_checkpoint = kept(checkpoint(block, x));
  page.prose(
      "tanh keeps its result, 1024 numbers of 4 bytes for each layer. A checkpoint round all of it "
      "keeps x, which is there anyway, and makes the price time instead.");
  auto& checks = page.checks(libtorch);
  checks.compare("bytes, 8 layers", kept_by_8, "32768");
  checks.compare("bytes, 16 layers", kept_by_16, "65536");
  page.figure("bytes, checkpoint of 16 layers", static_cast<double>(kept_by_checkpoint));
  page.claim("a checkpoint of 16 layers: only the result", kept_by_checkpoint == 4096,
             workbook::number(static_cast<double>(kept_by_checkpoint)) + " bytes");
}

void zeroing(Page& page, const reference::TwinRun& libtorch) {
  page.heading("7. Zero the gradients before each backward");
  // [code: zeroing]
  Tensor x(2.0, requires_grad);
  x.pow(2).backward();
  x.pow(2).backward();
  const float doubled = x.grad().item();
  x.zero_grad();
  x.pow(2).backward();
  // [/code]
  page.code("zeroing");
  auto& checks = page.checks(libtorch);
  checks.compare("without zeroing", doubled, "8");
  checks.compare("with zeroing", x.grad(), "4");
}

void build(Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::recap);
  page.prose(
      "Seven sentences hold what the lessons before this one found out. Each stands above the few "
      "lines that prove it, run just now, here and in LibTorch.");
  backward(page, libtorch);
  accumulation(page, libtorch);
  training(page, libtorch);
  any_program(page, libtorch);
  memory_for_depth(page, libtorch);
  zeroing(page, libtorch);
  page.prose(
      "That is the whole engine: a record of what ran, a slope for each operation, and a walk back "
      "over the record that multiplies and adds. PyTorch adds more operations and more "
      "devices, and ways to make them fast.");
  page.try_next(
      "Take the root of 16: `Tensor64 x(16.0, requires_grad)`. It becomes 4 and its slope 0.125. "
      "The checks still expect 9 and fail. Then close this file, open an empty one, and write "
      "`Value` with +, * and backward from memory. Lesson 03 is the answer.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 23,
                               .name = "recap",
                               .title = "Seven things to keep",
                               .question = "What is left when the details are forgotten?",
                               .checks = 17},
                              build);
}
