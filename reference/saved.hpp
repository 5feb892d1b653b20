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

/// Bytes kept by threshold_backward of (64, 64) if only y requires grad.
std::size_t libtorch_saved_bytes_of_gate_without_g();
/// Can a pass run twice through the recorded gradient of 3 x, without retain_graph?
bool libtorch_saves_no_constants();
/// Does a view of a result say that it requires grad if it was made without recording?
bool libtorch_unrecorded_view_requires_grad();
/// The first element of the ones that x.reshape({-1}) was given to start backward() with, after the
/// same has been done again.
double libtorch_given_gradient_after_two_passes();
/// Does a reshape that is retained after an unrecorded write to it get its gradient?
bool libtorch_keeps_the_history_of_views();
/// Does x.add_(x.reshape({2})) work for an x of shape (1, 2)?
bool libtorch_adds_another_shape_of_the_same();
/// Does grad() leave a retained gradient on its way alone?
bool libtorch_grad_leaves_retained_gradients_alone();
/// Does the gradient of x in w x, recorded, require grad if w.requires_grad_(false) came before it?
bool libtorch_keeps_the_flag_of_a_saved_leaf();
/// The gradient of sigmoid'(x) inf at x = 1.
double libtorch_second_derivative_of_sigmoid_times_infinity();
/// Does (w x.grad()).sum() + x.sum() run backward, where x.grad() grows and is read?
bool libtorch_reads_a_gradient_before_it_grows();

}  // namespace gradbook::reference
