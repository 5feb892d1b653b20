#include "reference/twins/11_side_by_side.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results side_by_side(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision));
  const auto leaf = options.requires_grad(true);

  // [code: scalar]
  at::Tensor x = torch::tensor(2.0, leaf);
  at::Tensor w = torch::tensor(3.0, leaf);
  at::Tensor b = torch::tensor(1.0, leaf);
  at::Tensor y = w * x + b;
  at::Tensor loss = y.pow(2);
  loss.backward();
  // [/code]

  // [code: vector]
  at::Tensor u = torch::tensor({1.0, 2.0, 3.0}, leaf);
  at::Tensor v = torch::tensor({0.1, 0.2, 0.3}, leaf);
  at::Tensor dot = (u * v).sum();
  dot.backward();
  // [/code]

  // [code: attention]
  at::Tensor Q = torch::tensor({{1.0, 0.0, 2.0}, {0.0, 1.0, 1.0}}, leaf);
  at::Tensor K = torch::tensor({{1.0, 2.0, 0.0}, {0.0, 1.0, 3.0}}, leaf);
  at::Tensor scores = torch::matmul(Q, K.t());
  scores.sum().backward();
  // [/code]

  return results({{"y", y},
                  {"loss", loss},
                  {"dloss/dx", x.grad()},
                  {"dloss/dw", w.grad()},
                  {"dloss/db", b.grad()},
                  {"dot", dot},
                  {"ddot/du", u.grad()},
                  {"ddot/dv", v.grad()},
                  {"scores", scores},
                  {"dL/dQ", Q.grad()},
                  {"dL/dK", K.grad()}});
}

}  // namespace gradbook::reference::twins
