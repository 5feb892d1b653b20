// The history of views as the engine has it. Internal to reference/.
#pragma once

#include <torch/csrc/autograd/variable.h>

#include "reference/torch.hpp"

namespace gradbook::reference {

/// To be called after a write that was not recorded, for all views of what was written to: what
/// computed them is what did before. LibTorch goes by the version to notice such a write, and would
/// give them a new history.
inline void keep_history(const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  auto* const meta = torch::autograd::impl::get_view_autograd_meta(tensor);
  if (meta != nullptr && meta->has_bw_view()) {
    meta->set_attr_version(static_cast<std::uint32_t>(tensor._version()));
  }
}

}  // namespace gradbook::reference
