#include "reference/twins/15_stopping_gradients.hpp"

#include "reference/memory.hpp"
#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results stopping(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: two ways]
  at::Tensor x = torch::tensor({1.0, 2.0, 3.0}, options);
  at::Tensor y = x * 2;
  at::Tensor d = y.detach();
  bool no_grad_result;
  {
    torch::NoGradGuard no_grad;
    no_grad_result = (x * 2).requires_grad();
  }
  const bool afterwards = (x * 2).requires_grad();
  // [/code]

  double refused = 0;
  try {
    (d * d).sum().backward();
  } catch (const c10::Error&) {
    refused = 1;
  }
  const bool left_a_gradient = x.grad().defined();

  // [code: half]
  at::Tensor product = (y * y).sum();
  product.backward();
  const at::Tensor both = x.grad().clone();
  x.mutable_grad().reset();
  at::Tensor half = (y * y.detach()).sum();
  half.backward();
  // [/code]
  return results({{"x requires grad", x.requires_grad()},
                  {"y requires grad", y.requires_grad()},
                  {"d requires grad", d.requires_grad()},
                  {"2x inside no-grad requires grad", no_grad_result},
                  {"2x afterwards requires grad", afterwards},
                  {"backward is refused", refused},
                  {"refusal left a gradient", left_a_gradient},
                  {"y·y", product},
                  {"slope of y·y", both},
                  {"y·d", half},
                  {"slope of y·d", x.grad()}});
}

Results inference(Precision precision, const Snapshot& x, const Snapshot& W, const Snapshot& b) {
  const auto options = torch::dtype(dtype_of(precision));
  // [code: inference]
  at::Tensor weights = to_torch(W, options.requires_grad(true));
  at::Tensor biases = to_torch(b, options.requires_grad(true));
  torch::NoGradGuard no_grad;
  at::Tensor scores = torch::matmul(to_torch(x, options), weights) + biases;
  // [/code]
  return results({{"scores", scores},
                  {"classes", scores.argmax(1)},
                  {"scores recorded", scores.requires_grad()}});
}

namespace {

at::Tensor loss_of(const at::Tensor& x, const at::Tensor& W1, const at::Tensor& W2) {
  return torch::matmul(torch::matmul(x, W1).tanh(), W2).pow(2).mean();
}

}  // namespace

Results frozen_layer(Precision precision, const Snapshot& x_values, const Snapshot& W1_values,
                     const Snapshot& W2_values) {
  const auto options = torch::dtype(dtype_of(precision));
  at::Tensor x = to_torch(x_values, options);
  at::Tensor W1 = to_torch(W1_values, options.requires_grad(true));
  at::Tensor W2 = to_torch(W2_values, options.requires_grad(true));
  loss_of(x, W1, W2).backward();
  const at::Tensor trained = W2.grad().clone();

  W1.mutable_grad().reset();
  W2.mutable_grad().reset();
  // [code: frozen]
  W1.requires_grad_(false);
  at::Tensor loss = loss_of(x, W1, W2);
  loss.backward();
  // [/code]
  return results({{"loss", loss},
                  {"dL/dW2", W2.grad()},
                  {"dL/dW2 with W1 trained too", trained},
                  {"W1 got a gradient", W1.grad().defined()}});
}

Results running_total() {
  at::Tensor x = torch::ones({256});
  at::Tensor w = torch::tensor(0.5f, torch::requires_grad());
  LibTorchMemory memory;
  // [code: metrics]
  at::Tensor of_losses = torch::tensor(0.0f);
  for (int step = 0; step < 100; ++step) {
    of_losses = of_losses + (x * w).pow(2).mean();
  }
  const std::size_t kept_by_losses = memory.live_bytes();
  double of_items = 0;
  for (int step = 0; step < 100; ++step) {
    of_items += (x * w).pow(2).mean().item<double>();
  }
  // [/code]
  return results({{"total of losses", of_losses},
                  {"it requires grad", of_losses.requires_grad()},
                  {"total of items", of_items},
                  {"bytes kept by losses", kept_by_losses},
                  {"bytes kept by items", memory.live_bytes() - kept_by_losses}});
}

Results target_value(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: target]
  at::Tensor w = torch::tensor(0.5, options);
  at::Tensor loss = (w * 1 - (1 + 0.9 * (w * 2)).detach()).pow(2);
  loss.backward();

  at::Tensor w2 = torch::tensor(0.5, options);
  at::Tensor leaky = (w2 * 1 - (1 + 0.9 * (w2 * 2))).pow(2);
  leaky.backward();
  // [/code]
  return results({{"loss", loss}, {"detached target", w.grad()}, {"leaky target", w2.grad()}});
}

}  // namespace gradbook::reference::twins
