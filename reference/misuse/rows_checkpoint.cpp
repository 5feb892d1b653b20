#include "reference/misuse/misuse_internal.hpp"

// C++ LibTorch has no checkpoint. A checkpoint is to give what the plain function gives, so the
// plain function stands here for it; only where the function changes its output does it take what
// a checkpoint does: one run without recording, and another one for backward.

namespace gradbook::reference {

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
         const auto function = [&](const at::Tensor& in) { return in * ++runs; };
         {
           const at::NoGradGuard first_run;
           function(x);
         }
         function(x).sum().backward();
         return snapshot(x.grad());
       }},
  };
}

}  // namespace gradbook::reference
