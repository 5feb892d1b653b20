#include <map>
#include <memory>

#include "engine/tensor.hpp"
#include "tests/bench/engine.hpp"

namespace gradbook::bench {

namespace {

using reference::Results;
using reference::bench::gradient_values;
using reference::bench::input_values;

using Tensors = std::vector<Tensor>;
using Compute = Tensor (*)(const Tensors&);

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
      {"matmul", [](const Tensors& x) { return matmul(x[0], x[1]); }},
  };
  return all;
}

/// What one run works on; sets are used in turn.
struct InputSet {
  Tensors inputs;
  Tensor gradient;  ///< of the result, where the pass goes back
};

InputSet make_set(const Workload& workload, Compute compute, std::size_t number) {
  InputSet set;
  for (std::size_t i = 0; i < workload.inputs.size(); ++i) {
    const std::vector<float> values = input_values(workload, number, i);
    set.inputs.push_back(Tensor(workload.inputs[i], values));
  }
  if (!workload.backward) return set;
  const Tensor y = compute(set.inputs);
  set.gradient = Tensor(y.shape(), gradient_values(number, y.numel()));
  for (Tensor& x : set.inputs) x.requires_grad_();
  return set;
}

}  // namespace

Subject engine_operation(const Workload& workload, std::size_t input_sets) {
  const Compute compute = computations().at(workload.subject);
  const auto sets = std::make_shared<std::vector<InputSet>>();
  for (std::size_t i = 0; i < input_sets; ++i) sets->push_back(make_set(workload, compute, i));

  const auto results_of = [sets, compute, backward = workload.backward] {
    InputSet& set = sets->front();
    const Tensor y = compute(set.inputs);
    Results results{{"y", y.snapshot()}};
    if (!backward) return results;
    y.backward(set.gradient);
    for (std::size_t i = 0; i < set.inputs.size(); ++i) {
      results["gradient " + std::to_string(i)] = set.inputs[i].grad().snapshot();
      set.inputs[i].zero_grad();
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
            const Tensor y = compute(set.inputs);
            y.backward(set.gradient);
            for (Tensor& x : set.inputs) x.zero_grad();
          },
          results_of};
}

Subject engine(const Workload& workload, std::size_t input_sets) {
  switch (workload.group) {
    case Group::operation:
    case Group::matmul:
      return engine_operation(workload, input_sets);
    case Group::xor_step:
    case Group::mlp_step:
    case Group::relu_chain:
      return engine_training(workload);
    case Group::value_mlp:
    case Group::value_chain:
    case Group::tensor_chain:
      break;
  }
  return engine_graph(workload);
}

}  // namespace gradbook::bench
