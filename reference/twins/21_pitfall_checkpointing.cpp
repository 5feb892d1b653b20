#include "reference/twins/21_pitfall_checkpointing.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <functional>

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

using Block = std::function<at::Tensor(const at::Tensor&)>;
using torch::autograd::AutogradContext;
using torch::autograd::grad;
using torch::autograd::variable_list;

/// Carries a block from forward to backward.
struct BlockHolder : torch::CustomClassHolder {
  explicit BlockHolder(Block the_block) : block(std::move(the_block)) {}
  Block block;
};

struct NaiveCheckpoint : torch::autograd::Function<NaiveCheckpoint> {
  // [code: naive backward]
  static variable_list backward(AutogradContext* ctx, const variable_list& g) {
    const torch::AutoGradMode recording(true);
    const auto capsule = ctx->saved_data["block"].toCapsule();
    const Block& block = static_cast<const BlockHolder&>(*capsule).block;
    at::Tensor leaf = ctx->get_saved_variables()[0].detach().requires_grad_();
    block(leaf).backward(g[0]);
    return {at::Tensor(), leaf.grad()};
  }
  // [/code]

  // [code: naive forward]
  // Function runs this under no-grad by itself.
  static at::Tensor forward(AutogradContext* ctx, const Block& block, const at::Tensor& x) {
    ctx->saved_data["block"] = c10::IValue::make_capsule(c10::make_intrusive<BlockHolder>(block));
    ctx->save_for_backward({x});
    return block(x);
  }
  // [/code]
};

at::Tensor naive(const Block& block, const at::Tensor& x) {
  return NaiveCheckpoint::apply(block, x);
}

at::Tensor no_checkpoint(const Block& block, const at::Tensor& x) { return block(x); }

using Checkpoint = at::Tensor (*)(const Block&, const at::Tensor&);

at::Tensor square_of_relu(const at::Tensor& x) { return x.relu().pow(2); }

/// 1 where LibTorch throws, else 0.
double refused(const std::function<void()>& action) {
  try {
    action();
  } catch (const c10::Error&) {
    return 1;
  }
  return 0;
}

/// The weights, inputs and programs of the lesson, in one precision.
struct Programs {
  at::TensorOptions constant;
  at::TensorOptions options = constant.requires_grad(true);

  at::Tensor slope(Checkpoint run) const {
    at::Tensor x = torch::tensor({-1.0, 2.0, 3.0}, options);
    run(square_of_relu, x).sum().backward();
    return x.grad();
  }

  struct Captured {
    at::Tensor y, w, v;
  };
  Captured captured_weight(Checkpoint run) const {
    // [code: captured]
    at::Tensor x = torch::tensor({1.0, 2.0}, constant);
    at::Tensor w = torch::tensor({3.0, 4.0}, options);
    at::Tensor v = torch::tensor({1.0, 1.0}, options);
    at::Tensor y = run([&](const at::Tensor& in) { return (w * in).pow(2); }, x);
    (v * y).sum().backward();
    // [/code]
    return {y, w, v};
  }

  struct Leak {
    at::Tensor dx;
    bool leaked;
    at::Tensor dw;
  };
  Leak leak(Checkpoint run) const {
    at::Tensor x = torch::tensor({1.0, 2.0}, options);
    at::Tensor w = torch::tensor({3.0, 4.0}, options);
    const Block layer = [&](const at::Tensor& in) { return (w * in).pow(2); };
    // [code: leak]
    at::Tensor dx = grad({run(layer, x).sum()}, {x})[0];
    const bool leaked = w.grad().defined();
    run(layer, x).sum().backward();
    // [/code]
    return {dx, leaked, w.grad()};
  }

  struct Changed {
    at::Tensor x;
    double refused;
  };
  Changed weight_changed(Checkpoint run) const {
    at::Tensor x = torch::tensor({1.0, 2.0}, options);
    at::Tensor w = torch::tensor({3.0, 4.0}, options);
    // [code: changed]
    at::Tensor y = run([&](const at::Tensor& in) { return (w * in).pow(2); }, x);
    {
      const torch::NoGradGuard updating;
      w.mul_(10);
    }
    // [/code]
    return {x, refused([&] { y.sum().backward(); })};
  }

  at::Tensor second_derivative(Checkpoint run) const {
    at::Tensor x = torch::tensor(2.0, options);
    // [code: second]
    at::Tensor y = run([](const at::Tensor& in) { return in.pow(3); }, x) + x.pow(2);
    at::Tensor dy = grad({y}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
    return grad({dy}, {x})[0];
    // [/code]
  }

  at::Tensor gradient_penalty() const {
    at::Tensor x = torch::tensor({0.5, -1.0, 2.0}, constant).reshape({1, 3}).requires_grad_();
    at::Tensor w =
        torch::tensor({0.1, 0.4, -0.3, 0.2, 0.25, -0.5}, constant).reshape({3, 2}).requires_grad_();
    at::Tensor y = torch::matmul(x, w).tanh().sum();
    at::Tensor slope = grad({y}, {x}, {}, true, true)[0];
    slope.pow(2).sum().backward();
    return w.grad();
  }
};

}  // namespace

Results pitfall_checkpointing(Precision precision, const std::vector<Snapshot>& masks) {
  const Programs programs{torch::dtype(dtype_of(precision))};

  const Programs::Captured naive_weight = programs.captured_weight(naive);
  const Programs::Captured weight = programs.captured_weight(no_checkpoint);
  const Programs::Leak naive_leak = programs.leak(naive);
  const Programs::Leak no_leak = programs.leak(no_checkpoint);

  std::size_t run = 0;
  at::Tensor x = torch::ones({4}, programs.options);
  at::Tensor dropped = naive(
      [&](const at::Tensor& in) { return in * to_torch(masks.at(run++), programs.constant); }, x);
  dropped.sum().backward();

  const Programs::Changed naive_changed = programs.weight_changed(naive);
  const Programs::Changed changed = programs.weight_changed(no_checkpoint);

  return results({{"naive: relu, pow(2)", programs.slope(naive)},
                  {"engine: relu, pow(2)", programs.slope(no_checkpoint)},
                  {"naive: y requires grad", naive_weight.y.requires_grad() ? 1 : 0},
                  {"naive: w has a gradient", naive_weight.w.grad().defined() ? 1 : 0},
                  {"naive: dv", naive_weight.v.grad()},
                  {"engine: dw", weight.w.grad()},
                  {"naive: leaked", naive_leak.leaked ? 1 : 0},
                  {"naive: dw at the end", naive_leak.dw},
                  {"engine: leaked", no_leak.leaked ? 1 : 0},
                  {"engine: dx", no_leak.dx},
                  {"engine: dw at the end", no_leak.dw},
                  {"naive: y", dropped},
                  {"naive: gradient", x.grad()},
                  {"naive: refused", naive_changed.refused},
                  {"naive: dx", naive_changed.x.grad()},
                  {"no checkpoint: refused", changed.refused},
                  {"naive: second", programs.second_derivative(naive)},
                  {"engine: second", programs.second_derivative(no_checkpoint)},
                  {"engine: penalty", programs.gradient_penalty()}});
}

}  // namespace gradbook::reference::twins
