#include <xtensor/xarray.hpp>

#include "tests/crossvalidation/misuse_table.hpp"

namespace gradbook::misuse {

std::vector<Row> differing_rows() {
  return {
      {"the raw array of a tensor that requires grad",
       []() -> Snapshot { return leaf().to_xarray()(0); },
       &typeid(RequiresGradError),
       {{2}},
       "raw array",
       "to_xarray"},
      {"add_: a recorded write through a reshape",
       []() -> Snapshot {
         Tensor h = leaf() * 2;
         Tensor v = h.reshape({2, 1});
         v.add_(1);
         return h.snapshot();
       },
       &typeid(InPlaceError),
       {{2, 1}},
       "no recorded writes through reshapes"},
      {"add_: an expanded tensor",
       []() -> Snapshot {
         Tensor x = Tensor::ones({1}).expand({3});
         x.add_(Tensor({1, 2, 3}));
         return x.snapshot();
       },
       nullptr,
       {},
       "expand copies",
       "",
       Snapshot({3}, {2, 3, 4})},
      {"backward: a gradient of a larger shape",
       []() -> Snapshot {
         const Tensor x = leaf();
         x.exp().backward(Tensor::ones({3, 2}));
         return x.grad().snapshot();
       },
       &typeid(BackwardError),
       {{3, 2}, {2}},
       "gradient of a larger shape"},
  };
}

}  // namespace gradbook::misuse
