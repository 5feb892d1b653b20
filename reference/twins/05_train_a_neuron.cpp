#include "reference/twins/05_train_a_neuron.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

/// Runs 20 steps and adds what each computed to `all`, under names ending in " at step N". Returns
/// y after the last.
at::Tensor train(double w_start, double b_start, at::TensorOptions options, Results& all) {
  at::Tensor w = torch::tensor(w_start, options.requires_grad(true));
  at::Tensor b = torch::tensor(b_start, options.requires_grad(true));
  const at::Tensor x = torch::tensor(2.0, options);

  for (int step = 0; step < 20; ++step) {
    // [code: step]
    at::Tensor y = (w * x + b).tanh();
    at::Tensor loss = (y - 0.8).pow(2);
    loss.backward();
    {
      torch::NoGradGuard no_grad;
      w -= 0.5 * w.grad();
      b -= 0.5 * b.grad();
    }
    w.grad().zero_();
    b.grad().zero_();
    // [/code]

    const std::string at = " at step " + std::to_string(step);
    all["y" + at] = snapshot(y);
    all["loss" + at] = snapshot(loss);
    all["w" + at] = snapshot(w);
    all["b" + at] = snapshot(b);
  }
  return (w * x + b).tanh();
}

}  // namespace

Results train_a_neuron(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision));

  Results all;
  all["final y"] = snapshot(train(0.3, 0.1, options, all));

  Results saturated;
  train(3.0, 0.1, options, saturated);
  all["y from w = 3"] = saturated.at("y at step 0");
  all["loss from w = 3"] = saturated.at("loss at step 0");
  all["w after 20 steps"] = saturated.at("w at step 19");
  return all;
}

}  // namespace gradbook::reference::twins
