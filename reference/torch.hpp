// The one internal header through which LibTorch is included, and so the one that is precompiled:
// torch/torch.h would cost four times as much. For .cpp files of reference/ only.
#pragma once

#include <torch/csrc/autograd/autograd.h>  // torch::autograd::grad
#include <torch/types.h>                   // torch::tensor, at::Tensor and its operations
#include <torch/utils.h>                   // torch::NoGradGuard, torch::manual_seed

#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/snapshot.hpp"
#include "reference/results.hpp"

namespace gradbook::reference {

/// torch::kFloat or torch::kDouble: `torch::tensor({1.0, 2.0}, dtype_of(precision))`.
at::ScalarType dtype_of(Precision precision);

/// A copy of shape and values, whatever the tensor's gradient state. Throws std::invalid_argument
/// for an undefined tensor.
Snapshot snapshot(const at::Tensor& tensor);

/// A leaf with a copy of the snapshot's values, rounded to the options' dtype (float32 when they
/// name none).
at::Tensor to_torch(const Snapshot& snapshot, at::TensorOptions options);

/// One named result of a twin: a tensor, a number, or numbers.
struct NamedResult {
  NamedResult(std::string the_name, const at::Tensor& tensor);
  NamedResult(std::string the_name, const std::vector<double>& numbers);
  template <class Number>
  requires std::is_arithmetic_v<Number> NamedResult(std::string the_name, Number number)
      : name(std::move(the_name)), value(static_cast<double>(number)) {}

  std::string name;
  Snapshot value;
};

/// Ends a twin: `return results({{"y", y}, {"dy/dx", x.grad()}});`. Throws std::invalid_argument,
/// naming it, for a tensor that is undefined (a gradient that does not exist) or a name given
/// twice.
Results results(std::initializer_list<NamedResult> named);

}  // namespace gradbook::reference
