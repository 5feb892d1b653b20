#include "reference/twins/08_matmul.hpp"

#include <vector>

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

Results matmul(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision));
  const auto leaf = [&](const std::vector<double>& values, std::vector<std::int64_t> shape) {
    return torch::tensor(values, options).reshape(shape).requires_grad_(true);
  };

  // [code: forward]
  at::Tensor A = leaf({1, 2, 3, 4}, {2, 2});
  at::Tensor B = leaf({5, 6, 7, 8}, {2, 2});
  at::Tensor C = torch::matmul(A, B);
  const at::Tensor g = torch::ones({2, 2}, options);
  C.backward(g);
  // [/code]

  // [code: batch]
  at::Tensor x = torch::arange(1, 9, options).reshape({2, 2, 2}).requires_grad_(true);
  at::Tensor w = leaf({1, 0, 2, 0, 1, 3}, {2, 3});
  torch::matmul(x, w).backward(torch::ones({2, 2, 3}, options));
  // [/code]

  // [code: vector]
  at::Tensor M = leaf({1, 2, 3, 4}, {2, 2});
  at::Tensor v = leaf({5, 6}, {2});
  at::Tensor y = torch::matmul(M, v);
  y.backward(torch::tensor({1.0, 10.0}, options));
  // [/code]

  return results({{"C", C},
                  {"dL/dA", A.grad()},
                  {"dL/dB", B.grad()},
                  {"dL/dC Bᵀ", torch::matmul(g, B.t())},
                  {"Aᵀ dL/dC", torch::matmul(A.t(), g)},
                  {"Bᵀ dL/dC", torch::matmul(B.t(), g)},
                  {"rows of dL/dx", x.grad().reshape({4, 2})},
                  {"dL/dw", w.grad()},
                  {"y", y},
                  {"dL/dM", M.grad()},
                  {"dL/dv", v.grad()}});
}

std::optional<ProductShapes> product_shapes(const Shape& a, const Shape& b) {
  const auto leaf = [](const Shape& shape) {
    return torch::zeros(std::vector<std::int64_t>(shape.begin(), shape.end()),
                        torch::requires_grad());
  };
  at::Tensor first = leaf(a);
  at::Tensor second = leaf(b);
  at::Tensor product;
  try {
    product = torch::matmul(first, second);
  } catch (const c10::Error&) {
    return std::nullopt;
  }
  product.backward(torch::ones_like(product));
  return ProductShapes{snapshot(product).shape, snapshot(first.grad()).shape,
                       snapshot(second.grad()).shape};
}

}  // namespace gradbook::reference::twins
