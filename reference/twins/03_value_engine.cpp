#include "reference/twins/03_value_engine.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results value_engine(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);

  // [code: product]
  at::Tensor a = torch::tensor(2.0, options);
  at::Tensor b = torch::tensor(3.0, options);
  at::Tensor ab = a * b;
  // [/code]
  ab.backward();

  at::Tensor right = torch::tensor(2.0, options);
  (2 * right).backward();
  at::Tensor left = torch::tensor(2.0, options);
  (left * 2).backward();
  at::Tensor below = torch::tensor(2.0, options);
  (1 / below).backward();

  // [code: diamond]
  at::Tensor x = torch::tensor(1.0, options);
  at::Tensor top = 2 * x;
  at::Tensor d = (top + 1) + 3 * top;
  d.backward();
  // [/code]

  return results({{"ab", ab},
                  {"d(ab)/da", a.grad()},
                  {"d(ab)/db", b.grad()},
                  {"slope of 2 * a", right.grad()},
                  {"slope of a * 2", left.grad()},
                  {"slope of 1 / a", below.grad()},
                  {"dd/dx", x.grad()}});
}

}  // namespace gradbook::reference::twins
