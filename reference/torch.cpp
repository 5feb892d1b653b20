#include "reference/torch.hpp"

#include <algorithm>
#include <stdexcept>

namespace gradbook::reference {

at::ScalarType dtype_of(Precision precision) {
  return precision == Precision::float32 ? torch::kFloat : torch::kDouble;
}

Snapshot snapshot(const at::Tensor& tensor) {
  if (!tensor.defined()) throw std::invalid_argument("snapshot of an undefined tensor");
  Snapshot result;
  result.shape.assign(tensor.sizes().begin(), tensor.sizes().end());
  const auto copy = [&](const auto* data) {
    result.values.assign(data, data + tensor.numel());
    return result;
  };
  // Without a detour through other tensors where it can be: a replay makes thousands of these.
  if (tensor.is_contiguous() && tensor.scalar_type() == torch::kFloat) {
    return copy(tensor.data_ptr<float>());
  }
  if (tensor.is_contiguous() && tensor.scalar_type() == torch::kDouble) {
    return copy(tensor.data_ptr<double>());
  }
  const at::Tensor values = tensor.detach().to(torch::kDouble).contiguous();
  return copy(values.data_ptr<double>());
}

at::Tensor to_torch(const Snapshot& snapshot, at::TensorOptions options) {
  const std::vector<std::int64_t> sizes(snapshot.shape.begin(), snapshot.shape.end());
  const auto dtype =
      options.has_dtype() ? c10::typeMetaToScalarType(options.dtype()) : torch::kFloat;
  const bool is_float = dtype == torch::kFloat;
  at::Tensor values = torch::empty(sizes, is_float ? torch::kFloat : torch::kDouble);
  if (is_float) {
    std::transform(snapshot.values.begin(), snapshot.values.end(), values.data_ptr<float>(),
                   [](double value) { return static_cast<float>(value); });
  } else {
    std::copy(snapshot.values.begin(), snapshot.values.end(), values.data_ptr<double>());
    values = values.to(dtype);
  }
  return options.requires_grad() ? values.requires_grad_(true) : values;
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
