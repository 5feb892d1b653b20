// Cycles of owners in LibTorch. Internal to reference/.
#pragma once

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include "reference/torch.hpp"

namespace gradbook::reference {

/// To be called when a tensor is not needed any more: it can own itself. A gradient that was
/// recorded ends in the tensor whose gradient it is, and x.mul_(x) saves its own result.
inline void cut_cycles(const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  tensor.mutable_grad().reset();
  // Not through grad_fn(), which makes up a new history for a view that was written to, or refuses.
  const auto* const meta = torch::autograd::impl::get_autograd_meta(tensor);
  if (meta != nullptr && meta->grad_fn_) meta->grad_fn_->release_variables();
}

}  // namespace gradbook::reference
