#include "reference/saved.hpp"

#include <functional>
#include <limits>

#include "reference/memory.hpp"
#include "reference/quiet_internal.hpp"
#include "reference/torch.hpp"

namespace gradbook::reference {

namespace {

using One = std::function<at::Tensor(const at::Tensor&)>;
using Two = std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>;

at::Tensor leaf(at::IntArrayRef shape = {64, 64}) {
  return torch::full(shape, 0.5, torch::requires_grad());
}

/// What stays alive of `run` when only its graph is kept.
std::size_t kept_by_graph(const std::function<at::Tensor()>& run) {
  LibTorchMemory memory;
  const std::size_t before = memory.live_bytes();
  const auto graph = run().grad_fn();
  return memory.live_bytes() - before;
}

// The inputs are intermediates, `leaf * 1`, since a leaf is kept alive by the graph in any case;
// multiplication by a constant saves nothing itself.
std::size_t saved_by(const One& operation) {
  const at::Tensor a = leaf();
  return kept_by_graph([&] { return operation(a * 1); });
}
std::size_t saved_by(const Two& operation) {
  const at::Tensor a = leaf();
  const at::Tensor b = leaf();
  return kept_by_graph([&] { return operation(a * 1, b * 1); });
}

}  // namespace

std::map<std::string, std::size_t> libtorch_saved_bytes() {
  const std::map<std::string, Two> two = {
      {"a + b", [](auto& a, auto& b) { return a + b; }},
      {"a - b", [](auto& a, auto& b) { return a - b; }},
      {"a * b", [](auto& a, auto& b) { return a * b; }},
      {"a / b", [](auto& a, auto& b) { return a / b; }},
      {"gate(a, b)", [](auto& a, auto& b) { return at::threshold_backward(a, b, 0); }},
      {"matmul(a, b)", [](auto& a, auto& b) { return torch::matmul(a, b); }},
      {"a.add_(b)", [](at::Tensor a, auto& b) { return a.add_(b); }},
      {"a.sub_(b)", [](at::Tensor a, auto& b) { return a.sub_(b); }},
      {"a.mul_(b)", [](at::Tensor a, auto& b) { return a.mul_(b); }},
      {"a.copy_(b)", [](at::Tensor a, auto& b) { return a.copy_(b); }},
  };
  const std::map<std::string, One> one = {
      {"x + 2", [](auto& x) { return x + 2; }},
      {"x - 2", [](auto& x) { return x - 2; }},
      {"2 - x", [](auto& x) { return 2 - x; }},
      {"x * 2", [](auto& x) { return x * 2; }},
      {"x / 2", [](auto& x) { return x / 2; }},
      {"x.pow(3)", [](auto& x) { return x.pow(3); }},
      {"-x", [](auto& x) { return -x; }},
      {"x.reciprocal()", [](auto& x) { return x.reciprocal(); }},
      {"x.exp()", [](auto& x) { return x.exp(); }},
      {"x.log()", [](auto& x) { return x.log(); }},
      {"x.sqrt()", [](auto& x) { return x.sqrt(); }},
      {"x.tanh()", [](auto& x) { return x.tanh(); }},
      {"x.sigmoid()", [](auto& x) { return x.sigmoid(); }},
      {"x.relu()", [](auto& x) { return x.relu(); }},
      {"x.sum()", [](auto& x) { return x.sum(); }},
      {"x.mean()", [](auto& x) { return x.mean(); }},
      {"x.transpose(0, 1)", [](auto& x) { return x.transpose(0, 1); }},
      {"x.reshape({-1})", [](auto& x) { return x.reshape({-1}); }},
      {"x.expand({2, 64, 64})",
       [](auto& x) {
         return x.expand({2, 64, 64});
       }},
      {"x.sum_to({64})", [](auto& x) { return x.sum_to_size({64}); }},
      {"a.zero_()", [](at::Tensor x) { return x.zero_(); }},
  };
  std::map<std::string, std::size_t> bytes;
  for (const auto& [written, operation] : two) bytes[written] = saved_by(operation);
  for (const auto& [written, operation] : one) bytes[written] = saved_by(operation);
  return bytes;
}

std::size_t libtorch_saved_bytes_of_mean_over_dims() {
  return saved_by(One([](auto& x) { return x.mean(at::IntArrayRef{0}); }));
}

std::size_t libtorch_saved_bytes_of_broadcast_matmul() {
  const at::Tensor a = leaf({2, 1, 64, 64});
  const at::Tensor b = leaf({1, 2, 64, 64});
  return kept_by_graph([&] { return torch::matmul(a * 1, b * 1); });
}

bool libtorch_transpose_is_a_view() {
  const at::Tensor x = torch::zeros({2, 3});
  x.transpose(0, 1).add_(1);
  return x.sum().item<float>() != 0;
}

bool libtorch_expand_is_a_view() {
  const at::Tensor x = torch::zeros({1});
  const at::Tensor repeated = x.expand({3});
  x.add_(1);
  return repeated.sum().item<float>() != 0;
}

double libtorch_gradient_after_freed_graph() {
  const at::Tensor x = torch::ones({1}, torch::requires_grad());
  const at::Tensor z = torch::ones({1}, torch::requires_grad());
  const at::Tensor y = x.exp();
  y.backward();
  // The newest operation runs first: 3 z reaches its leaf before y is found freed.
  const at::Tensor loss = y + 3 * z;
  try {
    loss.backward();
  } catch (const c10::Error&) {
    return z.grad().defined() ? z.grad().item<double>() : 0;
  }
  return -1;
}

bool libtorch_takes_a_larger_gradient() {
  const at::Tensor x = torch::ones({2}, torch::requires_grad());
  try {
    (x * x).backward(torch::ones({3, 2}));
  } catch (const c10::Error&) {
    return false;
  }
  return true;
}

bool libtorch_ignores_unread_saved_values() {
  const at::Tensor x = torch::ones({2}, torch::requires_grad());
  const at::Tensor w = torch::ones({2}, torch::requires_grad());
  const at::Tensor y = (x * w).sum();
  {
    torch::NoGradGuard guard;
    x.add_(1);
  }
  try {
    torch::autograd::grad({y}, {x});
  } catch (const c10::Error&) {
    return false;
  }
  return true;
}

std::size_t libtorch_saved_bytes_of_gate_without_g() {
  const at::Tensor y = leaf();
  const at::Tensor g = torch::ones({64, 64});
  return kept_by_graph([&] { return at::threshold_backward(g, y * 1, 0); });
}

bool libtorch_saves_no_constants() {
  const at::Tensor x = leaf({2});
  const at::Tensor v = leaf({2});
  const at::Tensor slope = torch::autograd::grad({x * 3}, {x}, {v}, true, true)[0].sum();
  torch::autograd::grad({slope}, {v});
  try {
    torch::autograd::grad({slope}, {v});
  } catch (const c10::Error&) {
    return false;
  }
  return true;
}

bool libtorch_unrecorded_view_requires_grad() {
  const at::Tensor y = leaf({2}) * 2;
  const torch::NoGradGuard guard;
  return y.reshape({2, 1}).requires_grad();
}

double libtorch_given_gradient_after_two_passes() {
  const at::Tensor x = leaf({2, 2});
  const at::Tensor given = torch::ones({4});
  x.reshape({-1}).backward(given);
  x.reshape({-1}).backward(given);
  return given[0].item<double>();
}

bool libtorch_keeps_the_history_of_views() {
  const Quiet quiet;
  const at::Tensor view = (leaf({1, 2}) * 2).reshape({2});
  const at::Tensor y = view.sum();
  view.detach().add_(1);
  view.grad_fn();  // LibTorch 1.13 crashes without
  view.retain_grad();
  y.backward();
  return view.grad().defined();
}

bool libtorch_adds_another_shape_of_the_same() {
  const at::Tensor x = torch::ones({1, 2});
  try {
    x.add_(x.reshape({2}));
  } catch (const c10::Error&) {
    return false;
  }
  return true;
}

bool libtorch_grad_leaves_retained_gradients_alone() {
  const Quiet quiet;
  const at::Tensor x = leaf({2});
  const at::Tensor y = x * 2;
  y.retain_grad();
  torch::autograd::grad({y.sum()}, {x});
  return !y.grad().defined();
}

bool libtorch_keeps_the_flag_of_a_saved_leaf() {
  const at::Tensor x = leaf({2});
  at::Tensor w = leaf({2});
  const at::Tensor y = (w * x).sum();
  w.requires_grad_(false);
  return torch::autograd::grad({y}, {x}, {}, true, true)[0].requires_grad();
}

double libtorch_second_derivative_of_sigmoid_times_infinity() {
  const at::Tensor x = torch::ones({}, torch::requires_grad());
  const at::Tensor first = torch::autograd::grad({x.sigmoid()}, {x}, {}, true, true)[0];
  const at::Tensor product = first * std::numeric_limits<double>::infinity();
  return torch::autograd::grad({product}, {x})[0].item<double>();
}

bool libtorch_reads_a_gradient_before_it_grows() {
  const at::Tensor x = leaf({2});
  const at::Tensor w = leaf({2});
  x.sum().backward();
  const at::Tensor older = (w * x.grad()).sum();
  const at::Tensor newer = x.sum();
  try {
    (older + newer).backward();
  } catch (const c10::Error&) {
    return false;
  }
  return true;
}

}  // namespace gradbook::reference
