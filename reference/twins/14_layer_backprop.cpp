#include "reference/twins/14_layer_backprop.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results layer(Precision precision, const Snapshot& g) {
  const auto options = torch::dtype(dtype_of(precision));
  // [code: layer]
  at::Tensor x = torch::tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, options);
  at::Tensor W = torch::tensor({{1.0, 0.0}, {0.0, 1.0}, {1.0, -1.0}}, options);
  at::Tensor b = torch::tensor({1.0, -1.0}, options);
  for (at::Tensor* leaf : {&x, &W, &b}) leaf->requires_grad_();
  at::Tensor y = torch::matmul(x, W) + b;
  y.backward(to_torch(g, options));
  // [/code]
  return results({{"y", y}, {"dL/dW", W.grad()}, {"dL/db", b.grad()}, {"dL/dx", x.grad()}});
}

namespace {

bool is_refused(const at::Tensor& a, const at::Tensor& b) {
  try {
    (void)(a - b);
  } catch (const c10::Error&) {
    return true;
  }
  return false;
}

}  // namespace

Results stack(Precision precision, const Stack& start, const Snapshot& x, const Snapshot& target) {
  const auto options = torch::dtype(dtype_of(precision));
  std::vector<at::Tensor> weights, biases;
  // [code: forward]
  at::Tensor h = to_torch(x, options);
  for (std::size_t i = 0; i < start.weights.size(); ++i) {
    weights.push_back(to_torch(start.weights[i], options.requires_grad(true)));
    biases.push_back(to_torch(start.biases[i], options.requires_grad(true)));
    h = torch::matmul(h, weights[i]) + biases[i];
    if (i + 1 < start.weights.size()) h = h.tanh();
  }
  at::Tensor loss = (h - to_torch(target, options)).pow(2).mean();
  // [/code]
  loss.backward();

  Results all = results({{"loss", loss},
                         {"swapped update is refused",
                          is_refused(weights[0].detach(), weights[0].grad().t()) ? 1 : 0}});
  for (std::size_t i = 0; i < weights.size(); ++i) {
    all["dL/dW" + std::to_string(i + 1)] = snapshot(weights[i].grad());
    all["dL/db" + std::to_string(i + 1)] = snapshot(biases[i].grad());
  }
  return all;
}

}  // namespace gradbook::reference::twins
