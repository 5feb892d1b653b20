#include "lessons/workbook/lesson.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/checkpoint.hpp"
#include "engine/random.hpp"
#include "engine/trace.hpp"
#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/refusal.hpp"
#include "reference/replay.hpp"
#include "reference/twins/21_pitfall_checkpointing.hpp"

using namespace gradbook;
using workbook::Page;

namespace {

using NodeRef = Ref<Node<float>>;
using Block = std::function<Tensor(const Tensor&)>;

/// The operation that a first attempt puts on the graph: it keeps the block and its input.
class NaiveNode final : public Node<float> {
 public:
  NaiveNode(Block block, const Tensor& x, const Shape& result)
      : Node<float>(result, false), block_(std::move(block)), x_(x), edges_{node_of(x)} {}

  std::string_view name() const override { return "naive"; }
  std::span<const NodeRef> edges() const override { return edges_; }

  // [code: naive backward]
  void vjps(const Tensor& g, GradientSink<float>& sink) const override {
    const AutoGradMode recording(true);
    const Tensor leaf = x_.detach().requires_grad_();
    block_(leaf).backward(g);
    sink.give(0, leaf.grad());
  }
  // [/code]

 private:
  Block block_;
  Tensor x_;
  std::vector<NodeRef> edges_;
};

// [code: naive forward]
Tensor naive_checkpoint(const Block& block, const Tensor& x) {
  const NoGradGuard nothing_recorded;
  Tensor y = block(x);
  if (x.requires_grad()) {
    y.impl()->set_node(NodeRef(new NaiveNode(block, x, y.shape())));
  }
  return y;
}
// [/code]

/// One of the two, as a function of the block and its input.
using Checkpoint = std::function<Tensor(const Block&, const Tensor&)>;

Tensor engine_checkpoint(const Block& block, const Tensor& x) { return checkpoint(block, x); }

Tensor square_of_relu(const Tensor& x) { return x.relu().pow(2); }

void works(Page& page, const reference::TwinRun& libtorch) {
  page.heading("A first attempt");
  page.code("naive forward");
  page.prose(
      "The block runs unrecorded, and one node stands for all of it. Backward runs the block "
      "again, this time recorded, on a leaf of its own:");
  page.code("naive backward");
  const auto slope = [](const Checkpoint& run) {
    Tensor x({-1, 2, 3}, requires_grad);
    run(square_of_relu, x).sum().backward();
    return x.grad();
  };
  auto& checks = page.checks(libtorch);
  checks.compare("naive: relu, pow(2)", slope(naive_checkpoint), "[0, 4, 6]");
  checks.compare("engine: relu, pow(2)", slope(engine_checkpoint), "[0, 4, 6]");
  page.prose(
      "Right, for a block that uses nothing but its input. Five things can go wrong with it, and "
      "none of them raises an error.");
}

struct Captured {
  bool result_requires_grad;
  Tensor w_gradient, v_gradient;
};

Captured captured_weight(const Checkpoint& run) {
  // [code: captured]
  const Tensor x({1, 2});
  Tensor w({3, 4}, requires_grad);
  Tensor v({1, 1}, requires_grad);
  const Block layer = [&](const Tensor& in) { return (w * in).pow(2); };
  const Tensor y = run(layer, x);
  (v * y).sum().backward();
  // [/code]
  return {y.requires_grad(), w.grad(), v.grad()};
}

void first_layer(Page& page, const reference::TwinRun& libtorch) {
  page.heading("1. The input needs no gradient, the weight inside does");
  page.prose("The first layer of any network: its input is data.");
  page.code("captured");
  const Captured naive = captured_weight(naive_checkpoint);
  const Captured right = captured_weight(engine_checkpoint);
  page.prose(
      "The naive result requires no gradient, for `x` does not. v still learns, so backward "
      "raises no error, and w never moves. The engine's checkpoint looks at what the block did, "
      "finds w, and links it to the graph.");
  auto& checks = page.checks(libtorch);
  checks.compare("naive: y requires grad", naive.result_requires_grad ? 1 : 0, "0");
  checks.compare("naive: w has a gradient", naive.w_gradient.defined() ? 1 : 0, "0");
  checks.compare("naive: dv", naive.v_gradient, "[9, 64]");
  checks.compare("engine: dw", right.w_gradient, "[6, 32]");
}

struct Leak {
  Tensor x_gradient;
  bool leaked;
  Tensor after_backward;
};

Leak leak(const Checkpoint& run) {
  Tensor x({1, 2}, requires_grad);
  Tensor w({3, 4}, requires_grad);
  const Block layer = [&](const Tensor& in) { return (w * in).pow(2); };
  // [code: leak]
  const Tensor dx = grad(run(layer, x).sum(), x);
  const bool leaked = w.grad().defined();
  run(layer, x).sum().backward();
  // [/code]
  return {dx, leaked, w.grad()};
}

void leaking(Page& page, const reference::TwinRun& libtorch) {
  page.heading("2. A gradient for x leaks into w");
  page.prose(
      "`grad(y, x)` returns the gradient and leaves every `.grad()` alone. But the naive node "
      "calls `backward` inside, and that fills all leaves that it finds:");
  page.code("leak");
  const Leak naive = leak(naive_checkpoint);
  const Leak right = leak(engine_checkpoint);
  auto& checks = page.checks(libtorch);
  checks.compare("naive: leaked", naive.leaked ? 1 : 0, "1");
  checks.compare("naive: dw at the end", naive.after_backward, "[12, 64]");
  checks.compare("engine: leaked", right.leaked ? 1 : 0, "0");
  checks.compare("engine: dx", right.x_gradient, "[18, 64]");
  checks.compare("engine: dw at the end", right.after_backward, "[6, 32]");
  page.prose("The next step then uses twice the gradient of w, as in lesson 17.");
}

/// 0 or 2 for each of `count` elements: what dropout multiplies with.
Tensor mask(RandomState& random, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = random.random_sample() < 0.5 ? 0 : 2;
  return Tensor({count}, values);
}

/// A generator whose next two masks differ, as this lesson needs them: of all pairs of four
/// elements one in 16 is the same mask twice, and is passed over.
RandomState generator(std::uint64_t seed) {
  RandomState random(static_cast<std::uint32_t>(seed));
  while (true) {
    RandomState next = random;
    const Snapshot first = mask(next, 4).snapshot();
    if (first != mask(next, 4).snapshot()) return random;
    random = next;
  }
}

struct Dropout {
  Tensor result, gradient;
  std::string message;
};

Dropout dropout(const Checkpoint& run, RandomState random) {
  Tensor x = Tensor::ones({4}, requires_grad);
  // [code: dropout]
  const Block drop = [&](const Tensor& in) { return in * mask(random, 4); };
  const Tensor y = run(drop, x);
  const auto backward = [&] { y.sum().backward(); };
  // [/code]
  const std::string message = workbook::refusal<CheckpointError>(backward);
  return {y, x.grad(), message};
}

void random_numbers(Page& page, const reference::TwinRun& libtorch, std::uint64_t seed) {
  page.heading("3. The second run draws other random numbers");
  page.code("dropout");
  page.prose(
      "The gradient of dropout is its mask. At x = 1 the result is the mask too, so the two rows "
      "should be the same:");
  const Dropout naive = dropout(naive_checkpoint, generator(seed));
  const bool by_hand = seed == workbook::Options{}.seed;  // others draw other masks
  auto& checks = page.checks(libtorch);
  checks.compare("naive: y", naive.result, by_hand ? "[0, 2, 2, 2]" : "");
  checks.compare("naive: gradient", naive.gradient, by_hand ? "[0, 0, 0, 2]" : "");
}

struct Changed {
  Tensor x_gradient;
  std::string message;
};

template <class Refusal>
Changed weight_changed(const Checkpoint& run) {
  Tensor x({1, 2}, requires_grad);
  Tensor w({3, 4}, requires_grad);
  const Block layer = [&](const Tensor& in) { return (w * in).pow(2); };
  // [code: changed]
  const Tensor y = run(layer, x);
  {
    const NoGradGuard updating;
    w.mul_(10);
  }
  const auto backward = [&] { y.sum().backward(); };
  // [/code]
  const std::string message = workbook::refusal<Refusal>(backward);
  return {x.grad(), message};
}

std::string input_changed(const Checkpoint& run) {
  Tensor x({1, 2}, requires_grad);
  Tensor a = x * 1;
  const Tensor y = run(square_of_relu, a);
  a.add_(1);
  return workbook::refusal<SavedTensorChangedError>([&] { y.sum().backward(); });
}

void changed_state(Page& page, const reference::TwinRun& libtorch) {
  page.heading("4. The weights changed in between");
  page.code("changed");
  const auto plain = [](const Block& block, const Tensor& x) { return block(x); };
  const Changed naive = weight_changed<Error>(naive_checkpoint);
  auto& checks = page.checks(libtorch);
  checks.compare("no checkpoint: refused",
                 weight_changed<SavedTensorChangedError>(plain).message.empty() ? 0 : 1, "1");
  checks.compare("naive: refused", naive.message.empty() ? 0 : 1, "0");
  checks.compare("naive: dx", naive.x_gradient, "[1800, 6400]");
  page.prose(
      "Without a checkpoint both engines refuse: a saved value was written to. The naive "
      "checkpoint saved none, runs again with the new weights, and gives a hundred times the slope "
      "[18, 64] of what was computed. The engine's keeps a fingerprint of the result and of what "
      "the operations inside saved. It compares when it runs again, and so finds both cases:");
}

void compared(Page& page, std::uint64_t seed) {
  const Dropout refused = dropout(engine_checkpoint, generator(seed));
  page.output(refused.message);
  page.prose("For the random numbers there is a cure, to draw them outside the block:");
  RandomState random = generator(seed);
  Tensor x = Tensor::ones({4}, requires_grad);
  // [code: cure]
  const Tensor drawn = mask(random, 4);
  const auto drop = [&](const Tensor& in) { return in * drawn; };
  checkpoint(drop, x).sum().backward();
  // [/code]
  page.code("cure");
  page.prose("An input that was written to is refused as in lesson 18.");
  page.claim("engine: CheckpointError, random numbers", !refused.message.empty());
  page.claim("engine: CheckpointError, weight changed",
             !weight_changed<CheckpointError>(engine_checkpoint).message.empty());
  page.claim("engine: SavedTensorChangedError, input changed",
             !input_changed(engine_checkpoint).empty());
  page.claim("engine, drawn outside: the gradient is the mask",
             x.grad().snapshot() == drawn.snapshot(),
             workbook::array_text(x.grad().snapshot(), workbook::Precision::float32));
}

Tensor second_derivative(const Checkpoint& run) {
  Tensor x(2.0, requires_grad);
  // [code: second]
  const Block cube = [](const Tensor& in) { return in.pow(3); };
  const Tensor y = run(cube, x) + x.pow(2);
  const Tensor dy = grad(y, x, {.create_graph = true});
  Tensor d2y = grad(dy, x);
  // [/code]
  return d2y;
}

/// The gradient, for the weights w inside a tanh layer, of the squared slope of its inputs.
Tensor gradient_penalty(const Checkpoint& run) {
  Tensor x({{0.5, -1, 2}}, requires_grad);
  Tensor w({{0.1, 0.4}, {-0.3, 0.2}, {0.25, -0.5}}, requires_grad);
  const Block layer = [&](const Tensor& in) { return matmul(in, w).tanh(); };
  const Tensor slope = grad(run(layer, x).sum(), x, {.create_graph = true});
  slope.pow(2).sum().backward();
  return w.grad();
}

void second_derivatives(Page& page, const reference::TwinRun& libtorch) {
  page.heading("5. Second derivatives");
  page.prose(
      "With `create_graph` backward itself is recorded, so its result can be differentiated again; "
      "lesson 22 is about that. Of x³ + x² at 2 the second derivative is 6 * 2 + 2 = 14:");
  page.code("second");
  auto& checks = page.checks(libtorch);
  checks.compare("naive: second", second_derivative(naive_checkpoint), "2");
  checks.compare("engine: second", second_derivative(engine_checkpoint), "14");
  Trace trace;
  {
    const TraceScope recording(trace);
    checks.compare("engine: penalty", gradient_penalty(engine_checkpoint));
  }
  page.prose(
      "The naive node hands on a gradient without history, so all of x³ is missing, silently. The "
      "engine records its second run. The last row is a penalty on the slope of a tanh layer, "
      "differentiated for the weights inside the block.");
  page.replayed(reference::replay(trace), "the penalty, step by step");
}

void build(Page& page, const workbook::Options& options) {
  std::vector<Snapshot> masks;
  RandomState random = generator(options.seed);
  for (int i = 0; i < 2; ++i) masks.push_back(mask(random, 4).snapshot());
  const auto libtorch = reference::run_twin([&](reference::Precision precision) {
    return reference::twins::pitfall_checkpointing(precision, masks);
  });

  page.prose(
      "Lesson 16 saved memory by forgetting activations and computing them again. That is how "
      "large models fit on a device. But to run a function twice and to differentiate it once is "
      "not the same. This lesson writes the obvious checkpoint, and breaks it in five ways that "
      "occur in practice. In the column LibTorch, naive is the same attempt built there from "
      "`torch::autograd::Function`, and engine is LibTorch without any checkpoint: its C++ API has "
      "none.");
  works(page, libtorch);
  first_layer(page, libtorch);
  leaking(page, libtorch);
  random_numbers(page, libtorch, options.seed);
  changed_state(page, libtorch);
  compared(page, options.seed);
  second_derivatives(page, libtorch);
  page.try_next(
      "In the first case give the data a gradient: `const Tensor x({1, 2}, requires_grad);`. The "
      "naive result then requires one too and w gets its [6, 32]; the checks that say otherwise "
      "fail.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 21,
       .name = "pitfall_checkpointing",
       .title = "Pitfall: checkpointing",
       .question = "What must a checkpoint get right besides saving memory?",
       .checks = 24},
      build);
}
