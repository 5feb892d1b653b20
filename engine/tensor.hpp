#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <xtensor/xtensor_forward.hpp>

#include "engine/errors.hpp"
#include "engine/grad_mode.hpp"
#include "engine/graph/node.hpp"
#include "engine/shape.hpp"
#include "engine/snapshot.hpp"
#include "engine/storage.hpp"

namespace gradbook {

/// Written at construction, `Tensor x({1, 2, 3}, requires_grad)`: gradients are wanted for x.
class RequiresGrad {
 public:
  struct Key {};
  constexpr RequiresGrad(Key, bool wanted) : wanted_(wanted) {}
  constexpr explicit operator bool() const { return wanted_; }

 private:
  bool wanted_;
};
inline constexpr RequiresGrad requires_grad{RequiresGrad::Key{}, true};
inline constexpr RequiresGrad without_grad{RequiresGrad::Key{}, false};

/// A nested list of numbers, `{{1, 2}, {3, 4}}`. Throws ShapeError when the rows differ in length.
class NestedList {
 public:
  NestedList(double scalar) : values_(1, scalar) {}
  NestedList(std::initializer_list<NestedList> rows);
  const Shape& shape() const { return shape_; }
  const std::vector<double>& values() const { return values_; }

 private:
  Shape shape_;
  std::vector<double> values_;
};

/// Options of a backward pass, named at the call: `y.backward({.retain_graph = true})`.
struct BackwardOptions {
  bool retain_graph = false;  ///< keep what was saved, so that backward can run again
  /// Record the backward pass itself (implies retain_graph). A leaf then owns its gradient, whose
  /// history owns the leaf's node: zero_grad() lets both go.
  bool create_graph = false;
};

/// Options of grad().
struct GradOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool allow_unused = false;  ///< an input without a path to the outputs gives an undefined tensor
};

/// A tensor of `T` with reverse-mode automatic differentiation: contiguous, row-major. A handle:
/// copies refer to the same tensor. Semantics and names are LibTorch's; `engine/parity.md` lists
/// where not. Functions without a body here stand with their derivative in engine/ops/.
template <class T>
class BasicTensor {
 public:
  using value_type = T;

  /// No tensor at all, as the gradient of something that has none: defined() is false, and a use
  /// of its values, shape or gradient throws UndefinedTensorError.
  BasicTensor() = default;
  /// A leaf of one number, of shape (): `Tensor(5.0)`.
  explicit BasicTensor(double scalar, RequiresGrad wanted = without_grad);
  /// A leaf with the values of a nested list: `Tensor({{1, 2}, {3, 4}}, requires_grad)`. Throws
  /// ShapeError when its rows differ in length.
  explicit BasicTensor(std::initializer_list<NestedList> data, RequiresGrad wanted = without_grad);
  /// A leaf of `shape` with row-major `values`. Throws ShapeError when their number does not fit.
  BasicTensor(const Shape& shape, std::span<const T> values, RequiresGrad wanted = without_grad);
  /// A leaf over `array` itself. For the engine's own use.
  explicit BasicTensor(Array<T> array);
  /// Another handle of the same tensor. For the engine's own use.
  explicit BasicTensor(Ref<TensorImpl<T>> impl) : impl_(std::move(impl)) {}

  /// A leaf with the values of a snapshot (rounded to T).
  static BasicTensor from(const Snapshot& snapshot, RequiresGrad wanted = without_grad);
  /// A leaf with a copy of an xtensor array. Include <xtensor/xarray.hpp> to make one.
  static BasicTensor from(const xt::xarray<T>& array, RequiresGrad wanted = without_grad);
  static BasicTensor zeros(const Shape& shape, RequiresGrad wanted = without_grad);
  static BasicTensor ones(const Shape& shape, RequiresGrad wanted = without_grad);
  static BasicTensor full(const Shape& shape, double value, RequiresGrad wanted = without_grad);

  bool defined() const { return static_cast<bool>(impl_); }
  const Shape& shape() const { return array().shape(); }
  std::int64_t dim() const { return static_cast<std::int64_t>(shape().size()); }
  std::size_t numel() const { return array().size(); }
  /// Number of writes in place to this storage so far, by any alias.
  std::uint32_t version() const { return array().version(); }

  /// The only element. Throws ShapeError when there is not exactly one.
  T item() const;
  /// A copy of shape and values, whatever the gradient state.
  Snapshot snapshot() const;
  /// A copy as an xtensor array. Throws RequiresGradError for a tensor that requires grad: the copy
  /// would forget the history; detach() first. Include <xtensor/xarray.hpp> to use it.
  xt::xarray<T> to_xarray() const;
  /// As PyTorch would write it: "[[1., 2.],\n [3., 4.]]".
  std::string to_string() const;

