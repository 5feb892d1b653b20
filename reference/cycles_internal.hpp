// Cycles of owners in LibTorch. Internal to reference/.
#pragma once

#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/variable.h>

#include "reference/torch.hpp"

namespace gradbook::reference {

/// To be called when a tensor is not needed any more: it can own itself. A gradient that was
/// recorded ends in the tensor whose gradient it is, x.mul_(x) saves its own result, and a leaf
/// that was frozen and then written to ends in itself as the leaf it was.
inline void cut_cycles(const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  tensor.mutable_grad().reset();
  torch::autograd::impl::set_gradient_edge(tensor, torch::autograd::Edge());
}

}  // namespace gradbook::reference
