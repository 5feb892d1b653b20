#include "reference/twins/12_explore.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results explore(Precision precision, const Snapshot& a_values, const Snapshot& b_values) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: round]
  at::Tensor a = to_torch(a_values, options);
  at::Tensor b = to_torch(b_values, options);
  at::Tensor c = (a + b) * b;
  // Entry i of c depends on entry i of a and b alone, so the gradient of the sum holds them all.
  c.sum().backward();
  // [/code]
  return results({{"c", c}, {"dc/da", a.grad()}, {"dc/db", b.grad()}});
}

Results explore_two_paths(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);
  // [code: two paths]
  at::Tensor a = torch::tensor(2.0, options);
  at::Tensor in_sum = torch::tensor(3.0, options);
  at::Tensor as_factor = torch::tensor(3.0, options);
  at::Tensor c = (a + in_sum) * as_factor;
  c.backward();
  // [/code]
  return results({{"through the sum", in_sum.grad()},
                  {"as the factor", as_factor.grad()},
                  {"both paths", in_sum.grad() + as_factor.grad()}});
}

}  // namespace gradbook::reference::twins
