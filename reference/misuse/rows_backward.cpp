#include <torch/version.h>

#include <cmath>

#include "reference/misuse/misuse_internal.hpp"

namespace gradbook::reference {

namespace {

/// How LibTorch calls an input that does not require grad.
#if TORCH_VERSION_MAJOR >= 2
constexpr const char* frozen_input = "of the input tensors does not require grad";
#else
constexpr const char* frozen_input = "of the differentiated Tensors does not require grad";
#endif

}  // namespace

std::vector<Misuse> backward_misuses() {
  return {
      {"backward: not a scalar",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward();
         return snapshot(x.grad());
       },
       "implicitly created only for scalar outputs"},
      {"backward: one element that is not a scalar",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.sum(at::IntArrayRef{0}, true).backward();
         return snapshot(x.grad());
       }},
      {"backward: nothing requires grad",
       []() -> Snapshot {
         at::Tensor y = torch::ones({2}).sum();
         y.backward();
         return snapshot(y);
       },
       "does not require grad and does not have a grad_fn"},
      {"backward: from a detached result",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().sum().detach().backward();
         return snapshot(x.grad());
       },
       "does not require grad and does not have a grad_fn"},
      {"backward: from a result made without grad",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor y;
         {
           torch::NoGradGuard guard;
           y = x.exp().sum();
         }
         y.backward();
         return snapshot(x.grad());
       },
       "does not require grad and does not have a grad_fn"},
      {"backward: from a leaf",
       []() -> Snapshot {
         at::Tensor x = torch::tensor(3.0F, torch::requires_grad());
         x.backward();
         return snapshot(x.grad());
       }},
      {"backward: a gradient of the wrong shape",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward(torch::ones({3}));
         return snapshot(x.grad());
       },
       "invalid gradient at index 0"},
      {"backward: a gradient that would broadcast",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward(torch::ones({1}));
         return snapshot(x.grad());
       },
       "invalid gradient at index 0"},
      {"backward: a gradient of NaN",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward(torch::full({2}, NAN));
         return snapshot(x.grad());
       }},
      {"backward: twice where something was saved",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor y = (x * x).sum();
         y.backward();
         y.backward();
         return snapshot(x.grad());
       },
       "backward through the graph a second time"},
      {"backward: twice where nothing was saved",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor y = (x + x).sum();
         y.backward();
         y.backward();
         return snapshot(x.grad());
       }},
      {"backward: through a part that is freed",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor h = x.exp();
         h.sum().backward();
         (h + x).sum().backward();
         return snapshot(x.grad());
       },
       "backward through the graph a second time"},
      {"grad: an input without a part in the output",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor z = leaf();
         return snapshot(torch::autograd::grad({x.exp().sum()}, {z})[0]);
       },
       "appears to not have been used"},
      {"grad: an unused input that is allowed",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor z = leaf();
         return torch::autograd::grad({x.exp().sum()}, {z}, {}, false, false, true)[0].defined()
                    ? 1.0
                    : 0.0;
       }},
      {"grad: an input that does not require grad",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor z = torch::ones({2});
         return snapshot(torch::autograd::grad({(x * z).sum()}, {z})[0]);
       },
       frozen_input},
      {"grad: not a scalar",
       []() -> Snapshot {
         at::Tensor x = leaf();
         return snapshot(torch::autograd::grad({x.exp()}, {x})[0]);
       },
       "implicitly created only for scalar outputs"},
      {"grad: another number of grad_outputs",
       []() -> Snapshot {
         at::Tensor x = leaf();
         return snapshot(torch::autograd::grad({x.exp(), x.sum()}, {x}, {torch::ones({2})})[0]);
       },
       "2 tensors and 1 gradients"},
      {"grad: of a gradient that is constant",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor g = torch::autograd::grad({(x * 3).sum()}, {x}, {}, true, true)[0];
         return snapshot(torch::autograd::grad({g.sum()}, {x})[0]);
       },
       "does not require grad and does not have a grad_fn"},
      {"grad: of a gradient without create_graph",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor g = torch::autograd::grad({x.exp().sum()}, {x})[0];
         return snapshot(torch::autograd::grad({g.sum()}, {x})[0]);
       },
       "does not require grad and does not have a grad_fn"},
      {"grad: no outputs",
       []() -> Snapshot {
         at::Tensor x = leaf();
         return snapshot(torch::autograd::grad({}, {x})[0]);
       },
       "appears to not have been used"},
      {"grad: no inputs",
       []() -> Snapshot {
         at::Tensor x = leaf();
         torch::autograd::grad({x.exp().sum()}, {});
         return snapshot(x);
       },
       "requires non-empty inputs"},
  };
}

}  // namespace gradbook::reference
