#include <cmath>

#include "reference/misuse/misuse_internal.hpp"

namespace gradbook::reference {

std::vector<Misuse> shape_misuses() {
  return {
      {"add: shapes that do not broadcast",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}) + torch::ones({4}));
       },
       "must match the size of tensor"},
      {"mul: shapes that do not broadcast",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}) * torch::ones({3, 2}));
       },
       "must match the size of tensor"},
      {"matmul: inner sizes differ",
       []() -> Snapshot {
         return snapshot(torch::matmul(torch::ones({2, 3}), torch::ones({2, 3})));
       },
       "shapes cannot be multiplied"},
      {"matmul: a scalar operand",
       []() -> Snapshot {
         return snapshot(torch::matmul(torch::ones({}), torch::ones({2, 3})));
       },
       "to be at least 1D"},
      {"matmul: vectors of different length",
       []() -> Snapshot { return snapshot(torch::matmul(torch::ones({3}), torch::ones({4}))); },
       "inconsistent tensor size"},
      {"matmul: batches that do not broadcast",
       []() -> Snapshot {
         return snapshot(torch::matmul(torch::ones({2, 2, 3}), torch::ones({3, 3, 2})));
       },
       "must match the size of tensor"},
      {"matmul: nothing to sum over",
       []() -> Snapshot {
         return snapshot(torch::matmul(torch::ones({2, 0}), torch::ones({0, 3})));
       }},
      {"reshape: another number of elements",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).reshape({4}));
       },
       "is invalid for input of size"},
      {"reshape: two sizes to infer",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).reshape({-1, -1}));
       },
       "only one dimension can be inferred"},
      {"reshape: a negative size",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).reshape({-2, -3}));
       },
       "invalid shape dimension"},
      {"reshape: nothing to infer from",
       []() -> Snapshot {
         return snapshot(torch::ones({0, 3}).reshape({0, -1}));
       },
       "cannot reshape tensor of 0 elements"},
      {"expand: a size that is not 1",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).expand({4, 3}));
       },
       "must match the existing size"},
      {"sum_to: a shape that does not broadcast back",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).sum_to_size({4}));
       },
       "is not expandable to size"},
      {"sum: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).sum(at::IntArrayRef{2}));
       },
       "Dimension out of range"},
      {"sum: a negative dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).sum(at::IntArrayRef{-3}));
       },
       "Dimension out of range"},
      {"sum: a dimension named twice",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).sum(at::IntArrayRef{1, -1}));
       },
       "appears multiple times"},
      {"sum: the last dimension of a scalar",
       []() -> Snapshot { return snapshot(torch::ones({}).sum(at::IntArrayRef{-1})); }},
      {"sum: the second dimension of a scalar",
       []() -> Snapshot { return snapshot(torch::ones({}).sum(at::IntArrayRef{1})); },
       "Dimension out of range"},
      {"sum: no elements",
       []() -> Snapshot {
         return snapshot(torch::ones({0, 3}).sum());
       }},
      {"mean: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).mean(at::IntArrayRef{5}));
       },
       "Dimension out of range"},
      {"mean: no elements",
       []() -> Snapshot {
         return snapshot(torch::ones({0, 3}).mean());
       }},
      {"transpose: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).transpose(0, 2));
       },
       "Dimension out of range"},
      {"t: three dimensions",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3, 4}).t());
       },
       "expects a tensor with <= 2 dimensions"},
      {"argmax: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).argmax(2).to(torch::kFloat));
       },
       "Dimension out of range"},
      {"argmax: no elements",
       []() -> Snapshot { return snapshot(torch::ones({0}).argmax().to(torch::kFloat)); },
       "Expected reduction dim"},
      {"argmax: NaN among the elements",
       []() -> Snapshot {
         return snapshot(torch::tensor({1.0F, NAN, 3.0F}).argmax().to(torch::kFloat));
       }},
      {"item: many elements", []() -> Snapshot { return torch::ones({2}).item<float>(); },
       "cannot be converted to Scalar"},
      {"item: no elements", []() -> Snapshot { return torch::ones({0}).item<float>(); },
       "cannot be converted to Scalar"},
      {"nested list: rows of different length",
       []() -> Snapshot {
         return snapshot(torch::tensor({{1.0F, 2.0F}, {3.0F}}));
       },
       "Expected all sub-lists to have sizes"},
      {"an undefined tensor", []() -> Snapshot { return snapshot(at::Tensor() + at::Tensor()); },
       "Expected a proper Tensor"},
  };
}

}  // namespace gradbook::reference
