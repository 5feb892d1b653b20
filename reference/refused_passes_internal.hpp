// Backward passes that are refused on their way. Internal to reference/.
#pragma once

#include <vector>

#include "reference/torch.hpp"

namespace gradbook::reference {

/// The gradients of some tensors as they are before a backward pass.
class GradientsBefore {
 public:
  explicit GradientsBefore(const std::vector<at::Tensor>& tensors) {
    const at::NoGradGuard for_the_copies;
    for (const at::Tensor& tensor : tensors) {
      if (!tensor.defined()) continue;
      const at::Tensor& gradient = tensor.grad();
      held_.push_back({tensor, gradient, gradient.defined() ? gradient.clone() : gradient});
    }
  }

  /// Makes the gradient of `tensor` what it was; where `tensor` is a gradient itself, or an alias
  /// of one, that one.
  void put_back(const at::Tensor& tensor) const {
    for (const Held& held : held_) {
      const bool is_its_gradient = tensor.defined() && held.gradient.defined() &&
                                   held.gradient.storage().is_alias_of(tensor.storage());
      if (held.tensor.is_same(tensor) || is_its_gradient) put_back(held);
    }
  }

 private:
  struct Held {
    at::Tensor tensor;
    at::Tensor gradient;
    at::Tensor values;  // a copy: the gradient of a leaf grows in place
  };

  static void put_back(const Held& held) {
    const at::NoGradGuard not_recorded;
    held.tensor.mutable_grad() = held.gradient;
    if (held.gradient.defined()) held.gradient.detach().copy_(held.values);
  }

  std::vector<Held> held_;
};

}  // namespace gradbook::reference
