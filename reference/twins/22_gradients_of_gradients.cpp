#include "reference/twins/22_gradients_of_gradients.hpp"

#include <cmath>

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

using torch::autograd::grad;
using Weights = std::vector<at::Tensor>;  // W1, b1, W2, b2

at::Tensor loss(const Weights& w) {
  const auto constant = torch::dtype(w[0].scalar_type());
  at::Tensor x = torch::tensor({0, 0, 0, 1, 1, 0, 1, 1}, constant).reshape({4, 2});
  at::Tensor target = torch::tensor({0, 1, 1, 0}, constant).reshape({4, 1});
  at::Tensor hidden = (torch::matmul(x, w[0]) + w[1]).tanh();
  return (torch::matmul(hidden, w[2]) + w[3] - target).pow(2).mean();
}

// [code: hessian]
Weights hessian_times(const Weights& v, const Weights& at) {
  const Weights slopes = grad({loss(at)}, at, {}, /*retain_graph=*/true, /*create_graph=*/true);
  return grad(slopes, at, v);
}
// [/code]

double dot(const Weights& a, const Weights& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] * b[i]).sum().item<double>();
  return sum;
}

Weights divided(Weights v, double by) {
  for (at::Tensor& part : v) part = part / by;
  return v;
}

Weights first_guess(const Weights& weights) {
  Weights ones;
  for (const at::Tensor& weight : weights) ones.push_back(torch::ones_like(weight).detach());
  return divided(ones, std::sqrt(dot(ones, ones)));
}

// [code: power]
double largest_curvature(const Weights& at) {
  Weights v = first_guess(at);
  double curvature = 0;
  for (int i = 0; i < 50; ++i) {
    const Weights hv = hessian_times(v, at);
    curvature = dot(v, hv);
    v = divided(hv, std::sqrt(dot(hv, hv)));
  }
  return curvature;
}
// [/code]

}  // namespace

Results gradients_of_gradients(Precision precision,
                               const std::map<int, std::vector<Snapshot>>& weights) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  const auto leaves = [&](const std::vector<Snapshot>& values) {
    Weights result;
    for (const Snapshot& value : values) result.push_back(to_torch(value, options));
    return result;
  };

  // [code: cube]
  at::Tensor x = torch::tensor(2.0, options);
  at::Tensor y = x.pow(3);
  at::Tensor dy = grad({y}, {x}, {}, true, true)[0];
  at::Tensor d2y = grad({dy}, {x}, {}, true, true)[0];
  at::Tensor d3y = grad({d2y}, {x})[0];
  // [/code]
  double refused = 0;
  try {
    grad({grad({x.pow(3)}, {x})[0]}, {x});
  } catch (const c10::Error&) {
    refused = 1;
  }

  const Weights start = leaves(weights.at(0));
  const Weights hv = hessian_times(first_guess(start), start);

  Results all = results({{"y", y},
                         {"dy/dx", dy},
                         {"d²y/dx²", d2y},
                         {"d³y/dx³", d3y},
                         {"refused: no create_graph", refused},
                         {"Hv, W1", hv[0]},
                         {"Hv, b1", hv[1]},
                         {"Hv, W2", hv[2]},
                         {"Hv, b2", hv[3]}});
  for (const auto& [step, values] : weights) {
    const Weights at = leaves(values);
    all["loss, step " + std::to_string(step)] = snapshot(loss(at));
    all["curvature, step " + std::to_string(step)] = largest_curvature(at);
  }
  return all;
}

}  // namespace gradbook::reference::twins
