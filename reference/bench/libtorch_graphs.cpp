#include <memory>

#include "reference/bench/libtorch_internal.hpp"

namespace gradbook::reference::bench {

namespace {

/// The network of single numbers out of 0-d float64 tensors. Every number gets a gradient, as every
/// Value does.
struct Numbers {
  std::vector<at::Tensor> all;

  Numbers() {
    for (const float number : value_mlp_numbers()) {
      all.push_back(torch::tensor(static_cast<double>(number), torch::dtype(torch::kDouble))
                        .requires_grad_());
    }
  }

  at::Tensor output() const {
    auto next = all.begin() + value_mlp_layers[0];
    std::vector<at::Tensor> x(all.begin(), next);
    for (std::size_t layer = 1; layer < std::size(value_mlp_layers); ++layer) {
      std::vector<at::Tensor> y;
      for (std::size_t j = 0; j < value_mlp_layers[layer]; ++j) {
        at::Tensor sum = *next++;
        for (const at::Tensor& input : x) sum = sum + input * *next++;
        y.push_back(layer + 1 < std::size(value_mlp_layers) ? sum.tanh() : sum);
      }
      x = std::move(y);
    }
    return x[0];
  }
};

Subject value_mlp() {
  const auto numbers = std::make_shared<Numbers>();
  return {[numbers] { numbers->output().backward(); },
          [numbers] {
            const at::Tensor y = numbers->output();
            y.backward();
            std::vector<double> gradients;
            for (at::Tensor& number : numbers->all) {
              gradients.push_back(number.grad().item<double>());
              number.mutable_grad().reset();
            }
            return results({{"y", y}, {"gradients", gradients}});
          }};
}

/// y = x * factor * factor * ..., one node for each product.
at::Tensor chain(at::Tensor x, const at::Tensor& factor, std::size_t nodes) {
  for (std::size_t i = 0; i < nodes; ++i) x = x * factor;
  return x;
}

/// In float64 both numbers get gradients, as two Values do; in float32 the factor is a constant.
Subject chain_of(std::size_t nodes, at::ScalarType dtype) {
  const auto options = torch::dtype(dtype);
  const bool both = dtype == torch::kDouble;
  const auto x = std::make_shared<at::Tensor>(torch::tensor(chain_start, options).requires_grad_());
  const auto factor =
      std::make_shared<at::Tensor>(torch::tensor(chain_factor, options).requires_grad_(both));
  return {[=] {
            chain(*x, *factor, nodes).backward();
            x->mutable_grad().reset();
            factor->mutable_grad().reset();
          },
          [=] {
            const at::Tensor y = chain(*x, *factor, nodes);
            y.backward();
            Results all = results({{"y", y}, {"gradient", x->grad()}});
            if (both) all["gradient of the factor"] = snapshot(factor->grad());
            x->mutable_grad().reset();
            factor->mutable_grad().reset();
            return all;
          }};
}

}  // namespace

Subject libtorch_graph(const Workload& workload) {
  switch (workload.group) {
    case Group::value_mlp:
      return value_mlp();
    case Group::value_chain:
      return chain_of(workload.size, torch::kDouble);
    default:
      return chain_of(workload.size, torch::kFloat);
  }
}

}  // namespace gradbook::reference::bench
