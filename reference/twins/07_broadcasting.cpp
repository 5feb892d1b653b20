#include "reference/twins/07_broadcasting.hpp"

#include <functional>
#include <vector>

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

// [code: back to]
/// The gradient of a tensor of shape `from` that was stretched to the shape of `arriving`.
at::Tensor back_to(std::vector<std::int64_t> from, const at::Tensor& arriving) {
  at::Tensor stretched = torch::zeros(from, arriving.options().requires_grad(true));
  (torch::zeros_like(arriving) + stretched).backward(arriving);
  return stretched.grad();
}
// [/code]

}  // namespace

Results broadcasting(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision));
  const at::Tensor arriving = torch::arange(1, 7, options).reshape({2, 3});
  const at::Tensor block = torch::arange(1, 13, options).reshape({2, 2, 3});

  // [code: scale]
  at::Tensor x = torch::tensor({1.0, 2.0}, options).reshape({2, 1}).expand({2, 3});
  at::Tensor scale = torch::ones({3}, options.requires_grad(true));
  (x * scale).backward(arriving);
  // [/code]

  // [code: in place]
  at::Tensor parameter = torch::zeros({3}, options);
  const double in_place = refused([&] { parameter.sub_(0.1 * arriving); });
  // [/code]

  // [code: crossed]
  at::Tensor prediction = torch::tensor({1.0, 2.0, 3.0}, options.requires_grad(true));
  at::Tensor target = torch::tensor({1.0, 2.0, 3.0}, options).reshape({3, 1});
  at::Tensor miss = prediction - target;
  (miss * miss).backward(torch::ones({3, 3}, options));
  const at::Tensor crossed = prediction.grad().clone();
  // [/code]

  // [code: cure]
  prediction.mutable_grad().zero_();
  miss = prediction - target.reshape({3});
  (miss * miss).backward(torch::ones({3}, options));
  // [/code]

  return results({{"ones back to (4,)", back_to({4}, torch::ones({3, 4}, options))},
                  {"(2, 3) back to (3,)", back_to({3}, arriving)},
                  {"(2, 3) back to (2, 1)", back_to({2, 1}, arriving)},
                  {"(2, 3) back to ()", back_to({}, arriving)},
                  {"(2, 2, 3) to (2, 1)", back_to({2, 1}, block)},
                  {"gradient of the scale", scale.grad()},
                  {"gradient, (3,) - (3, 1)", crossed},
                  {"gradient, (3,) - (3,)", prediction.grad()},
                  {"refused: in place", in_place}});
}

std::optional<Shape> sum_shape(const Shape& a, const Shape& b) {
  const auto zeros = [](const Shape& shape) {
    return torch::zeros(std::vector<std::int64_t>(shape.begin(), shape.end()));
  };
  try {
    return snapshot(zeros(a) + zeros(b)).shape;
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

}  // namespace gradbook::reference::twins
