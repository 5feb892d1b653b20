#include <cmath>

#include "tests/crossvalidation/misuse_table.hpp"

namespace gradbook::misuse {

std::vector<Row> backward_rows() {
  return {
      {"backward: not a scalar",
       []() -> Snapshot {
         Tensor x = leaf();
         x.exp().backward();
         return x.grad().snapshot();
       },
       &typeid(BackwardError),
       {{2}}},
      {"backward: one element that is not a scalar",
       []() -> Snapshot {
         Tensor x = leaf();
         x.sum({0}, true).backward();
         return x.grad().snapshot();
       }},
      {"backward: nothing requires grad",
       []() -> Snapshot {
         const Tensor y = Tensor::ones({2}).sum();
         y.backward();
         return y.snapshot();
       },
       &typeid(BackwardError),
       {Shape{}}},
      {"backward: from a detached result",
       []() -> Snapshot {
         Tensor x = leaf();
         x.exp().sum().detach().backward();
         return x.grad().snapshot();
       },
       &typeid(BackwardError),
       {Shape{}}},
      {"backward: from a result made without grad",
       []() -> Snapshot {
         Tensor x = leaf();
         Tensor y;
         {
           const NoGradGuard guard;
           y = x.exp().sum();
         }
         y.backward();
         return x.grad().snapshot();
       },
       &typeid(BackwardError),
       {Shape{}}},
      {"backward: from a leaf",
       []() -> Snapshot {
         Tensor x(3.0, requires_grad);
         x.backward();
         return x.grad().snapshot();
       }},
      {"backward: a gradient of the wrong shape",
       []() -> Snapshot {
         Tensor x = leaf();
         x.exp().backward(Tensor::ones({3}));
         return x.grad().snapshot();
       },
       &typeid(BackwardError),
       {{3}, {2}}},
      {"backward: a gradient that would broadcast",
       []() -> Snapshot {
         Tensor x = leaf();
         x.exp().backward(Tensor::ones({1}));
         return x.grad().snapshot();
       },
       &typeid(BackwardError),
       {{1}, {2}}},
      {"backward: a gradient of NaN",
       []() -> Snapshot {
         Tensor x = leaf();
         x.exp().backward(Tensor::full({2}, NAN));
         return x.grad().snapshot();
       }},
      {"backward: twice where something was saved",
       []() -> Snapshot {
         Tensor x = leaf();
         const Tensor y = (x * x).sum();
         y.backward();
         y.backward();
         return x.grad().snapshot();
       },
       &typeid(GraphFreedError),
       {{2}}},
      {"backward: twice where nothing was saved",
       []() -> Snapshot {
         Tensor x = leaf();
         const Tensor y = (x + x).sum();
         y.backward();
         y.backward();
         return x.grad().snapshot();
       }},
      {"backward: through a part that is freed",
       []() -> Snapshot {
         Tensor x = leaf();
         const Tensor h = x.exp();
         h.sum().backward();
         (h + x).sum().backward();
         return x.grad().snapshot();
       },
       &typeid(GraphFreedError),
       {{2}}},
      {"grad: an input without a part in the output",
       []() -> Snapshot {
         const Tensor x = leaf();
         const Tensor z = leaf();
         return grad(x.exp().sum(), z).snapshot();
       },
       &typeid(BackwardError),
       {{2}}},
      {"grad: an unused input that is allowed",
       []() -> Snapshot {
         const Tensor x = leaf();
         const Tensor z = leaf();
         return grad(x.exp().sum(), z, {.allow_unused = true}).defined() ? 1.0 : 0.0;
       }},
      {"grad: an input that does not require grad",
       []() -> Snapshot {
         const Tensor x = leaf();
         const Tensor z = Tensor::ones({2});
         return grad((x * z).sum(), z).snapshot();
       },
       &typeid(BackwardError),
       {{2}}},
      {"grad: not a scalar",
       []() -> Snapshot {
         const Tensor x = leaf();
         return grad(x.exp(), x).snapshot();
       },
       &typeid(BackwardError),
       {{2}}},
      {"grad: another number of grad_outputs",
       []() -> Snapshot {
         const Tensor x = leaf();
         return grad<float>({x.exp(), x.sum()}, {x}, {Tensor::ones({2})})[0].snapshot();
       },
       &typeid(BackwardError)},
      {"grad: of a gradient that is constant",
       []() -> Snapshot {
         const Tensor x = leaf();
         const Tensor g = grad((x * 3).sum(), x, {.create_graph = true});
         return grad(g.sum(), x).snapshot();
       },
       &typeid(BackwardError),
       {Shape{}}},
      {"grad: of a gradient without create_graph",
       []() -> Snapshot {
         const Tensor x = leaf();
         const Tensor g = grad(x.exp().sum(), x);
         return grad(g.sum(), x).snapshot();
       },
       &typeid(BackwardError),
       {Shape{}}},
      {"grad: no outputs",
       []() -> Snapshot {
         const Tensor x = leaf();
         return grad<float>({}, {x})[0].snapshot();
       },
       &typeid(BackwardError)},
      {"grad: no inputs",
       []() -> Snapshot {
         const Tensor x = leaf();
         grad<float>({x.exp().sum()}, {});
         return x.snapshot();
       },
       &typeid(BackwardError)},
  };
}

}  // namespace gradbook::misuse
