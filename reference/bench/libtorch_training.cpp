#include <torch/csrc/autograd/custom_function.h>

#include <memory>

#include "reference/bench/libtorch_internal.hpp"

namespace gradbook::reference::bench {

namespace {

/// As lesson 10 trains, with the data made once: inputs are not part of a step.
struct Training {
  at::Tensor x, y, W1, b1, W2, b2;
  std::vector<at::Tensor> parameters;
  double rate;
  at::Tensor (*activation)(const at::Tensor&);

  Training(const Network& net, at::Tensor (*the_activation)(const at::Tensor&))
      : x(to_torch(net.x, {})),
        y(to_torch(net.y, {})),
        W1(to_torch(net.parameters[0], torch::requires_grad())),
        b1(to_torch(net.parameters[1], torch::requires_grad())),
        W2(to_torch(net.parameters[2], torch::requires_grad())),
        b2(to_torch(net.parameters[3], torch::requires_grad())),
        parameters{W1, b1, W2, b2},
        rate(net.rate),
        activation(the_activation) {}

  double step() {
    for (at::Tensor& p : parameters) p.mutable_grad().reset();
    const at::Tensor hidden = activation(torch::matmul(x, W1) + b1);
    const at::Tensor output = torch::matmul(hidden, W2) + b2;
    const at::Tensor loss = (output - y).pow(2).mean();
    loss.backward();
    const torch::NoGradGuard no_grad;
    for (at::Tensor& p : parameters) p.sub_(rate * p.grad());
    return loss.item<double>();
  }
};

Subject training(const Network& net, at::Tensor (*activation)(const at::Tensor&)) {
  const auto state = std::make_shared<Training>(net, activation);
  return {[state] { state->step(); },
          [state] {
            return results({{"loss", state->step()},
                            {"W1", state->W1},
                            {"b1", state->b1},
                            {"W2", state->W2},
                            {"b2", state->b2},
                            {"gradient W1", state->W1.grad()},
                            {"gradient b1", state->b1.grad()},
                            {"gradient W2", state->W2.grad()},
                            {"gradient b2", state->b2.grad()}});
          }};
}

at::Tensor relu_layers_of(at::Tensor h, std::int64_t layers) {
  for (std::int64_t i = 0; i < layers; ++i) h = h.relu();
  return h;
}

/// Layers that keep nothing but their input: backward runs them again. LibTorch's C++ API has no
/// checkpoint; this is the one of reference/twins/16_memory_and_checkpointing.cpp.
struct Checkpoint : torch::autograd::Function<Checkpoint> {
  // LibTorch calls this with recording off.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return relu_layers_of(x, checkpoint_layers);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_();
    const at::AutoGradMode recording(true);
    relu_layers_of(x, checkpoint_layers).backward(gradients[0]);
    return {x.grad()};
  }
};

at::Tensor deep_network(at::Tensor h, bool checkpoint) {
  if (!checkpoint) return relu_layers_of(h, relu_layers);
  for (int done = 0; done < relu_layers; done += checkpoint_layers) h = Checkpoint::apply(h);
  return h;
}

Subject relu_chain(const Workload& workload, bool checkpoint) {
  const auto n = static_cast<std::int64_t>(workload.size);
  const auto count = workload.size * workload.size;
  const auto x = std::make_shared<at::Tensor>(
      torch::tensor(uniform(count, 1, workload.low, workload.high)).reshape({n, n}));
  x->requires_grad_();
  return {[x, checkpoint] {
            deep_network(*x, checkpoint).sum().backward();
            x->mutable_grad().reset();
          },
          [x, checkpoint] {
            const at::Tensor y = deep_network(*x, checkpoint);
            y.sum().backward();
            Results all = results({{"y", y}, {"gradient", x->grad()}});
            x->mutable_grad().reset();
            return all;
          }};
}

}  // namespace

Subject libtorch_training(const Workload& workload) {
  switch (workload.group) {
    case Group::xor_step:
      return training(xor_network(), [](const at::Tensor& h) { return h.tanh(); });
    case Group::mlp_step:
      return training(mlp(), [](const at::Tensor& h) { return h.relu(); });
    default:
      return relu_chain(workload, workload.subject.find("checkpoint") != std::string::npos);
  }
}

}  // namespace gradbook::reference::bench
