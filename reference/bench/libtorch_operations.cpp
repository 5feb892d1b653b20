#include <algorithm>
#include <map>
#include <memory>

#include "reference/bench/libtorch_internal.hpp"

namespace gradbook::reference::bench {

namespace {

using Tensors = std::vector<at::Tensor>;
using Compute = at::Tensor (*)(const Tensors&);

const std::map<std::string, Compute>& computations() {
  static const Compute add = [](const Tensors& x) { return x[0] + x[1]; };
  static const Compute mul = [](const Tensors& x) { return x[0] * x[1]; };
  static const std::map<std::string, Compute> all = {
      {"add/same", add},
      {"add/row", add},
      {"add/column", add},
      {"mul/same", mul},
      {"mul/row", mul},
      {"mul/column", mul},
      {"tanh", [](const Tensors& x) { return x[0].tanh(); }},
      {"exp", [](const Tensors& x) { return x[0].exp(); }},
      {"relu", [](const Tensors& x) { return x[0].relu(); }},
      {"sigmoid", [](const Tensors& x) { return x[0].sigmoid(); }},
      {"pow", [](const Tensors& x) { return x[0].pow(3); }},
      {"sqrt", [](const Tensors& x) { return x[0].sqrt(); }},
      {"sum/all", [](const Tensors& x) { return x[0].sum(); }},
      {"sum/dim0", [](const Tensors& x) { return x[0].sum({0}); }},
      {"sum/dim1", [](const Tensors& x) { return x[0].sum({1}); }},
      {"mean", [](const Tensors& x) { return x[0].mean(); }},
      {"matmul", [](const Tensors& x) { return torch::matmul(x[0], x[1]); }},
  };
  return all;
}

/// What one run works on; sets are used in turn.
struct InputSet {
  Tensors inputs;
  at::Tensor gradient;  ///< of the result, where the pass goes back
};

at::Tensor tensor_of(const std::vector<float>& values, at::IntArrayRef sizes) {
  at::Tensor tensor = torch::empty(sizes);  // torch::tensor() would take a while for millions
  std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  return tensor;
}

InputSet make_set(const Workload& workload, Compute compute, std::size_t number) {
  InputSet set;
  for (std::size_t i = 0; i < workload.inputs.size(); ++i) {
    const Shape& shape = workload.inputs[i];
    const std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    set.inputs.push_back(tensor_of(input_values(workload, number, i), sizes));
  }
  if (!workload.backward) return set;
  const at::Tensor y = compute(set.inputs);
  set.gradient = tensor_of(gradient_values(number, static_cast<std::size_t>(y.numel())), y.sizes());
  for (at::Tensor& x : set.inputs) x.requires_grad_();
  return set;
}

}  // namespace

Subject libtorch_operation(const Workload& workload, std::size_t input_sets) {
  const Compute compute = computations().at(workload.subject);
  const auto sets = std::make_shared<std::vector<InputSet>>();
  for (std::size_t i = 0; i < input_sets; ++i) sets->push_back(make_set(workload, compute, i));

  const auto results_of = [sets, compute, backward = workload.backward] {
    InputSet& set = sets->front();
    const at::Tensor y = compute(set.inputs);
    Results results{{"y", snapshot(y)}};
    if (!backward) return results;
    y.backward(set.gradient);
    for (std::size_t i = 0; i < set.inputs.size(); ++i) {
      results["gradient " + std::to_string(i)] = snapshot(set.inputs[i].grad());
      set.inputs[i].mutable_grad().reset();
    }
    return results;
  };
  auto next = [sets, turn = std::size_t{0}]() mutable -> InputSet& {
    turn = turn + 1 < sets->size() ? turn + 1 : 0;
    return (*sets)[turn];
  };
  if (!workload.backward) {
    return {[next, compute]() mutable { compute(next().inputs); }, results_of};
  }
  return {[next, compute]() mutable {
            InputSet& set = next();
            const at::Tensor y = compute(set.inputs);
            y.backward(set.gradient);
            for (at::Tensor& x : set.inputs) x.mutable_grad().reset();
          },
          results_of};
}

Subject libtorch(const Workload& workload, std::size_t input_sets) {
  switch (workload.group) {
    case Group::operation:
    case Group::matmul:
      return libtorch_operation(workload, input_sets);
    case Group::xor_step:
    case Group::mlp_step:
    case Group::relu_chain:
      return libtorch_training(workload);
    case Group::value_mlp:
    case Group::value_chain:
    case Group::tensor_chain:
      break;
  }
  return libtorch_graph(workload);
}

}  // namespace gradbook::reference::bench
