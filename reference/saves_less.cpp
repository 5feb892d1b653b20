#include <torch/csrc/autograd/custom_function.h>

#include <limits>

#include "reference/saves_less_internal.hpp"

namespace gradbook::reference {

namespace {

using torch::autograd::AutogradContext;

class Relu : public torch::autograd::Function<Relu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    const at::Tensor y = at::relu(x);
    context->save_for_backward({y});
    return y;
  }
  static std::vector<at::Tensor> backward(AutogradContext* context,
                                          const std::vector<at::Tensor>& g) {
    return {gate_saving_less(g[0], context->get_saved_variables()[0])};
  }
};

class Sigmoid : public torch::autograd::Function<Sigmoid> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    const at::Tensor y = at::sigmoid(x);
    context->save_for_backward({y});
    return y;
  }
  static std::vector<at::Tensor> backward(AutogradContext* context,
                                          const std::vector<at::Tensor>& g) {
    const at::Tensor y = context->get_saved_variables()[0];
    return {g[0] * (at::rsub(y, 1) * y)};
  }
};

class Multiple : public torch::autograd::Function<Multiple> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, double factor) {
    context->saved_data["factor"] = factor;
    return x * factor;
  }
  static std::vector<at::Tensor> backward(AutogradContext* context,
                                          const std::vector<at::Tensor>& g) {
    return {Multiple::apply(g[0], context->saved_data["factor"].toDouble()), at::Tensor()};
  }
};

class OwnGradient : public torch::autograd::Function<OwnGradient> {
 public:
  static at::Tensor forward(AutogradContext*, const at::Tensor& x) { return x.clone(); }
  static std::vector<at::Tensor> backward(AutogradContext*, const std::vector<at::Tensor>& g) {
    return {g[0].clone()};
  }
};

}  // namespace

bool hands_on_a_view(std::string_view operation) {
  return operation == "sum" || operation == "transpose" || operation == "sum_to";
}

at::Tensor with_own_gradient(const at::Tensor& x) { return OwnGradient::apply(x); }

at::Tensor sigmoid_by_its_rule(const at::Tensor& x) { return Sigmoid::apply(x); }

at::Tensor multiple(const at::Tensor& x, double factor) { return Multiple::apply(x, factor); }

at::Tensor mean_saving_nothing(const at::Tensor& x, const std::vector<std::int64_t>& dims,
                               bool keepdim) {
  double count = 1;
  for (const std::int64_t dim : dims) count *= static_cast<double>(x.size(dim));
  const at::Tensor total = dims.empty() ? x : at::sum(x, dims, keepdim);
  // The mean of nothing is NaN, but the gradient that it hands to nobody is not.
  if (count == 0) return total + std::numeric_limits<double>::quiet_NaN();
  return multiple(total, 1 / count);
}

at::Tensor gate(const at::Tensor& g, const at::Tensor& y) {
  const auto operands = at::broadcast_tensors({g, y});
  return at::threshold_backward(operands[0], operands[1], 0);
}

at::Tensor gate_saving_less(const at::Tensor& g, const at::Tensor& y) {
  if (g.requires_grad() || !y.requires_grad()) return gate(g, y);
  // The gradient of y is 0, but there is one.
  const at::Tensor result = gate(g, y.detach());
  return result + y.expand_as(result).clone().zero_();
}

at::Tensor relu_saving_less(const at::Tensor& x) { return Relu::apply(x); }

}  // namespace gradbook::reference
