#include "reference/twins/23_recap.hpp"

#include <cmath>

#include "reference/memory.hpp"
#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

/// In float32, a difference of 1e-12 would never be reached.
at::Tensor root(const at::Tensor& x) {
  const double enough = x.scalar_type() == torch::kDouble ? 1e-12 : 1e-5;
  at::Tensor r = x;
  while (std::abs(r.item<double>() * r.item<double>() - x.item<double>()) > enough) {
    r = (r + x / r) / 2;
  }
  return r;
}

double bytes_kept(int layers) {
  at::Tensor x = torch::ones({1024}, torch::dtype(torch::kFloat).requires_grad(true));
  const LibTorchMemory memory;
  at::Tensor y = x;
  for (int i = 0; i < layers; ++i) y = y.tanh();
  return static_cast<double>(memory.live_bytes());
}

}  // namespace

Results recap(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);

  // [code: backward]
  at::Tensor x = torch::tensor(2.0, options);
  at::Tensor c = (3 * x + 1).pow(2);
  c.backward();
  // [/code]

  // [code: paths]
  at::Tensor a = torch::tensor(2.0, options);
  at::Tensor b = torch::tensor(3.0, options);
  ((a + b) * b).backward();
  // [/code]

  // [code: training]
  at::Tensor weight = torch::tensor(0.3, options);
  at::Tensor bias = torch::tensor(0.1, options);
  const auto neuron = [&] { return (weight * 2 + bias).tanh(); };
  std::vector<double> losses;
  for (int step = 0; step < 20; ++step) {
    at::Tensor loss = (neuron() - 0.8).pow(2);
    weight.mutable_grad().reset();
    bias.mutable_grad().reset();
    loss.backward();
    const torch::NoGradGuard updating;
    weight.sub_(0.5 * weight.grad());
    bias.sub_(0.5 * bias.grad());
    losses.push_back(loss.item<double>());
  }
  // [/code]

  at::Tensor nine = torch::tensor(9.0, options);
  at::Tensor r = root(nine);
  r.backward();

  // [code: zeroing]
  at::Tensor z = torch::tensor(2.0, options);
  z.pow(2).backward();
  z.pow(2).backward();
  const double doubled = z.grad().item<double>();
  z.mutable_grad().reset();
  z.pow(2).backward();
  // [/code]

  return results({{"c", c},
                  {"dc/dx", x.grad()},
                  {"dc/da", a.grad()},
                  {"dc/db", b.grad()},
                  {"first loss", losses.front()},
                  {"output after 20 steps", neuron()},
                  {"root(9)", r},
                  {"slope at 9", nine.grad()},
                  {"bytes, 8 layers", bytes_kept(8)},
                  {"bytes, 16 layers", bytes_kept(16)},
                  {"without zeroing", doubled},
                  {"with zeroing", z.grad()}});
}

}  // namespace gradbook::reference::twins
