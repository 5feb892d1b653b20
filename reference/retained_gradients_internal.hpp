// Retained gradients as the engine has them. Internal to reference/.
#pragma once

#include <unordered_map>
#include <utility>

#include "reference/torch.hpp"

namespace gradbook::reference {

/// Gradients of intermediates, kept by hooks of our own: only for backward(), and on the newest
/// history of a tensor that is written to in place.
class RetainedGradients {
 public:
  void retain(const at::Tensor& tensor) {
    TORCH_CHECK(tensor.requires_grad(), "it requires no grad");
    if (tensor.is_leaf() || hooks_.contains(tensor.unsafeGetTensorImpl())) return;
    hook(tensor);
  }

  /// While one lives, nothing is kept.
  class Pause {
   public:
    explicit Pause(RetainedGradients& retained) : retained_(retained) { retained_.paused_ = true; }
    ~Pause() { retained_.paused_ = false; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    RetainedGradients& retained_;
  };

  /// Around a write in place to `tensor`.
  class Move {
   public:
    Move(RetainedGradients& retained, at::Tensor tensor)
        : retained_(retained), tensor_(std::move(tensor)) {
      const auto found = retained_.hooks_.find(tensor_.unsafeGetTensorImpl());
      if (found == retained_.hooks_.end()) return;
      tensor_.remove_hook(found->second);
      retained_.hooks_.erase(found);
      is_retained_ = true;
    }
    ~Move() {
      if (is_retained_) retained_.hook(tensor_);
    }
    Move(const Move&) = delete;
    Move& operator=(const Move&) = delete;

   private:
    RetainedGradients& retained_;
    at::Tensor tensor_;
    bool is_retained_ = false;
  };

 private:
  void hook(const at::Tensor& tensor) {
    at::TensorImpl* impl = tensor.unsafeGetTensorImpl();  // lives as long as the program does
    hooks_[impl] = tensor.register_hook([this, impl](const at::Tensor& gradient) {
      if (paused_) return;
      const at::Tensor self(c10::intrusive_ptr<at::TensorImpl>::reclaim_copy(impl));
      const at::Tensor& held = self.grad();
      self.mutable_grad() = held.defined() ? held + gradient : gradient.clone();
    });
  }

  std::unordered_map<at::TensorImpl*, unsigned> hooks_;
  bool paused_ = false;
};

}  // namespace gradbook::reference
