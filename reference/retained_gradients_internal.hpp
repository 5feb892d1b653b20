// Retained gradients as the engine has them. Internal to reference/.
#pragma once

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

#include <memory>
#include <unordered_map>
#include <utility>

#include "reference/torch.hpp"

namespace gradbook::reference {

/// Gradients of intermediates, kept by hooks of our own on what computed them. A tensor that is
/// written to in place is followed to its new history.
class RetainedGradients {
 public:
  /// `not_in_grad`: grad() leaves them alone.
  explicit RetainedGradients(bool not_in_grad) : not_in_grad_(not_in_grad) {}
  RetainedGradients(const RetainedGradients&) = delete;
  RetainedGradients& operator=(const RetainedGradients&) = delete;

  /// To be called for every tensor when it has been recorded anew by a write in place.
  void rewritten(const at::Tensor& tensor) {
    const auto hook = hooks_.find(tensor.unsafeGetTensorImpl());
    if (hook == hooks_.end()) return;
    *hook->second = false;
    add_hook(tensor);
  }

  /// As retain_grad() does.
  void retain(const at::Tensor& tensor) {
    TORCH_CHECK(tensor.requires_grad(), "it requires no grad");
    if (tensor.is_leaf() || hooks_.contains(tensor.unsafeGetTensorImpl())) return;
    add_hook(tensor);
  }

  /// While one lives, grad() runs.
  class InGrad {
   public:
    explicit InGrad(RetainedGradients& retained) : retained_(retained) {
      retained_.in_grad_ = true;
    }
    ~InGrad() { retained_.in_grad_ = false; }
    InGrad(const InGrad&) = delete;
    InGrad& operator=(const InGrad&) = delete;

   private:
    RetainedGradients& retained_;
  };

 private:
  class Hook final : public torch::autograd::FunctionPreHook {
   public:
    Hook(const RetainedGradients& retained, at::TensorImpl* tensor, std::size_t output,
         std::shared_ptr<bool> is_active)
        : retained_(retained), tensor_(tensor), output_(output), is_active_(std::move(is_active)) {}

    std::vector<at::Tensor> operator()(const std::vector<at::Tensor>& gradients) override {
      const at::Tensor& gradient = gradients.at(output_);
      const bool is_paused = retained_.in_grad_ && retained_.not_in_grad_;
      if (!*is_active_ || is_paused || !gradient.defined()) return gradients;
      const at::Tensor self(c10::intrusive_ptr<at::TensorImpl>::reclaim_copy(tensor_));
      const at::Tensor& held = self.grad();
      self.mutable_grad() = held.defined() ? held + gradient : gradient.clone();
      return gradients;
    }

   private:
    const RetainedGradients& retained_;
    at::TensorImpl* tensor_;  // lives as long as the program does
    std::size_t output_;
    std::shared_ptr<bool> is_active_;
  };

  void add_hook(const at::Tensor& tensor) {
    const auto history = tensor.grad_fn();  // first: it may give a view a new one
    const auto output = static_cast<std::size_t>(tensor.output_nr());
    at::TensorImpl* impl = tensor.unsafeGetTensorImpl();
    auto is_active = std::make_shared<bool>(true);
    history->add_pre_hook(std::make_unique<Hook>(*this, impl, output, is_active));
    hooks_[impl] = std::move(is_active);
  }

  bool not_in_grad_;
  std::unordered_map<at::TensorImpl*, std::shared_ptr<bool>> hooks_;  // is it the newest?
  bool in_grad_ = false;
};

}  // namespace gradbook::reference
