#include "reference/twins/10_xor_network.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

// [code: network]
struct Network {
  at::Tensor W1, b1, W2, b2;

  /// The parts of one row of 33 weights.
  explicit Network(const at::Tensor& weights)
      : W1(weights.slice(0, 0, 16).reshape({2, 8})),
        b1(weights.slice(0, 16, 24)),
        W2(weights.slice(0, 24, 32).reshape({8, 1})),
        b2(weights.slice(0, 32, 33)) {}
};
// [/code]

at::Tensor inputs(const at::TensorOptions& options) {
  return torch::tensor({{0.0, 0.0}, {0.0, 1.0}, {1.0, 0.0}, {1.0, 1.0}}, options);
}

at::Tensor targets(const at::TensorOptions& options) {
  return torch::tensor({{0.0}, {1.0}, {1.0}, {0.0}}, options);
}

// [code: loss]
at::Tensor loss_at(const at::Tensor& weights) {
  const auto options = torch::dtype(weights.scalar_type());
  const Network net(weights);
  at::Tensor hidden = (torch::matmul(inputs(options), net.W1) + net.b1).tanh();
  at::Tensor output = torch::matmul(hidden, net.W2) + net.b2;
  return (output - targets(options)).pow(2).mean();
}
// [/code]

}  // namespace

Results xor_network(Precision precision, const Snapshot& weights) {
  at::Tensor w = to_torch(weights, torch::dtype(dtype_of(precision)).requires_grad(true));
  at::Tensor loss = loss_at(w);
  loss.backward();
  return results({{"loss", loss}, {"gradient", w.grad()}});
}

Results xor_scale(const Snapshot& weights) {
  const auto options = torch::dtype(torch::kDouble);
  const at::Tensor w = to_torch(weights, options);
  const Network net(w);
  const Network size(w.abs());
  const at::Tensor x = inputs(options);
  const at::Tensor y = targets(options);

  // Forward: every node's own size, and what the errors of its inputs add.
  const at::Tensor hidden = (torch::matmul(x, net.W1) + net.b1).tanh();
  const at::Tensor slope = 1 - hidden * hidden;
  const at::Tensor hidden_scale = hidden.abs() + slope * (torch::matmul(x, size.W1) + size.b1);
  const at::Tensor miss = torch::matmul(hidden, net.W2) + net.b2 - y;
  const at::Tensor miss_scale = torch::matmul(hidden_scale, size.W2) + size.b2 + y;

  // Backward: the mean of four squares hands miss / 2 to each of them.
  const at::Tensor arriving = miss_scale / 2;
  const at::Tensor at_hidden = torch::matmul(arriving, size.W2.t());
  return results(
      {{"loss", (2 * miss.abs() * miss_scale).mean()},
       {"gradient",
        torch::cat({torch::matmul(x.t(), at_hidden).reshape({16}), at_hidden.sum({0}),
                    torch::matmul(hidden_scale.t(), arriving).reshape({8}), arriving.sum({0})})}});
}

std::vector<double> xor_training(Precision precision, const Snapshot& weights, double rate,
                                 int steps) {
  at::Tensor w = to_torch(weights, torch::dtype(dtype_of(precision)).requires_grad(true));
  std::vector<double> losses;
  for (int i = 0; i < steps; ++i) {
    // [code: step]
    w.mutable_grad().reset();
    at::Tensor loss = loss_at(w);
    loss.backward();
    torch::NoGradGuard no_grad;
    w.sub_(rate * w.grad());
    // [/code]
    losses.push_back(loss.item<double>());
  }
  return losses;
}

// [code: curvature]
double xor_curvature(const Snapshot& weights) {
  at::Tensor w = to_torch(weights, torch::dtype(torch::kDouble).requires_grad(true));
  const at::Tensor gradient = torch::autograd::grad({loss_at(w)}, {w}, {}, true, true)[0];
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < gradient.numel(); ++i) {
    rows.push_back(torch::autograd::grad({gradient[i]}, {w}, {}, true)[0]);
  }
  return at::linalg_eigvalsh(torch::stack(rows)).abs().max().item<double>();
}
// [/code]

Snapshot xor_weights(std::uint64_t seed) {
  torch::manual_seed(seed);
  const at::Tensor W1 = torch::randn({2, 8}) * 0.5;
  const at::Tensor W2 = torch::randn({8, 1}) * 0.5;
  return snapshot(
      torch::cat({W1.reshape({16}), torch::zeros({8}), W2.reshape({8}), torch::zeros({1})}));
}

}  // namespace gradbook::reference::twins
