#include "reference/misuse/misuse_internal.hpp"

namespace gradbook::reference {

std::vector<Misuse> dtype_misuses() {
  return {
      {"add: float32 and float64", []() -> Snapshot { return snapshot(leaf() + leaf64()); }},
      {"div: float64 and float32", []() -> Snapshot { return snapshot(leaf64() / leaf()); }},
      {"matmul: float32 and float64",
       []() -> Snapshot { return snapshot(torch::matmul(leaf(), leaf64())); },
       "to have same dtype"},
      {"add_: float64 to float32",
       []() -> Snapshot {
         at::Tensor x = torch::ones({2});
         x.add_(leaf64().detach());
         return snapshot(x);
       }},
      {"copy_: float64 to float32",
       []() -> Snapshot {
         at::Tensor x = torch::ones({2});
         x.copy_(leaf64().detach());
         return snapshot(x);
       }},
      {"backward: a gradient in float64 for float32",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward(torch::ones({2}, float64()));
         return snapshot(x.grad());
       }},
      {"grad: an output in float64 of an input in float32",
       []() -> Snapshot {
         at::Tensor x = leaf();
         return snapshot(torch::autograd::grad({x.to(torch::kDouble).exp().sum()}, {x})[0]);
       }},
      {"add, float64: shapes that do not broadcast",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}, float64()) + torch::ones({4}, float64()));
       },
       "must match the size of tensor"},
      {"matmul, float64: inner sizes differ",
       []() -> Snapshot {
         return snapshot(
             torch::matmul(torch::ones({2, 3}, float64()), torch::ones({2, 3}, float64())));
       },
       "shapes cannot be multiplied"},
      {"sum, float64: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}, float64()).sum(at::IntArrayRef{2}));
       },
       "Dimension out of range"},
      {"item, float64: many elements",
       []() -> Snapshot { return torch::ones({2}, float64()).item<double>(); },
       "cannot be converted to Scalar"},
      {"backward, float64: not a scalar",
       []() -> Snapshot {
         at::Tensor x = leaf64();
         x.exp().backward();
         return snapshot(x.grad());
       },
       "implicitly created only for scalar outputs"},
      {"backward, float64: twice where something was saved",
       []() -> Snapshot {
         at::Tensor x = leaf64();
         at::Tensor y = (x * x).sum();
         y.backward();
         y.backward();
         return snapshot(x.grad());
       },
       "backward through the graph a second time"},
      {"grad, float64: an input without a part in the output",
       []() -> Snapshot {
         at::Tensor x = leaf64();
         at::Tensor z = leaf64();
         return snapshot(torch::autograd::grad({x.exp().sum()}, {z})[0]);
       },
       "appears to not have been used"},
      {"add_, float64: a leaf that requires grad",
       []() -> Snapshot {
         at::Tensor x = leaf64();
         x.add_(1);
         return snapshot(x);
       },
       "a leaf Variable that requires grad"},
      {"add_, float64: a saved input",
       []() -> Snapshot {
         at::Tensor x = leaf64();
         at::Tensor h = x * 2;
         at::Tensor y = (h * h).sum();
         h.add_(1);
         y.backward();
         return snapshot(x.grad());
       },
       "has been modified by an inplace operation"},
      {"log of a negative number, float64",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({-1.0, -2.0}, float64().requires_grad(true));
         x.log().sum().backward();
         return snapshot(x.grad());
       }},
      {"sqrt of a negative number, float64",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({-1.0, -2.0}, float64().requires_grad(true));
         x.sqrt().sum().backward();
         return snapshot(x.grad());
       }},
      {"pow: a root of a negative number, float64",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({-1.0, -2.0}, float64().requires_grad(true));
         x.pow(0.5).sum().backward();
         return snapshot(x.grad());
       }},
      {"exp, float64: a result that float32 cannot hold",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({100.0, 700.0}, float64().requires_grad(true));
         x.exp().sum().backward();
         return snapshot(x.grad());
       }},
  };
}

}  // namespace gradbook::reference
