#include <cmath>

#include "tests/crossvalidation/misuse_table.hpp"

namespace gradbook::misuse {

std::vector<Row> shape_rows() {
  return {
      {"add: shapes that do not broadcast",
       []() -> Snapshot {
         return (Tensor::ones({2, 3}) + Tensor::ones({4})).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}, {4}}},
      {"mul: shapes that do not broadcast",
       []() -> Snapshot {
         return (Tensor::ones({2, 3}) * Tensor::ones({3, 2})).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}, {3, 2}}},
      {"matmul: inner sizes differ",
       []() -> Snapshot {
         return matmul(Tensor::ones({2, 3}), Tensor::ones({2, 3})).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}, {2, 3}}},
      {"matmul: a scalar operand",
       []() -> Snapshot {
         return matmul(Tensor(1.0), Tensor::ones({2, 3})).snapshot();
       },
       &typeid(ShapeError),
       {{}, {2, 3}}},
      {"matmul: vectors of different length",
       []() -> Snapshot { return matmul(Tensor::ones({3}), Tensor::ones({4})).snapshot(); },
       &typeid(ShapeError),
       {{3}, {4}}},
      {"matmul: batches that do not broadcast",
       []() -> Snapshot {
         return matmul(Tensor::ones({2, 2, 3}), Tensor::ones({3, 3, 2})).snapshot();
       },
       &typeid(ShapeError),
       {{2, 2, 3}, {3, 3, 2}}},
      {"matmul: nothing to sum over",
       []() -> Snapshot {
         return matmul(Tensor::ones({2, 0}), Tensor::ones({0, 3})).snapshot();
       }},
      {"reshape: another number of elements",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).reshape({4}).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}}},
      {"reshape: two sizes to infer",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).reshape({-1, -1}).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}}},
      {"reshape: a negative size",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).reshape({-2, -3}).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}}},
      {"reshape: nothing to infer from",
       []() -> Snapshot {
         return Tensor::ones({0, 3}).reshape({0, -1}).snapshot();
       },
       &typeid(ShapeError),
       {{0, 3}}},
      {"expand: a size that is not 1",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).expand({4, 3}).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}, {4, 3}}},
      {"sum_to: a shape that does not broadcast back",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).sum_to({4}).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}, {4}}},
      {"sum: a dimension out of range",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).sum({2}).snapshot();
       },
       &typeid(DimensionError),
       {{2, 3}}},
      {"sum: a negative dimension out of range",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).sum({-3}).snapshot();
       },
       &typeid(DimensionError),
       {{2, 3}}},
      {"sum: a dimension named twice",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).sum({1, -1}).snapshot();
       },
       &typeid(DimensionError),
       {{2, 3}}},
      {"sum: the last dimension of a scalar",
       []() -> Snapshot { return Tensor(1.0).sum({-1}).snapshot(); }},
      {"sum: the second dimension of a scalar",
       []() -> Snapshot { return Tensor(1.0).sum({1}).snapshot(); },
       &typeid(DimensionError),
       {Shape{}}},
      {"sum: no elements",
       []() -> Snapshot {
         return Tensor::ones({0, 3}).sum().snapshot();
       }},
      {"mean: a dimension out of range",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).mean({5}).snapshot();
       },
       &typeid(DimensionError),
       {{2, 3}}},
      {"mean: no elements",
       []() -> Snapshot {
         return Tensor::ones({0, 3}).mean().snapshot();
       }},
      {"transpose: a dimension out of range",
       []() -> Snapshot {
         return Tensor::ones({2, 3}).transpose(0, 2).snapshot();
       },
       &typeid(DimensionError),
       {{2, 3}}},
      {"t: three dimensions",
       []() -> Snapshot {
         return Tensor::ones({2, 3, 4}).t().snapshot();
       },
       &typeid(ShapeError),
       {{2, 3, 4}}},
      {"argmax: a dimension out of range",
       []() -> Snapshot {
         return static_cast<double>(Tensor::ones({2, 3}).argmax(2)[0]);
       },
       &typeid(DimensionError),
       {{2, 3}}},
      {"argmax: no elements",
       []() -> Snapshot { return static_cast<double>(Tensor::ones({0}).argmax()); },
       &typeid(ShapeError),
       {{0}}},
      {"argmax: NaN among the elements",
       []() -> Snapshot {
         return static_cast<double>(Tensor({1, NAN, 3}).argmax());
       }},
      {"item: many elements",
       []() -> Snapshot { return Tensor::ones({2}).item(); },
       &typeid(ShapeError),
       {{2}}},
      {"item: no elements",
       []() -> Snapshot { return Tensor::ones({0}).item(); },
       &typeid(ShapeError),
       {{0}}},
      {"nested list: rows of different length",
       []() -> Snapshot {
         return Tensor({{1, 2}, {3}}).snapshot();
       },
       &typeid(ShapeError),
       {{2}, {1}},
       "",
       "tensor"},
      {"an undefined tensor",
       []() -> Snapshot { return (Tensor() + Tensor()).snapshot(); },
       // Names no operation: what throws is the first look at the values.
       &typeid(UndefinedTensorError),
       {},
       "",
       "this tensor is undefined"},
  };
}

}  // namespace gradbook::misuse
