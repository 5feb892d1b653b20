#include <memory>

#include "engine/tensor.hpp"
#include "engine/value.hpp"
#include "tests/bench/engine.hpp"

namespace gradbook::bench {

namespace {

using reference::Results;
using reference::bench::chain_factor;
using reference::bench::chain_start;
using reference::bench::value_mlp_layers;

/// The network of single numbers.
struct Numbers {
  std::vector<Value> all;

  Numbers() {
    for (const float number : reference::bench::value_mlp_numbers()) {
      all.push_back(Value(static_cast<double>(number)));
    }
  }

  Value output() const {
    auto next = all.begin() + value_mlp_layers[0];
    std::vector<Value> x(all.begin(), next);
    for (std::size_t layer = 1; layer < std::size(value_mlp_layers); ++layer) {
      std::vector<Value> y;
      for (std::size_t j = 0; j < value_mlp_layers[layer]; ++j) {
        Value sum = *next++;
        for (const Value& input : x) sum = sum + input * *next++;
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
            const Value y = numbers->output();
            y.backward();
            std::vector<double> gradients;
            for (Value& number : numbers->all) {
              gradients.push_back(number.grad());
              number.zero_grad();
            }
            return Results{{"y", y.data()}, {"gradients", {Shape{gradients.size()}, gradients}}};
          }};
}

/// x * factor * factor * ..., one node for each product.
template <class Number>
Number chain(Number x, const Number& factor, std::size_t nodes) {
  for (std::size_t i = 0; i < nodes; ++i) x = x * factor;
  return x;
}

Subject value_chain(std::size_t nodes) {
  Value x(chain_start);
  Value factor(chain_factor);
  return {[=]() mutable {
            chain(x, factor, nodes).backward();
            x.zero_grad();
            factor.zero_grad();
          },
          [=]() mutable {
            const Value y = chain(x, factor, nodes);
            y.backward();
            Results all{
                {"y", y.data()}, {"gradient", x.grad()}, {"gradient of the factor", factor.grad()}};
            x.zero_grad();
            factor.zero_grad();
            return all;
          }};
}

/// The factor is a constant: it requires no grad.
Subject tensor_chain(std::size_t nodes) {
  const auto x = std::make_shared<Tensor>(chain_start, requires_grad);
  const auto factor = std::make_shared<Tensor>(chain_factor);
  return {[=] {
            chain(*x, *factor, nodes).backward();
            x->zero_grad();
          },
          [=] {
            const Tensor y = chain(*x, *factor, nodes);
            y.backward();
            Results all{{"y", y.snapshot()}, {"gradient", x->grad().snapshot()}};
            x->zero_grad();
            return all;
          }};
}

}  // namespace

Subject engine_graph(const Workload& workload) {
  switch (workload.group) {
    case Group::value_mlp:
      return value_mlp();
    case Group::value_chain:
      return value_chain(workload.size);
    default:
      return tensor_chain(workload.size);
  }
}

}  // namespace gradbook::bench
