#include "reference/twins/17_pitfall_accumulation.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

std::vector<double> descend(at::TensorOptions options, bool zeroing) {
  at::Tensor w = torch::tensor(1.0, options);
  std::vector<double> path = {w.item<double>()};
  for (int step = 0; step < 42; ++step) {
    // [code: step]
    if (zeroing) w.mutable_grad().reset();
    w.pow(2).backward();
    const torch::NoGradGuard updating;
    w.sub_(0.1 * w.grad());
    path.push_back(w.item<double>());
    // [/code]
  }
  return path;
}

at::Tensor loss(const at::Tensor& w, std::vector<double> batch) {
  const at::Tensor x = torch::tensor(batch, w.dtype());
  return (w * x - 2 * x).pow(2).mean();
}

}  // namespace

Results pitfall_accumulation(Precision precision) {
  const auto options = torch::dtype(dtype_of(precision)).requires_grad(true);

  // [code: twice]
  at::Tensor x = torch::tensor(2.0, options);
  x.pow(2).backward();
  const double first = x.grad().item<double>();
  x.pow(2).backward();
  const double second = x.grad().item<double>();
  x.mutable_grad().reset();
  x.pow(2).backward();
  const double third = x.grad().item<double>();
  // [/code]

  // [code: held]
  at::Tensor u = torch::tensor(2.0, options);
  u.pow(2).backward();
  const at::Tensor held = u.grad();
  const at::Tensor copied = u.grad().clone();
  u.pow(2).backward();
  // [/code]

  const std::vector<double> with = descend(options, true);
  const std::vector<double> without = descend(options, false);

  // [code: halves]
  at::Tensor w = torch::tensor(1.0, options);
  loss(w, {1, 2, 3, 4}).backward();
  at::Tensor v = torch::tensor(1.0, options);
  (loss(v, {1, 2}) / 2).backward();
  const double half_way = v.grad().item<double>();
  (loss(v, {3, 4}) / 2).backward();
  // [/code]

  return results({{"backward", first},
                  {"backward again", second},
                  {"after zeroing", third},
                  {"held", held},
                  {"copied", copied},
                  {"w after 1 step", without[1]},
                  {"w after 2, zeroing", with[2]},
                  {"w after 2, no zeroing", without[2]},
                  {"w, zeroing", with},
                  {"w, no zeroing", without},
                  {"whole batch", w.grad()},
                  {"first half", half_way},
                  {"both halves", v.grad()}});
}

}  // namespace gradbook::reference::twins
