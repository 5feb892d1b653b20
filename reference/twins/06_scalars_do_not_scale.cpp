#include "reference/twins/06_scalars_do_not_scale.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results network(Precision precision, const Results& start) {
  const auto options = torch::dtype(dtype_of(precision));
  const auto parameter = options.requires_grad(true);
  at::Tensor x = to_torch(start.at("x"), options);
  at::Tensor w1 = to_torch(start.at("W1"), parameter);
  at::Tensor b1 = to_torch(start.at("b1"), parameter);
  at::Tensor w2 = to_torch(start.at("W2"), parameter);
  at::Tensor b2 = to_torch(start.at("b2"), parameter);

  // [code: network of tensors]
  at::Tensor h = torch::tanh(torch::matmul(x, w1) + b1);
  at::Tensor y = torch::matmul(h, w2) + b2;
  at::Tensor loss = (y - 1).pow(2);
  // [/code]
  loss.backward();

  at::Tensor gradients = torch::cat(
      {w1.grad().flatten(), b1.grad().flatten(), w2.grad().flatten(), b2.grad().flatten()});
  return results({{"loss", loss.item<double>()}, {"gradients", gradients}});
}

Results dot_product(Precision precision, const Snapshot& a_start, const Snapshot& b_start) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  at::Tensor a = to_torch(a_start, options);
  at::Tensor b = to_torch(b_start, options);
  // [code: dot of tensors]
  at::Tensor dot = torch::matmul(a, b);
  dot.backward();
  // [/code]
  return results(
      {{"dot", dot.item<double>()}, {"da", a.grad().flatten()}, {"db", b.grad().flatten()}});
}

}  // namespace gradbook::reference::twins