  // --- gradients ---------------------------------------------------------------------------------
  bool requires_grad() const;
  bool is_leaf() const;
  /// Throws RequiresGradError when switched off on a result of a recorded operation.
  BasicTensor& requires_grad_(bool wanted = true);
  /// The accumulated gradient, undefined if there is none. Kept for leaves and after retain_grad().
  BasicTensor grad() const;
  /// Sets the gradient; an undefined one forgets it. A gradient with history that leads back here
  /// keeps both alive until it is forgotten. Throws ShapeError for one of another shape, and
  /// RequiresGradError for one of a tensor that never required grad.
  void set_grad(const BasicTensor& gradient);
  /// Forgets the gradient, so that the next backward starts from nothing.
  void zero_grad() { set_grad(BasicTensor()); }
  /// Keep this intermediate's gradient too. Throws RequiresGradError if it requires none.
  void retain_grad();
  /// The same values without history, over the same storage.
  BasicTensor detach() const;
  /// A copy in storage of its own, recorded (as an expand to the same shape): gradients flow back.
  BasicTensor clone() const;
  /// Gradients of this scalar, accumulated into the leaves. Throws BackwardError for a non-scalar
  /// or a tensor that does not require grad, GraphFreedError where saved values are gone,
  /// SavedTensorChangedError where one was written to since, CheckpointError where a checkpointed
  /// function gives something else when it is run again.
  void backward(BackwardOptions options = {}) const;
  /// The same with `gradient` as the vector of the vector-Jacobian product. Throws BackwardError
  /// also when its shape is not this tensor's. A template only so that braces at the call mean
  /// options.
  template <std::same_as<BasicTensor> Gradient>
  void backward(const Gradient& gradient, BackwardOptions options = {}) const {
    backward_from(gradient, options);
  }

  // --- shape (engine/ops/shape.cpp) --------------------------------------------------------------
  /// The same elements in another shape, over the same storage; one size may be -1: inferred.
  /// (B, D) -> (B * D). Throws ShapeError when the elements do not fill it.
  BasicTensor reshape(const Dims& sizes) const;
  /// Two dimensions exchanged; a copy. (B, M, N) -> (B, N, M) for 1 and 2. Throws DimensionError
  /// when one is out of range.
  BasicTensor transpose(std::int64_t dim0, std::int64_t dim1) const;
  /// transpose(0, 1) of a matrix; a tensor of fewer dimensions is returned as it is. Throws
  /// ShapeError when there are more.
  BasicTensor t() const;
  /// Repeated along new leading dimensions and dimensions of size 1 until it has `shape`; a copy.
  /// (D) or (1, D) -> (B, D). Throws ShapeError when it does not broadcast to `shape`.
  BasicTensor expand(const Shape& shape) const;
  /// Summed back to `shape`: the transpose of expand. (B, D) -> (D) or (1, D). Throws ShapeError
  /// when `shape` does not broadcast to this one's.
  BasicTensor sum_to(const Shape& shape) const;

  // --- reductions (engine/ops/reduce.cpp) --------------------------------------------------------
  // (B, D) over {1} -> (B), with keepdim (B, 1); over no dims, which means all, -> (). Each throws
  // DimensionError when one of `dims` is out of range or named twice.
  BasicTensor sum(const Dims& dims = {}, bool keepdim = false) const;
  BasicTensor mean(const Dims& dims = {}, bool keepdim = false) const;
  /// Index of the first largest element along `dim`; NaN counts as largest. No gradient. (B, D)
  /// along 1 -> B indices. Throws DimensionError when `dim` is out of range, ShapeError when it has
  /// no elements.
  std::vector<std::int64_t> argmax(std::int64_t dim) const;
  /// Index of the first largest element of the flattened tensor. Throws ShapeError when there is
  /// none.
  std::int64_t argmax() const;

  // --- elementwise (engine/ops/elementwise.cpp, derivatives in engine/rules.hpp) -----------------
  BasicTensor pow(double exponent) const;
  BasicTensor reciprocal() const;
  BasicTensor exp() const;
  BasicTensor log() const;
  BasicTensor sqrt() const;
  BasicTensor tanh() const;
  BasicTensor sigmoid() const;
  BasicTensor relu() const;

