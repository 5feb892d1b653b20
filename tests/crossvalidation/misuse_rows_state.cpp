#include <cmath>

#include "tests/crossvalidation/misuse_table.hpp"

namespace gradbook::misuse {

std::vector<Row> state_rows() {
  return {
      {"add_: a leaf that requires grad",
       []() -> Snapshot {
         Tensor x = leaf();
         x.add_(1);
         return x.snapshot();
       },
       &typeid(InPlaceError),
       {{2}}},
      {"zero_: a leaf that requires grad",
       []() -> Snapshot {
         Tensor x = leaf();
         x.zero_();
         return x.snapshot();
       },
       &typeid(InPlaceError),
       {{2}}},
      {"add_: a leaf that requires grad, without recording",
       []() -> Snapshot {
         Tensor x = leaf();
         {
           const NoGradGuard guard;
           x.add_(1);
         }
         return x.snapshot();
       }},
      {"add_: a reshape of a leaf that requires grad",
       []() -> Snapshot {
         Tensor x = leaf();
         x.reshape({2, 1}).add_(1);
         return x.snapshot();
       },
       &typeid(InPlaceError),
       {{2, 1}}},
      {"add_: a saved input",
       []() -> Snapshot {
         Tensor x = leaf();
         Tensor h = x * 2;
         const Tensor y = (h * h).sum();
         h.add_(1);
         y.backward();
         return x.grad().snapshot();
       },
       &typeid(SavedTensorChangedError),
       {{2}},
       "",
       "mul"},
      {"add_: a saved result",
       []() -> Snapshot {
         Tensor x = leaf();
         Tensor h = x.exp();
         const Tensor y = h.sum();
         h.add_(1);
         y.backward();
         return x.grad().snapshot();
       },
       &typeid(SavedTensorChangedError),
       {{2}},
       "",
       "exp"},
      {"add_: a value that nothing saved",
       []() -> Snapshot {
         Tensor x = leaf();
         Tensor h = x * 2;
         h.add_(1);
         h.sum().backward();
         return x.grad().snapshot();
       }},
      {"mul_: a saved leaf through a detached alias",
       []() -> Snapshot {
         Tensor x = leaf();
         const Tensor y = (x * x).sum();
         x.detach().mul_(2);
         y.backward();
         return x.grad().snapshot();
       },
       &typeid(SavedTensorChangedError),
       {{2}},
       "",
       "mul"},
      {"sub_: a saved leaf without recording",
       []() -> Snapshot {
         Tensor x = leaf();
         const Tensor y = (x * x).sum();
         {
           const NoGradGuard guard;
           x.sub_(1);
         }
         y.backward();
         return x.grad().snapshot();
       },
       &typeid(SavedTensorChangedError),
       {{2}},
       "",
       "mul"},
      {"add_: a result that does not fit",
       []() -> Snapshot {
         Tensor x = Tensor::ones({2});
         x.add_(Tensor::ones({3, 2}));
         return x.snapshot();
       },
       &typeid(InPlaceError),
       {{2}, {3, 2}}},
      {"copy_: a source that does not broadcast",
       []() -> Snapshot {
         Tensor x = Tensor::ones({2});
         x.copy_(Tensor::ones({3}));
         return x.snapshot();
       },
       &typeid(ShapeError),
       {{2}, {3}}},
      {"requires_grad_(false): a result",
       []() -> Snapshot {
         Tensor y = leaf() * 2;
         y.requires_grad_(false);
         return y.snapshot();
       },
       &typeid(RequiresGradError),
       {{2}}},
      {"retain_grad: a tensor without grad",
       []() -> Snapshot {
         Tensor x = Tensor::ones({2});
         x.retain_grad();
         return x.snapshot();
       },
       &typeid(RequiresGradError),
       {{2}}},
      {"log of a negative number",
       []() -> Snapshot {
         Tensor x({-1, -2}, requires_grad);
         x.log().sum().backward();
         return x.grad().snapshot();
       }},
      {"sqrt of a negative number",
       []() -> Snapshot {
         Tensor x({-1, -2}, requires_grad);
         x.sqrt().sum().backward();
         return x.grad().snapshot();
       }},
      {"pow: a root of a negative number",
       []() -> Snapshot {
         Tensor x({-1, -2}, requires_grad);
         x.pow(0.5).sum().backward();
         return x.grad().snapshot();
       }},
      {"division by zero",
       []() -> Snapshot {
         Tensor x({0, 0}, requires_grad);
         (leaf() / x).sum().backward();
         return x.grad().snapshot();
       }},
      {"relu of NaN",
       []() -> Snapshot {
         Tensor x({NAN, 1}, requires_grad);
         x.relu().sum().backward();
         return x.grad().snapshot();
       }},
  };
}

}  // namespace gradbook::misuse
