#include <memory>

#include "engine/checkpoint.hpp"
#include "engine/tensor.hpp"
#include "tests/bench/engine.hpp"

namespace gradbook::bench {

namespace {

using reference::Results;
using reference::bench::checkpoint_layers;
using reference::bench::Network;
using reference::bench::relu_layers;

/// As lesson 10 trains, with the data made once: inputs are not part of a step.
struct Training {
  Tensor x, y, W1, b1, W2, b2;
  std::vector<Tensor> parameters;
  double rate;
  Tensor (*activation)(const Tensor&);

  Training(const Network& net, Tensor (*the_activation)(const Tensor&))
      : x(Tensor::from(net.x)),
        y(Tensor::from(net.y)),
        W1(Tensor::from(net.parameters[0], requires_grad)),
        b1(Tensor::from(net.parameters[1], requires_grad)),
        W2(Tensor::from(net.parameters[2], requires_grad)),
        b2(Tensor::from(net.parameters[3], requires_grad)),
        parameters{W1, b1, W2, b2},
        rate(net.rate),
        activation(the_activation) {}

  double step() {
    for (Tensor& p : parameters) p.zero_grad();
    const Tensor hidden = activation(matmul(x, W1) + b1);
    const Tensor output = matmul(hidden, W2) + b2;
    const Tensor loss = (output - y).pow(2).mean();
    loss.backward();
    const NoGradGuard no_grad;
    for (Tensor& p : parameters) p.sub_(rate * p.grad());
    return static_cast<double>(loss.item());
  }
};

Subject training(const Network& net, Tensor (*activation)(const Tensor&)) {
  const auto state = std::make_shared<Training>(net, activation);
  return {[state] { state->step(); },
          [state] {
            const Snapshot loss(state->step());
            return Results{{"loss", loss},
                           {"W1", state->W1.snapshot()},
                           {"b1", state->b1.snapshot()},
                           {"W2", state->W2.snapshot()},
                           {"b2", state->b2.snapshot()},
                           {"gradient W1", state->W1.grad().snapshot()},
                           {"gradient b1", state->b1.grad().snapshot()},
                           {"gradient W2", state->W2.grad().snapshot()},
                           {"gradient b2", state->b2.grad().snapshot()}};
          }};
}

Tensor relu_layers_of(Tensor h, int layers) {
  for (int i = 0; i < layers; ++i) h = h.relu();
  return h;
}

Tensor deep_network(Tensor h, bool checkpointed) {
  if (!checkpointed) return relu_layers_of(h, relu_layers);
  const auto block = [](const Tensor& x) { return relu_layers_of(x, checkpoint_layers); };
  for (int done = 0; done < relu_layers; done += checkpoint_layers) h = checkpoint(block, h);
  return h;
}

Subject relu_chain(const Workload& workload, bool checkpointed) {
  const std::size_t n = workload.size;
  const auto x = std::make_shared<Tensor>(
      Shape{n, n}, reference::bench::uniform(n * n, 1, workload.low, workload.high), requires_grad);
  return {[x, checkpointed] {
            deep_network(*x, checkpointed).sum().backward();
            x->zero_grad();
          },
          [x, checkpointed] {
            const Tensor y = deep_network(*x, checkpointed);
            y.sum().backward();
            Results all{{"y", y.snapshot()}, {"gradient", x->grad().snapshot()}};
            x->zero_grad();
            return all;
          }};
}

}  // namespace

Subject engine_training(const Workload& workload) {
  switch (workload.group) {
    case Group::xor_step:
      return training(reference::bench::xor_network(), [](const Tensor& h) { return h.tanh(); });
    case Group::mlp_step:
      return training(reference::bench::mlp(), [](const Tensor& h) { return h.relu(); });
    default:
      return relu_chain(workload, workload.subject.find("checkpoint") != std::string::npos);
  }
}

}  // namespace gradbook::bench
