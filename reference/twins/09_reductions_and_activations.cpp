#include "reference/twins/09_reductions_and_activations.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results reductions_and_activations(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision));
  const auto wanted = options.requires_grad(true);
  const auto counted = [&](std::int64_t first, std::int64_t last, std::vector<std::int64_t> shape) {
    return torch::arange(first, last + 1, options).reshape(shape).requires_grad_(true);
  };

  at::Tensor x = counted(1, 6, {2, 3});
  at::Tensor sum = x.sum();
  sum.backward();
  const at::Tensor from_sum = x.grad().clone();
  x.mutable_grad() = at::Tensor();
  // [code: mean]
  at::Tensor mean = x.mean();
  mean.backward();
  // [/code]
  const at::Tensor from_mean = x.grad().clone();
  x.mutable_grad() = at::Tensor();
  // [code: back from some]
  x.sum({1}).backward(torch::tensor({1.0, 2.0}, options));
  const at::Tensor from_rows = x.grad().clone();
  x.mutable_grad() = at::Tensor();
  x.mean({0}).backward(torch::tensor({2.0, 4.0, 6.0}, options));
  // [/code]
  const at::Tensor block = counted(1, 12, {2, 2, 3});
  const std::vector<std::int64_t> outer_and_last = {0, 2};

  const at::Tensor m = torch::tensor({{1.0, 3.0}, {5.0, 7.0}}, options);

  // [code: pieces]
  at::Tensor first = torch::tensor({1.0, 2.0}, wanted);
  at::Tensor second = torch::tensor({6.0}, wanted);
  at::Tensor of_means = (first.mean() + second.mean()) / 2;
  of_means.backward();
  // [/code]

  at::Tensor z = torch::tensor({-2.0, -0.5, 0.0, 0.5, 2.0}, wanted);
  at::Tensor relu = z.relu();
  relu.backward(torch::ones({5}, options));
  const at::Tensor relu_slope = z.grad().clone();
  z.mutable_grad() = at::Tensor();
  at::Tensor tanh = z.tanh();
  tanh.backward(torch::ones({5}, options));

  // [code: layer]
  at::Tensor X = torch::tensor({{1.0, 2.0}, {3.0, 4.0}}, options);
  at::Tensor W = torch::tensor({{1.0, 0.5}, {0.5, -1.0}}, wanted);
  at::Tensor b = torch::zeros({2}, wanted);
  at::Tensor loss = (torch::matmul(X, W) + b).relu().mean();
  loss.backward();
  // [/code]

  return results({{"mean", mean},
                  {"gradient of the mean", from_mean},
                  {"sum", sum},
                  {"gradient of the sum", from_sum},
                  {"x.sum({0})", x.sum({0})},
                  {"x.sum({-1})", x.sum({-1})},
                  {"x.sum({1}, true)", x.sum({1}, true)},
                  {"x.mean({1})", x.mean({1})},
                  {"block.mean({0, 2})", block.mean(outer_and_last)},
                  {"block.sum({-1, -3})", block.sum({-1, -3})},
                  {"back from x.sum({1})", from_rows},
                  {"back from x.mean({0})", x.grad()},
                  {"with keepdim", m - m.mean({1}, true)},
                  {"without", m - m.mean({1})},
                  {"mean of two means", of_means},
                  {"gradient, first piece", first.grad()},
                  {"gradient, last piece", second.grad()},
                  {"relu(z)", relu},
                  {"relu'(z)", relu_slope},
                  {"tanh(z)", tanh},
                  {"tanh'(z)", z.grad()},
                  {"loss", loss},
                  {"dL/dW", W.grad()},
                  {"dL/db", b.grad()}});
}

}  // namespace gradbook::reference::twins
