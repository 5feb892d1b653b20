#include "reference/misuse/misuse.hpp"

#include <cmath>

#include "reference/torch.hpp"

namespace gradbook::reference {

namespace {

at::Tensor leaf() { return torch::tensor({1.0F, 2.0F}, torch::requires_grad()); }

}  // namespace

std::vector<Misuse> misuses() {
  return {
      {"add: shapes that do not broadcast",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}) + torch::ones({4}));
       }},
      {"mul: shapes that do not broadcast",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}) * torch::ones({3, 2}));
       }},
      {"matmul: inner sizes differ",
       []() -> Snapshot {
         return snapshot(torch::matmul(torch::ones({2, 3}), torch::ones({2, 3})));
       }},
      {"matmul: a scalar operand",
       []() -> Snapshot {
         return snapshot(torch::matmul(torch::ones({}), torch::ones({2, 3})));
       }},
      {"matmul: vectors of different length",
       []() -> Snapshot { return snapshot(torch::matmul(torch::ones({3}), torch::ones({4}))); }},
      {"matmul: batches that do not broadcast",
       []() -> Snapshot {
         return snapshot(torch::matmul(torch::ones({2, 2, 3}), torch::ones({3, 3, 2})));
       }},
      {"matmul: nothing to sum over",
       []() -> Snapshot {
         return snapshot(torch::matmul(torch::ones({2, 0}), torch::ones({0, 3})));
       }},
      {"reshape: another number of elements",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).reshape({4}));
       }},
      {"reshape: two sizes to infer",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).reshape({-1, -1}));
       }},
      {"reshape: a negative size",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).reshape({-2, -3}));
       }},
      {"reshape: nothing to infer from",
       []() -> Snapshot {
         return snapshot(torch::ones({0, 3}).reshape({0, -1}));
       }},
      {"expand: a size that is not 1",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).expand({4, 3}));
       }},
      {"sum_to: a shape that does not broadcast back",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).sum_to_size({4}));
       }},
      {"sum: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).sum(at::IntArrayRef{2}));
       }},
      {"sum: a negative dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).sum(at::IntArrayRef{-3}));
       }},
      {"sum: a dimension named twice",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).sum(at::IntArrayRef{1, -1}));
       }},
      {"sum: the last dimension of a scalar",
       []() -> Snapshot { return snapshot(torch::ones({}).sum(at::IntArrayRef{-1})); }},
      {"sum: the second dimension of a scalar",
       []() -> Snapshot { return snapshot(torch::ones({}).sum(at::IntArrayRef{1})); }},
      {"sum: no elements",
       []() -> Snapshot {
         return snapshot(torch::ones({0, 3}).sum());
       }},
      {"mean: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).mean(at::IntArrayRef{5}));
       }},
      {"mean: no elements",
       []() -> Snapshot {
         return snapshot(torch::ones({0, 3}).mean());
       }},
      {"transpose: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).transpose(0, 2));
       }},
      {"t: three dimensions",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3, 4}).t());
       }},
      {"argmax: a dimension out of range",
       []() -> Snapshot {
         return snapshot(torch::ones({2, 3}).argmax(2).to(torch::kFloat));
       }},
      {"argmax: no elements",
       []() -> Snapshot { return snapshot(torch::ones({0}).argmax().to(torch::kFloat)); }},
      {"argmax: NaN among the elements",
       []() -> Snapshot {
         return snapshot(torch::tensor({1.0F, NAN, 3.0F}).argmax().to(torch::kFloat));
       }},
      {"item: many elements", []() -> Snapshot { return torch::ones({2}).item<float>(); }},
      {"item: no elements", []() -> Snapshot { return torch::ones({0}).item<float>(); }},
      {"backward: not a scalar",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward();
         return snapshot(x.grad());
       }},
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
       }},
      {"backward: from a detached result",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().sum().detach().backward();
         return snapshot(x.grad());
       }},
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
       }},
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
       }},
      {"backward: a gradient that would broadcast",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.exp().backward(torch::ones({1}));
         return snapshot(x.grad());
       }},
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
       }},
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
       }},
      {"grad: an input without a part in the output",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor z = leaf();
         return snapshot(torch::autograd::grad({x.exp().sum()}, {z})[0]);
       }},
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
       }},
      {"grad: not a scalar",
       []() -> Snapshot {
         at::Tensor x = leaf();
         return snapshot(torch::autograd::grad({x.exp()}, {x})[0]);
       }},
      {"grad: another number of grad_outputs",
       []() -> Snapshot {
         at::Tensor x = leaf();
         return snapshot(torch::autograd::grad({x.exp(), x.sum()}, {x}, {torch::ones({2})})[0]);
       }},
      {"grad: of a gradient that is constant",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor g = torch::autograd::grad({(x * 3).sum()}, {x}, {}, true, true)[0];
         return snapshot(torch::autograd::grad({g.sum()}, {x})[0]);
       }},
      {"grad: of a gradient without create_graph",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor g = torch::autograd::grad({x.exp().sum()}, {x})[0];
         return snapshot(torch::autograd::grad({g.sum()}, {x})[0]);
       }},
      {"add_: a leaf that requires grad",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.add_(1);
         return snapshot(x);
       }},
      {"zero_: a leaf that requires grad",
       []() -> Snapshot {
         at::Tensor x = leaf();
         x.zero_();
         return snapshot(x);
       }},
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
       }},
      {"add_: a saved input",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor h = x * 2;
         at::Tensor y = (h * h).sum();
         h.add_(1);
         y.backward();
         return snapshot(x.grad());
       }},
      {"add_: a saved result",
       []() -> Snapshot {
         at::Tensor x = leaf();
         at::Tensor h = x.exp();
         at::Tensor y = h.sum();
         h.add_(1);
         y.backward();
         return snapshot(x.grad());
       }},
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
       }},
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
       }},
      {"add_: a result that does not fit",
       []() -> Snapshot {
         at::Tensor x = torch::ones({2});
         x.add_(torch::ones({3, 2}));
         return snapshot(x);
       }},
      {"copy_: a source that does not broadcast",
       []() -> Snapshot {
         at::Tensor x = torch::ones({2});
         x.copy_(torch::ones({3}));
         return snapshot(x);
       }},
      {"requires_grad_(false): a result",
       []() -> Snapshot {
         at::Tensor y = leaf() * 2;
         y.requires_grad_(false);
         return snapshot(y);
       }},
      {"retain_grad: a tensor without grad",
       []() -> Snapshot {
         at::Tensor x = torch::ones({2});
         x.retain_grad();
         return snapshot(x);
       }},
      {"nested list: rows of different length",
       []() -> Snapshot {
         return snapshot(torch::tensor({{1.0F, 2.0F}, {3.0F}}));
       }},
      {"an undefined tensor", []() -> Snapshot { return snapshot(at::Tensor() + at::Tensor()); }},
      {"log, sqrt and pow of a negative number",
       []() -> Snapshot {
         at::Tensor x = torch::tensor({-1.0F, -2.0F}, torch::requires_grad());
         (x.log() + x.sqrt() + x.pow(0.5)).sum().backward();
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
       }},
  };
}

}  // namespace gradbook::reference
