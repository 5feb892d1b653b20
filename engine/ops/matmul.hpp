#pragma once

#include "engine/graph/record.hpp"
#include "engine/kernels/gemm.hpp"

namespace gradbook::ops {

/// C = op(A) op(B), where op transposes the last two dimensions if flagged; batch dimensions
/// broadcast. The vjps are products of the same kind with other flags, so nothing is transposed in
/// memory: for C = A B, dA = g Bᵀ and dB = Aᵀ g (Giles, Collected matrix derivative results, 2008).
struct Matmul {
  static constexpr std::string_view name = "matmul";
  static constexpr rules::Reads reads[] = {rules::kB, rules::kA};
  static constexpr bool broadcasts = true;
  bool transpose_a = false;
  bool transpose_b = false;
  Attributes attributes() const {
    return {{"transpose_a", {transpose_a ? 1.0 : 0.0}}, {"transpose_b", {transpose_b ? 1.0 : 0.0}}};
  }

  template <class T>
  Array<T> forward(const Array<T>& a, const Array<T>& b) const {
    return kernels::gemm(a, transpose_a, b, transpose_b);
  }

  template <class T>
  BasicTensor<T> vjp(std::size_t input, const BasicTensor<T>& g,
                     const SavedValues<T>& saved) const {
    // If an operand enters transposed, its gradient leaves transposed.
    if (input == 0) {
      const BasicTensor<T> b = saved.input_tensor(1);
      return transpose_a ? product(b, transpose_b, g, true) : product(g, false, b, !transpose_b);
    }
    const BasicTensor<T> a = saved.input_tensor(0);
    return transpose_b ? product(g, true, a, transpose_a) : product(a, !transpose_a, g, false);
  }

  /// The operation itself, on tensors.
  template <class T>
  static BasicTensor<T> product(const BasicTensor<T>& a, bool flip_a, const BasicTensor<T>& b,
                                bool flip_b) {
    const Matmul op{flip_a, flip_b};
    return record<T, 2>(op, op.forward(a.array(), b.array()), {&a, &b});
  }
};

}  // namespace gradbook::ops
