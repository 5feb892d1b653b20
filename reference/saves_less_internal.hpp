// Operations of LibTorch that save, share and differentiate as the engine's do (engine/parity.md).
// Internal to reference/.
#pragma once

#include <string_view>

#include "reference/torch.hpp"

namespace gradbook::reference {

/// Is the gradient of this operation's input a view of that of its result?
bool hands_on_a_view(std::string_view operation);
/// x, whose gradient has storage of its own.
at::Tensor with_own_gradient(const at::Tensor& x);

/// factor x. When LibTorch 1.13 records the vjp of a product with a constant, that saves the
/// constant as a tensor; the vjp of this saves none, and its result is never g itself.
at::Tensor multiple(const at::Tensor& x, double factor);

/// The mean over `dims`, which LibTorch 1.13 computes saving x. None of them means none.
at::Tensor mean_saving_nothing(const at::Tensor& x, const std::vector<std::int64_t>& dims,
                               bool keepdim);

/// sigmoid with the vjp g ((1 - y) y) as it is written: LibTorch has a formula of its own for the
/// derivative of that.
at::Tensor sigmoid_by_its_rule(const at::Tensor& x);

/// `g` where not y <= 0, else 0; of shapes that broadcast.
at::Tensor gate(const at::Tensor& g, const at::Tensor& y);
/// The same, saving y only where g requires grad.
at::Tensor gate_saving_less(const at::Tensor& g, const at::Tensor& y);
/// relu with a vjp that does.
at::Tensor relu_saving_less(const at::Tensor& x);

}  // namespace gradbook::reference
