#include "reference/misuse/misuse_internal.hpp"

namespace gradbook::reference {

std::vector<Misuse> differing_misuses() {
  return {
      {"the raw array of a tensor that requires grad",
       []() -> Snapshot {
         at::Tensor x = leaf();
         return x.data_ptr<float>()[0];
       }},
      {"add_: a recorded write through a reshape",
       []() -> Snapshot {
         at::Tensor h = leaf() * 2;
         at::Tensor v = h.reshape({2, 1});
         v.add_(1);
         return snapshot(h);
       }},
      {"add_: an expanded tensor",
       []() -> Snapshot {
         at::Tensor x = torch::ones({1}).expand({3});
         x.add_(torch::tensor({1.0F, 2.0F, 3.0F}));
         return snapshot(x);
       },
       "more than one element of the written-to tensor"},
      {"backward: a gradient of a larger shape",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward(torch::ones({3, 2}));
         return snapshot(x.grad());
       }},
  };
}

}  // namespace gradbook::reference
