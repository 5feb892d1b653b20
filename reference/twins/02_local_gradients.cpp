#include "reference/twins/02_local_gradients.hpp"

#include <limits>

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

struct Operation {
  std::string name;
  at::Tensor (*compute)(const at::Tensor& a, const at::Tensor& b);
};

const std::vector<Operation> operations = {
    {"add", [](const at::Tensor& a, const at::Tensor& b) { return a + b; }},
    {"mul", [](const at::Tensor& a, const at::Tensor& b) { return a * b; }},
    {"pow", [](const at::Tensor& a, const at::Tensor&) { return a.pow(3); }},
    {"exp", [](const at::Tensor& a, const at::Tensor&) { return a.exp(); }},
    {"log", [](const at::Tensor& a, const at::Tensor&) { return a.log(); }},
    {"tanh", [](const at::Tensor& a, const at::Tensor&) { return a.tanh(); }},
    {"relu", [](const at::Tensor& a, const at::Tensor&) { return a.relu(); }},
    {"sub", [](const at::Tensor& a, const at::Tensor& b) { return a - b; }},
    {"div", [](const at::Tensor& a, const at::Tensor& b) { return a / b; }},
    {"sqrt", [](const at::Tensor& a, const at::Tensor&) { return a.sqrt(); }},
    {"sigmoid", [](const at::Tensor& a, const at::Tensor&) { return a.sigmoid(); }},
};

at::Tensor power_slope(double exponent, at::TensorOptions options) {
  at::Tensor x = torch::tensor(0.0, options);
  x.pow(exponent).backward();
  return x.grad();
}

}  // namespace

Results local_gradients(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);

  at::Tensor relu_x = torch::tensor(0.0, options);
  relu_x.relu().backward();
  at::Tensor dead_x = torch::tensor(-2.0, options);
  dead_x.relu().backward(
      torch::tensor(std::numeric_limits<double>::infinity(), torch::dtype(dtype_of(precision))));
  at::Tensor log_x = torch::tensor(0.0, options);
  at::Tensor log_0 = log_x.log();
  log_0.backward();
  // [code: length]
  at::Tensor x = torch::tensor(0.0, options);
  at::Tensor length = x.pow(2).sqrt();
  length.backward();
  // [/code]

  Results all = results({{"relu'(0)", relu_x.grad()},
                         {"relu'(-2) where g is inf", dead_x.grad()},
                         {"log(0)", log_0},
                         {"log'(0)", log_x.grad()},
                         {"slope of x^0 at 0", power_slope(0, options)},
                         {"slope of x^0.5 at 0", power_slope(0.5, options)},
                         {"length", length},
                         {"dlength/dx", x.grad()}});

  for (const Operation& operation : operations) {
    at::Tensor a = torch::tensor(2.0, options);
    at::Tensor b = torch::tensor(4.0, options);
    operation.compute(a, b).backward();
    const bool both = b.grad().defined();
    all["d " + operation.name] = snapshot(both ? torch::stack({a.grad(), b.grad()}) : a.grad());
  }
  return all;
}

}  // namespace gradbook::reference::twins
