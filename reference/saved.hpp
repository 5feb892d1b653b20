#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace gradbook::reference {

/// Bytes that LibTorch keeps for backward per operation, measured: the operation runs on
/// intermediates of shape (64, 64), float32, that require grad; then everything but the graph is
/// dropped, and what is still alive was saved. By the text of parity::OperationFacts::written.
std::map<std::string, std::size_t> libtorch_saved_bytes();

/// Of the same kind: `x.mean({0})` on (64, 64), and the product of (64, 64) with a batch (4, 64,
/// 64).
std::size_t libtorch_saved_bytes_of_mean_over_dims();
std::size_t libtorch_saved_bytes_of_broadcast_matmul();

/// Does a write through the result of transpose, or of expand, reach the tensor it was made from?
bool libtorch_transpose_is_a_view();
bool libtorch_expand_is_a_view();

/// The gradient of the leaf z after a backward pass from y + 3 z that failed half way, since what y
/// had saved was freed: 0 where nothing was accumulated, -1 where it did not fail.
double libtorch_gradient_after_freed_graph();

/// Does backward() take ones of shape (3, 2) for a result of shape (2)?
bool libtorch_takes_a_larger_gradient();
/// Does grad((x w).sum(), x) work after x, which only the gradient of w reads, was written to?
bool libtorch_ignores_unread_saved_values();

}  // namespace gradbook::reference
