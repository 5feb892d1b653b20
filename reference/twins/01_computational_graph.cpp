#include "reference/twins/01_computational_graph.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

// [code: program]
at::Tensor program(const at::Tensor& start) {
  at::Tensor x = start;
  if (x.item<double>() < 0) x = -x;
  while (x.item<double>() < 10) x = x * 2;
  return x;
}
// [/code]

}  // namespace

Results computational_graph(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);

  // [code: expression]
  at::Tensor x = torch::tensor(2.0, options);
  at::Tensor a = 3 * x;
  at::Tensor b = a + 1;
  at::Tensor c = b.pow(2);
  // [/code]
  a.retain_grad();
  b.retain_grad();
  c.retain_grad();
  // [code: backward]
  c.backward();
  // [/code]

  // [code: two runs]
  at::Tensor positive = torch::tensor(2.0, options);
  at::Tensor negative = torch::tensor(-3.0, options);
  at::Tensor from_positive = program(positive);
  at::Tensor from_negative = program(negative);
  from_positive.backward();
  from_negative.backward();
  // [/code]

  return results({{"a", a},
                  {"b", b},
                  {"c", c},
                  {"dc/dc", c.grad()},
                  {"dc/db", b.grad()},
                  {"dc/da", a.grad()},
                  {"dc/dx", x.grad()},
                  {"program(2)", from_positive},
                  {"slope at 2", positive.grad()},
                  {"program(-3)", from_negative},
                  {"slope at -3", negative.grad()}});
}

}  // namespace gradbook::reference::twins
