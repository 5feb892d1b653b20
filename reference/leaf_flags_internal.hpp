// requires_grad_() as the engine has it. Internal to reference/.
#pragma once

#include <unordered_map>

#include "reference/quiet_internal.hpp"
#include "reference/torch.hpp"

namespace gradbook::reference {

/// Changes whether leaves require grad without changing what was saved of them before: another
/// tensor over the same storage takes the leaf's place, and makes room for it again.
class LeafFlags {
 public:
  LeafFlags() = default;
  LeafFlags(const LeafFlags&) = delete;
  LeafFlags& operator=(const LeafFlags&) = delete;
  // A gradient that was recorded refers to the tensor whose gradient it is.
  ~LeafFlags() {
    for (const auto& [successor, tensor] : replaced_) tensor.mutable_grad().reset();
  }

  /// What is `tensor` from now on. Throws as LibTorch does where that is no leaf.
  at::Tensor changed(const at::Tensor& tensor, bool wanted) {
    if (!tensor.is_leaf() || tensor.requires_grad() == wanted) {
      return tensor.requires_grad_(wanted);
    }
    const auto before = replaced_.find(tensor.unsafeGetTensorImpl());
    const bool is_back = before != replaced_.end() && before->second.requires_grad() == wanted;
    const at::Tensor successor = is_back ? before->second : tensor.detach().requires_grad_(wanted);
    replaced_[successor.unsafeGetTensorImpl()] = tensor;
    successor.mutable_grad() = tensor.grad();
    // What backward() still adds to the one that is out of use must not get into that gradient.
    tensor.mutable_grad().reset();
    return successor;
  }

 private:
  std::unordered_map<at::TensorImpl*, at::Tensor> replaced_;  // by its successor
};

/// Where the gradient of `tensor` is `before`, it becomes `successor`.
inline void replace_gradient(const at::Tensor& tensor, const at::Tensor& before,
                             const at::Tensor& successor) {
  const Quiet quiet;
  if (tensor.defined() && tensor.grad().is_same(before)) tensor.mutable_grad() = successor;
}

}  // namespace gradbook::reference
