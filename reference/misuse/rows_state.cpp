#include <cmath>

#include "reference/misuse/misuse_internal.hpp"

namespace gradbook::reference {

std::vector<Misuse> state_misuses() {
  return {
      {"add_: a leaf that requires grad",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.add_(1);
         return snapshot(x);
       },
       "a leaf Variable that requires grad"},
      {"zero_: a leaf that requires grad",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.zero_();
         return snapshot(x);
       },
       "a leaf Variable that requires grad"},
      {"add_: a leaf that requires grad, without recording",
       []() -> Snapshot {
         at::Tensor x = leaf();
         {
           torch::NoGradGuard guard;
           x.add_(1);
         }
         return snapshot(x);
       }},
      {"add_: a reshape of a leaf that requires grad",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.reshape({2, 1}).add_(1);
         return snapshot(x);
       },
       "a view of a leaf Variable"},
      {"add_: a saved input",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor h = x * 2;
         at::Tensor y = (h * h).sum();
         h.add_(1);
         y.backward();
         return snapshot(x.grad());
       },
       "has been modified by an inplace operation"},
      {"add_: a saved result",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor h = x.exp();
         at::Tensor y = h.sum();
         h.add_(1);
         y.backward();
         return snapshot(x.grad());
       },
       "has been modified by an inplace operation"},
      {"add_: a value that nothing saved",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor h = x * 2;
         h.add_(1);
         h.sum().backward();
         return snapshot(x.grad());
       }},
      {"mul_: a saved leaf through a detached alias",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor y = (x * x).sum();
         x.detach().mul_(2);
         y.backward();
         return snapshot(x.grad());
       },
       "has been modified by an inplace operation"},
      {"sub_: a saved leaf without recording",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor y = (x * x).sum();
         {
           torch::NoGradGuard guard;
           x.sub_(1);
         }
         y.backward();
         return snapshot(x.grad());
       },
       "has been modified by an inplace operation"},
      {"add_: a result that does not fit",
       []() -> Snapshot {
         at::Tensor x = torch::ones({2});
         x.add_(torch::ones({3, 2}));
         return snapshot(x);
       },
       "doesn't match the broadcast shape"},
      {"copy_: a source that does not broadcast",
       []() -> Snapshot {
         at::Tensor x = torch::ones({2});
         x.copy_(torch::ones({3}));
         return snapshot(x);
       },
       "must match the size of tensor"},
      {"requires_grad_(false): a result",
       []() -> Snapshot {
         at::Tensor y = leaf() * 2;
         y.requires_grad_(false);
         return snapshot(y);
       },
       "only change requires_grad flags of leaf"},
      {"retain_grad: a tensor without grad",
       []() -> Snapshot {
         at::Tensor x = torch::ones({2});
         x.retain_grad();
         return snapshot(x);
       },
       "can't retain_grad"},
      {"log of a negative number",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({-1.0F, -2.0F}, torch::requires_grad());
         x.log().sum().backward();
         return snapshot(x.grad());
       }},
      {"sqrt of a negative number",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({-1.0F, -2.0F}, torch::requires_grad());
         x.sqrt().sum().backward();
         return snapshot(x.grad());
       }},
      {"pow: a root of a negative number",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({-1.0F, -2.0F}, torch::requires_grad());
         x.pow(0.5).sum().backward();
         return snapshot(x.grad());
       }},
      {"division by zero",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({0.0F, 0.0F}, torch::requires_grad());
         (leaf() / x).sum().backward();
         return snapshot(x.grad());
       }},
      {"relu of NaN",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({NAN, 1.0F}, torch::requires_grad());
         x.relu().sum().backward();
         return snapshot(x.grad());
       }},
  };
}

}  // namespace gradbook::reference
