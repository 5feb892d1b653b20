#pragma once

#include "engine/storage.hpp"

namespace gradbook::kernels {

/// Matrix products over broadcast batches, (..., M, K) x (..., K, N) -> (..., M, N): small ones in
/// a loop of our own, the others by BLAS. A flagged operand is read with its last two dimensions
/// exchanged. Both have at least two dimensions and fit. Throws ShapeError when the batch
/// dimensions do not broadcast.
template <class T>
Array<T> gemm(const Array<T>& a, bool transpose_a, const Array<T>& b, bool transpose_b);

}  // namespace gradbook::kernels
