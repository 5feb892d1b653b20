#include "reference/twins/16_memory_and_checkpointing.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "reference/memory.hpp"
#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

// [code: squared relu]
at::Tensor squared_relu(const at::Tensor& x) { return x.relu().pow(2); }
// [/code]

using Layer = at::Tensor (*)(const at::Tensor&);

at::Tensor repeat(Layer layer, at::Tensor h, std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) h = layer(h);
  return h;
}

/// `layer` applied some times, without keeping what it saves: backward runs it again. LibTorch's
/// C++ API has no checkpoint, so this is one. (PyTorch's does more: lesson 21.)
template <Layer layer>
struct Checkpoint : torch::autograd::Function<Checkpoint<layer>> {
  // LibTorch calls this with recording off.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            std::int64_t times) {
    context->save_for_backward({x});
    context->saved_data["times"] = times;
    return repeat(layer, x, times);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_();
    at::AutoGradMode recording(true);
    at::Tensor y = repeat(layer, x, context->saved_data["times"].toInt());
    y.backward(gradients[0]);
    return {x.grad(), at::Tensor()};  // none for `times`
  }
};

}  // namespace

Results relu_squared(Precision precision, const Snapshot& values) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: checkpoint]
  at::Tensor x = to_torch(values, options);
  at::Tensor y = squared_relu(x);
  y.sum().backward();

  at::Tensor x2 = to_torch(values, options);
  at::Tensor y2 = Checkpoint<squared_relu>::apply(x2, 1);
  y2.sum().backward();
  // [/code]
  return results(
      {{"y", y}, {"dL/dx", x.grad()}, {"checkpointed y", y2}, {"checkpointed dL/dx", x2.grad()}});
}

std::size_t kept_by_relu_squared(bool checkpointed) {
  LibTorchMemory memory;
  at::Tensor x = torch::full({64, 64}, 0.5, torch::requires_grad());
  const std::size_t before = memory.live_bytes();
  at::Tensor y = checkpointed ? Checkpoint<squared_relu>::apply(x, 1) : squared_relu(x);
  return memory.live_bytes() - before - y.nbytes();
}

namespace {

std::size_t layer_runs = 0;

at::Tensor tanh_layer(const at::Tensor& h) {
  ++layer_runs;
  return h.tanh();
}

// [code: network]
at::Tensor deep_network(at::Tensor h, std::int64_t layers, std::int64_t block) {
  if (block == 0) return repeat(tanh_layer, h, layers);
  for (std::int64_t done = 0; done < layers; done += block) {
    h = Checkpoint<tanh_layer>::apply(h, std::min(block, layers - done));
  }
  return h;
}
// [/code]

}  // namespace

DepthRun deep_tanh(std::size_t layers, std::size_t block) {
  LibTorchMemory memory;
  at::Tensor x = torch::full({64, 64}, 0.5, torch::requires_grad());
  const std::size_t before = memory.live_bytes();
  memory.reset_peak();
  layer_runs = 0;
  deep_network(x, static_cast<std::int64_t>(layers), static_cast<std::int64_t>(block))
      .sum()
      .backward();
  return {memory.peak_bytes() - before, layer_runs, snapshot(x.grad())};
}

}  // namespace gradbook::reference::twins
