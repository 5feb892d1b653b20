#include "reference/torch.hpp"

#include <algorithm>
#include <stdexcept>

namespace gradbook::reference {

at::ScalarType dtype_of(Precision precision) {
  return precision == Precision::float32 ? torch::kFloat : torch::kDouble;
}

Snapshot snapshot(const at::Tensor& tensor) {
  if (!tensor.defined()) throw std::invalid_argument("snapshot of an undefined tensor");
  const at::Tensor values = tensor.detach().to(torch::kDouble).contiguous();
  const double* data = values.data_ptr<double>();
  Snapshot result;
  result.shape.assign(values.sizes().begin(), values.sizes().end());
  result.values.assign(data, data + values.numel());
  return result;
}

at::Tensor to_torch(const Snapshot& snapshot, at::TensorOptions options) {
  const std::vector<std::int64_t> sizes(snapshot.shape.begin(), snapshot.shape.end());
  const bool wanted = options.requires_grad();
  at::Tensor values = torch::empty(sizes, torch::kDouble);
  std::copy(snapshot.values.begin(), snapshot.values.end(), values.data_ptr<double>());
  const auto dtype =
      options.has_dtype() ? c10::typeMetaToScalarType(options.dtype()) : torch::kFloat;
  return values.to(dtype).requires_grad_(wanted);
}

NamedResult::NamedResult(std::string the_name, const at::Tensor& tensor)
    : name(std::move(the_name)) {
  if (!tensor.defined()) {
    throw std::invalid_argument("results: '" + name + "' is undefined: a gradient that LibTorch " +
                                "did not compute?");
  }
  value = snapshot(tensor);
}

NamedResult::NamedResult(std::string the_name, const std::vector<double>& numbers)
    : name(std::move(the_name)), value(Shape{numbers.size()}, numbers) {}

Results results(std::initializer_list<NamedResult> named) {
  Results all;
  for (const NamedResult& result : named) {
    if (!all.emplace(result.name, result.value).second) {
      throw std::invalid_argument("results: '" + result.name + "' is given twice");
    }
  }
  return all;
}

}  // namespace gradbook::reference
