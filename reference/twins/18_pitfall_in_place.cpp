#include "reference/twins/18_pitfall_in_place.hpp"

#include <functional>

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

using Operation = std::function<at::Tensor(const at::Tensor&)>;

/// 1 where LibTorch throws, else 0.
double refused(const std::function<void()>& action) {
  try {
    action();
  } catch (const c10::Error&) {
    return 1;
  }
  return 0;
}

double refused_after_write(at::TensorOptions options, const Operation& apply,
                           bool write_to_result) {
  at::Tensor x = torch::tensor({1.0, 2.0}, options);
  at::Tensor a = x * 1;
  at::Tensor y = apply(a);
  (write_to_result ? y : a).add_(1);
  return refused([&] { y.sum().backward(); });
}

}  // namespace

Results pitfall_in_place(Precision precision) {
  const auto constant = torch::dtype(dtype_of(precision));
  const auto options = constant.requires_grad(true);

  // [code: counter]
  at::Tensor a = torch::tensor({1.0, 2.0}, constant);
  at::Tensor alias = a.detach();
  const auto first = a._version();  // not 0: torch::tensor fills its memory in place
  std::vector<double> versions = {0};
  const auto look = [&] { versions.push_back(double(a._version() - first)); };
  a.add_(1), look();
  alias.mul_(10), look();
  at::Tensor b = a * 2 + 1;
  look();
  // [/code]

  // [code: refused]
  at::Tensor w = torch::tensor({1.0, 2.0}, options);
  const double leaf = refused([&] { w.add_(1); });

  at::Tensor s = torch::tensor({1.0, 2.0}, options);
  at::Tensor saved = s.exp();
  saved.add_(1);
  const double saved_value = refused([&] { saved.sum().backward(); });
  at::Tensor aliased = s.exp();
  aliased.detach().zero_();
  const double through_alias = refused([&] { aliased.sum().backward(); });
  // [/code]

  at::Tensor x = torch::tensor({1.0, 2.0}, options);
  // [code: cure]
  at::Tensor y = x.exp();
  y = y + 1;
  y.sum().backward();

  at::Tensor u = torch::tensor({1.0, 2.0}, options);
  at::Tensor in_place = u * 2;
  in_place.add_(1);
  in_place.sum().backward();
  at::Tensor v = torch::tensor({1.0, 2.0}, options);
  at::Tensor out_of_place = v * 2 + 1;
  out_of_place.sum().backward();
  // [/code]

  const std::vector<Operation> operations = {
      [](const at::Tensor& t) { return t + 1; },    [](const at::Tensor& t) { return t * 2; },
      [](const at::Tensor& t) { return t * t; },    [](const at::Tensor& t) { return t.pow(3); },
      [](const at::Tensor& t) { return t.log(); },  [](const at::Tensor& t) { return t.exp(); },
      [](const at::Tensor& t) { return t.tanh(); }, [](const at::Tensor& t) { return t.relu(); }};
  std::vector<double> write_to_input;
  std::vector<double> write_to_result;
  for (const Operation& operation : operations) {
    write_to_input.push_back(refused_after_write(options, operation, false));
    write_to_result.push_back(refused_after_write(options, operation, true));
  }

  at::Tensor d = torch::tensor({1.0, 2.0}, options);
  at::Tensor unguarded = d.exp();
  unguarded.data().zero_();
  unguarded.sum().backward();

  return results({{"versions", versions},
                  {"a", a},
                  {"refused: a leaf", leaf},
                  {"refused: a saved value", saved_value},
                  {"refused: through an alias", through_alias},
                  {"exp(x) + 1", x.grad()},
                  {"u * 2, add_(1)", u.grad()},
                  {"v * 2 + 1", v.grad()},
                  {"refused, write to a", write_to_input},
                  {"refused, write to y", write_to_result},
                  {"through data()", d.grad()}});
}

}  // namespace gradbook::reference::twins
