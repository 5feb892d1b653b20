#include "engine/checkpoint.hpp"
#include "tests/crossvalidation/misuse_table.hpp"

// C++ LibTorch has no checkpoint: beside these rows stands the plain function, or, where the
// function changes its output, a checkpoint written by hand, which does not notice.

namespace gradbook::misuse {

std::vector<Row> checkpoint_rows() {
  return {
      {"checkpoint: no inputs, but a captured tensor",
       []() -> Snapshot {
         const Tensor w = leaf();
         const auto block = [&](const std::vector<Tensor>&) { return w.exp(); };
         checkpoint<float>(block, std::vector<Tensor>()).sum().backward();
         return w.grad().snapshot();
       }},
      {"checkpoint: an input without elements",
       []() -> Snapshot {
         const Tensor x = Tensor::ones({0, 3}, requires_grad);
         checkpoint([](const Tensor& in) { return in.exp(); }, x).sum().backward();
         return x.grad().snapshot();
       }},
      {"checkpoint: a result that is not a scalar",
       []() -> Snapshot {
         const Tensor x = leaf();
         checkpoint([](const Tensor& in) { return in.exp(); }, x).backward();
         return x.grad().snapshot();
       },
       &typeid(BackwardError),
       {{2}},
       "",
       "backward"},
      {"checkpoint: a function that changes its output",
       []() -> Snapshot {
         const Tensor x = leaf();
         int runs = 0;
         checkpoint([&](const Tensor& in) { return in * ++runs; }, x).sum().backward();
         return x.grad().snapshot();
       },
       &typeid(CheckpointError),
       {{2}},
       "checkpoint"},
  };
}

}  // namespace gradbook::misuse
