#include "reference/twins/04_chain_rule.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

at::Tensor doubled(at::Tensor x, int times) {
  for (int i = 0; i < times; ++i) x = x + x;
  return x;
}

}  // namespace

Results chain_rule(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);

  // [code: recurrence]
  at::Tensor w = torch::tensor(3.0, options);
  at::Tensor h = torch::tensor(1.0, options);
  for (int step = 1; step <= 4; ++step) h = w * h;
  h.backward();
  // [/code]

  at::Tensor ten = torch::tensor(1.0, options);
  doubled(ten, 10).backward();
  // [code: doubling]
  at::Tensor forty = torch::tensor(1.0, options);
  doubled(forty, 40).backward();
  // [/code]

  // [code: expression]
  at::Tensor a = torch::tensor(2.0, options);
  at::Tensor b = torch::tensor(3.0, options);
  at::Tensor sum = a + b;
  at::Tensor c = sum * b;
  c.backward();
  // [/code]

  return results({{"sum", sum},
                  {"c", c},
                  {"dc/da", a.grad()},
                  {"dc/db", b.grad()},
                  {"dc/db by paths", b.grad()},
                  {"dh4/dw", w.grad()},
                  {"dh4/dw by paths", w.grad()},
                  {"10 doublings", ten.grad()},
                  {"40 doublings", forty.grad()}});
}

}  // namespace gradbook::reference::twins
