#include <torch/csrc/autograd/custom_function.h>

#include <functional>
#include <utility>

#include "reference/misuse/misuse_internal.hpp"

// C++ LibTorch has no checkpoint. A checkpoint is to give what the plain function gives, so the
// plain function stands here for it; only where the function changes its output does it take a
// second run to go wrong, and a checkpoint written by hand.

namespace gradbook::reference {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Block = std::function<at::Tensor(const at::Tensor&)>;

/// Carries a block from forward to backward.
struct BlockHolder : torch::CustomClassHolder {
  explicit BlockHolder(Block the_block) : block(std::move(the_block)) {}
  Block block;
};

/// A checkpoint as one would write it: run without recording, and run again in backward.
struct CheckpointByHand : torch::autograd::Function<CheckpointByHand> {
  static at::Tensor forward(AutogradContext* ctx, const Block& block, const at::Tensor& x) {
    ctx->saved_data["block"] = c10::IValue::make_capsule(c10::make_intrusive<BlockHolder>(block));
    ctx->save_for_backward({x});
    return block(x);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& g) {
    const torch::AutoGradMode recording(true);
    const auto capsule = ctx->saved_data["block"].toCapsule();
    at::Tensor x = ctx->get_saved_variables()[0].detach().requires_grad_();
    static_cast<const BlockHolder&>(*capsule).block(x).backward(g[0]);
    return {at::Tensor(), x.grad()};
  }
};

}  // namespace

std::vector<Misuse> checkpoint_misuses() {
  return {
      {"checkpoint: no inputs, but a captured tensor",
       []() -> Snapshot {
         at::Tensor w = leaf();
         w.exp().sum().backward();
         return snapshot(w.grad());
       }},
      {"checkpoint: an input without elements",
       []() -> Snapshot {
         at::Tensor x = torch::ones({0, 3}, torch::requires_grad());
         x.exp().sum().backward();
         return snapshot(x.grad());
       }},
      {"checkpoint: a result that is not a scalar",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward();
         return snapshot(x.grad());
       },
       "implicitly created only for scalar outputs"},
      // The value is that of the first run, the gradient that of the second, and nobody is told.
      {"checkpoint: a function that changes its output",
       []() -> Snapshot {
         at::Tensor x = leaf();
         int runs = 0;
         CheckpointByHand::apply([&](const at::Tensor& in) { return in * ++runs; }, x)
             .sum()
             .backward();
         return snapshot(x.grad());
       }},
  };
}

}  // namespace gradbook::reference
