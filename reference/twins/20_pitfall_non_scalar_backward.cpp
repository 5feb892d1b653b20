#include "reference/twins/20_pitfall_non_scalar_backward.hpp"

#include <functional>

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

/// 1 where LibTorch throws, else 0.
double refused(const std::function<void()>& action) {
  try {
    action();
  } catch (const c10::Error&) {
    return 1;
  }
  return 0;
}

}  // namespace

Results pitfall_non_scalar_backward(Precision precision) {
  const auto constant = torch::dtype(dtype_of(precision));
  const auto options = constant.requires_grad(true);

  // [code: refused]
  at::Tensor x = torch::tensor({1.0, 2.0, 3.0}, options);
  at::Tensor y = x.pow(2);
  const double vector = refused([&] { y.backward(); });
  const double two = refused([&] { y.backward(torch::ones({2}, constant)); });
  const double scalar = refused([&] { y.backward(torch::tensor(1.0, constant)); });
  // [/code]

  // [code: product]
  at::Tensor w = torch::tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, constant).reshape({3, 2});
  const auto backward_from = [&](std::vector<double> v) {
    at::Tensor in = torch::tensor({10.0, 20.0}, options);
    torch::matmul(w, in).backward(torch::tensor(v, constant));
    return in.grad();
  };
  // [/code]

  // [code: ones]
  at::Tensor a = torch::tensor({1.0, 2.0, 3.0}, options);
  a.pow(2).backward(torch::ones({3}, constant));
  at::Tensor b = torch::tensor({1.0, 2.0, 3.0}, options);
  b.pow(2).sum().backward();
  at::Tensor c = torch::tensor({1.0, 2.0, 3.0}, options);
  (c.pow(2) * torch::tensor({1.0, 0.5, 0.0}, constant)).sum().backward();
  // [/code]

  return results({{"refused: vector", vector},
                  {"refused: shape (2,)", two},
                  {"refused: shape ()", scalar},
                  {"v = [1, 0, 0]", backward_from({1, 0, 0})},
                  {"v = [0, 1, 0]", backward_from({0, 1, 0})},
                  {"v = [0, 0, 1]", backward_from({0, 0, 1})},
                  {"v = [1, -1, 2]", backward_from({1, -1, 2})},
                  {"backward(ones)", a.grad()},
                  {"sum().backward()", b.grad()},
                  {"weights 1, 0.5, 0", c.grad()}});
}

}  // namespace gradbook::reference::twins