  BasicTensor operator-() const;
  // Of two tensors the shapes broadcast, aligned at the right: (B, D) + (D) -> (B, D), and
  // (B, 1) * (D) -> (B, D). Each throws ShapeError when they do not.
  BasicTensor operator+(const BasicTensor& other) const;
  BasicTensor operator-(const BasicTensor& other) const;
  BasicTensor operator*(const BasicTensor& other) const;
  BasicTensor operator/(const BasicTensor& other) const;
  BasicTensor operator+(double scalar) const;
  BasicTensor operator-(double scalar) const;
  BasicTensor operator*(double scalar) const;
  BasicTensor operator/(double scalar) const;
  friend BasicTensor operator+(double scalar, const BasicTensor& x) { return x + scalar; }
  friend BasicTensor operator*(double scalar, const BasicTensor& x) { return x * scalar; }
  friend BasicTensor operator-(double scalar, const BasicTensor& x) { return x.rsub(scalar); }
  friend BasicTensor operator/(double scalar, const BasicTensor& x) {
    return x.reciprocal() * scalar;
  }
  /// scalar - x.
  BasicTensor rsub(double scalar) const;

  // --- in place (engine/ops/in_place.hpp) --------------------------------------------------------
  // Each throws InPlaceError when the result would not have this tensor's shape, and, if the write
  // is to be recorded, on a leaf that requires grad and through one of several aliases by reshape.
  BasicTensor& add_(const BasicTensor& other);
  BasicTensor& add_(double scalar);
  BasicTensor& sub_(const BasicTensor& other);
  BasicTensor& sub_(double scalar);
  BasicTensor& mul_(const BasicTensor& other);
  BasicTensor& mul_(double scalar);
  BasicTensor& zero_();
  BasicTensor& copy_(const BasicTensor& source);

  // --- for the engine's own use ------------------------------------------------------------------
  /// Throws UndefinedTensorError when undefined.
  const Array<T>& array() const;
  const Ref<TensorImpl<T>>& impl() const { return impl_; }
  /// True when no other handle and no other alias can see this tensor's storage.
  bool unique() const;

 private:
  void backward_from(const BasicTensor& gradient, BackwardOptions options) const;

  Ref<TensorImpl<T>> impl_;
};

/// float32, LibTorch's default.
using Tensor = BasicTensor<float>;
/// The same code in float64: for gradient checking and for truth.
using Tensor64 = BasicTensor<double>;

/// Matrix product. (n) x (n) -> (); (M, K) x (K, N) -> (M, N); batch dimensions broadcast; a vector
/// counts as a row on the left and a column on the right. Throws ShapeError
/// (engine/ops/matmul.cpp).
template <class T>
BasicTensor<T> matmul(const BasicTensor<T>& a, const BasicTensor<T>& b);

/// Gradients of `outputs` with respect to `inputs`, without touching any `.grad()`. Each output
/// that is not a scalar needs its entry in `grad_outputs`. Throws as backward() does, and
/// BackwardError for an input that has no part in the outputs (unless allow_unused). Results may
/// share storage with each other and with grad_outputs: a gradient that passes unchanged is not
/// copied.
template <class T>
std::vector<BasicTensor<T>> grad(const std::vector<BasicTensor<T>>& outputs,
                                 const std::vector<BasicTensor<T>>& inputs,
                                 const std::vector<BasicTensor<T>>& grad_outputs = {},
                                 GradOptions options = {});

template <class A>
concept AnyTensor = std::same_as<A, BasicTensor<typename A::value_type>>;

/// grad() of one output and one input.
template <AnyTensor A>
A grad(const A& output, const A& input, GradOptions options = {}) {
  return grad(std::vector{output}, std::vector{input}, {}, options)[0];
}

// The same operations as free functions: found by argument when a rule is read on tensors.

template <class T>
BasicTensor<T> pow(const BasicTensor<T>& x, double exponent) {
  return x.pow(exponent);
}
template <class T>
BasicTensor<T> exp(const BasicTensor<T>& x) {
  return x.exp();
}
template <class T>
BasicTensor<T> log(const BasicTensor<T>& x) {
  return x.log();
}
template <class T>
BasicTensor<T> sqrt(const BasicTensor<T>& x) {
  return x.sqrt();
}
template <class T>
BasicTensor<T> tanh(const BasicTensor<T>& x) {
  return x.tanh();
}
template <class T>
BasicTensor<T> sigmoid(const BasicTensor<T>& x) {
  return x.sigmoid();
}
template <class T>
BasicTensor<T> relu(const BasicTensor<T>& x) {
  return x.relu();
}
/// `g` where not `y <= 0`, else 0: the vjp of relu.
template <class T>
BasicTensor<T> gate(const BasicTensor<T>& g, const BasicTensor<T>& y);
/// Zeros of the shape of `x`.
template <class T>
BasicTensor<T> zero_like(const BasicTensor<T>& x) {
  return BasicTensor<T>::zeros(x.shape());
}

}  // namespace gradbook
