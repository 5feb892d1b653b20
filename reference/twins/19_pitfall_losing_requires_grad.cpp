#include "reference/twins/19_pitfall_losing_requires_grad.hpp"

#include "reference/torch.hpp"

namespace gradbook::reference::twins {

namespace {

/// LibTorch gives the address of a tensor that requires grad, to read and to write.
template <class T>
Results raw_data() {
  const auto options = torch::dtype(c10::CppTypeToScalarType<T>::value).requires_grad(true);
  at::Tensor x = torch::tensor({1.0, 2.0, 3.0}, options);
  at::Tensor y = 2 * x;
  T* data = y.data_ptr<T>();
  const std::vector<double> read(data, data + y.numel());
  const auto before = y._version();
  data[0] = 20;
  return results({{"read through data_ptr", read},
                  {"version before the write", before},
                  {"version after the write", y._version()},
                  {"y after the write", y}});
}

}  // namespace

Results pitfall_losing_requires_grad(Precision precision) {
  const auto constant = torch::dtype(dtype_of(precision));
  const auto options = constant.requires_grad(true);

  at::Tensor x = torch::tensor({1.0, 2.0, 3.0}, options);
  at::Tensor y = 2 * x;
  // [code: round trip]
  at::Tensor array = y.detach().clone();
  at::Tensor back = torch::from_blob(array.data_ptr(), array.sizes(), constant);
  // [/code]
  double refused = 0;
  try {
    back.sum().backward();
  } catch (const c10::Error&) {
    refused = 1;
  }

  // [code: broken]
  at::Tensor two = torch::tensor(2.0, constant);
  at::Tensor w1 = torch::tensor(0.5, options);
  at::Tensor w2 = torch::tensor(1.0, options);
  at::Tensor h = w1 * two;
  at::Tensor elsewhere = h.detach().clone();
  at::Tensor again = elsewhere.requires_grad_();
  (w2 * again - 3).pow(2).backward();
  // [/code]

  // [code: whole]
  at::Tensor v1 = torch::tensor(0.5, options);
  at::Tensor v2 = torch::tensor(1.0, options);
  (v2 * (v1 * two) - 3).pow(2).backward();
  // [/code]

  const auto without_recording = [&] {
    const torch::NoGradGuard nothing_recorded;
    return y * 3;
  };
  std::vector<double> keeps;
  for (const at::Tensor& made : {y * 3, y.reshape({3, 1}), y.sum(), y.detach(), without_recording(),
                                 torch::tensor(y.sum().item<double>(), constant), back}) {
    keeps.push_back(made.requires_grad() ? 1 : 0);
  }

  Results all = results({{"back", back},
                         {"back requires grad", back.requires_grad() ? 1 : 0},
                         {"refused: backward", refused},
                         {"broken: w2", w2.grad()},
                         {"broken: stuck in again", again.grad()},
                         {"w1 has a gradient", w1.grad().defined() ? 1 : 0},
                         {"whole: v2", v2.grad()},
                         {"whole: v1", v1.grad()},
                         {"keeps its history", keeps}});
  all.merge(precision == Precision::float32 ? raw_data<float>() : raw_data<double>());
  return all;
}

}  // namespace gradbook::reference::twins
