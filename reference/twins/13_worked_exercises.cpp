#include "reference/twins/13_worked_exercises.hpp"

#include <algorithm>

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results cube(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: cube]
  at::Tensor x = torch::tensor(2.0, options);
  at::Tensor power = x.pow(3);
  power.backward();

  at::Tensor factor = torch::tensor(2.0, options);
  at::Tensor product = factor * factor * factor;
  product.backward();
  // [/code]
  return results({{"x³", power},
                  {"slope of x³", x.grad()},
                  {"x·x·x", product},
                  {"slope of x·x·x", factor.grad()}});
}

Results softmax(Precision precision, double x_start, double z_start) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: two scalars]
  at::Tensor x = torch::tensor(x_start, options);
  at::Tensor z = torch::tensor(z_start, options);
  at::Tensor p = x.exp() / (x.exp() + z.exp());
  p.backward();
  // [/code]

  // [code: large]
  const double largest = std::max(x_start, z_start);
  at::Tensor x2 = torch::tensor(x_start, options);
  at::Tensor z2 = torch::tensor(z_start, options);
  at::Tensor shifted = (x2 - largest).exp() / ((x2 - largest).exp() + (z2 - largest).exp());
  shifted.backward();
  // [/code]

  at::Tensor scores = torch::tensor({x_start, z_start}, options);
  return results({{"p", p},
                  {"dp/dx", x.grad()},
                  {"dp/dz", z.grad()},
                  {"shifted p", shifted},
                  {"LibTorch's own softmax", scores.softmax(0)[0]},
                  {"shifted dp/dx", x2.grad()},
                  {"shifted dp/dz", z2.grad()}});
}

Results activations(Precision precision, const Snapshot& x_values) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: activations]
  at::Tensor x = to_torch(x_values, options);
  x.relu().sum().backward();
  const at::Tensor relu = x.grad().clone();
  x.mutable_grad().reset();
  x.tanh().sum().backward();
  // [/code]
  return results({{"relu'", relu}, {"tanh'", x.grad()}});
}

Results repeated(Precision precision, double start, int layers) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: slope]
  at::Tensor x = torch::tensor(start, options);
  at::Tensor through_relu = x;
  for (int i = 0; i < layers; ++i) through_relu = through_relu.relu();
  through_relu.backward();
  // [/code]

  at::Tensor x2 = torch::tensor(start, options);
  at::Tensor through_tanh = x2;
  for (int i = 0; i < layers; ++i) through_tanh = through_tanh.tanh();
  through_tanh.backward();
  return results({{"relu", x.grad()}, {"tanh", x2.grad()}});
}

}  // namespace gradbook::reference::twins
