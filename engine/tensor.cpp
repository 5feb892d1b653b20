#include "engine/tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xio.hpp>

#include "engine/graph/record.hpp"
#include "engine/trace.hpp"

namespace gradbook {

NestedList::NestedList(std::initializer_list<NestedList> rows) {
  shape_.push_back(rows.size());
  for (const NestedList& row : rows) {
    const Shape& first = rows.begin()->shape_;
    if (row.shape_ != first) {
      throw ShapeError(
          fmt::format("tensor: the rows of a nested list have shapes {} and {}; make them "
                      "all alike",
                      to_string(first), to_string(row.shape_)));
    }
    values_.insert(values_.end(), row.values_.begin(), row.values_.end());
  }
  if (rows.size() > 0) {
    const Shape& inner = rows.begin()->shape_;
    for (const std::size_t size : inner) shape_.push_back(size);
  }
}

void throw_saved_changed(std::string_view operation, std::string_view which, const Shape& shape,
                         std::uint32_t saved, std::uint32_t now) {
  throw SavedTensorChangedError(fmt::format(
      "{}: its {} of shape {}, saved for backward at version {}, is at version {} now: it was "
      "written to in place; do that after backward(), or compute a new tensor instead",
      operation, which == "result" ? "result" : fmt::format("input {}", which), to_string(shape),
      saved, now));
}

void throw_saved_freed(std::string_view operation, const Shape& shape) {
  throw GraphFreedError(fmt::format(
      "{}: a value that its derivative reads (result shape {}) was freed by an earlier backward "
      "pass; pass {{.retain_graph = true}} to the earlier one",
      operation, to_string(shape)));
}

template <class T>
Array<T> copy_of(const Array<T>& array) {
  Array<T> copy(array.shape());
  std::copy_n(array.data(), array.size(), copy.fresh());
  return copy;
}

template <class T>
BasicTensor<T>::BasicTensor(Array<T> array) : impl_(make_ref<TensorImpl<T>>(std::move(array))) {}

template <class T>
BasicTensor<T>::BasicTensor(const Shape& shape, std::span<const T> values, RequiresGrad wanted) {
  if (values.size() != gradbook::numel(shape)) {
    throw ShapeError(fmt::format("tensor: {} values do not fill shape {}; give its {} elements",
                                 values.size(), gradbook::to_string(shape),
                                 gradbook::numel(shape)));
  }
  Array<T> array(shape);
  std::copy(values.begin(), values.end(), array.fresh());
  *this = BasicTensor(std::move(array));
  if (wanted) requires_grad_();
}

template <class T>
BasicTensor<T> BasicTensor<T>::from(const Snapshot& snapshot, RequiresGrad wanted) {
  const std::vector<T> values(snapshot.values.begin(), snapshot.values.end());
  return BasicTensor(snapshot.shape, values, wanted);
}

template <class T>
BasicTensor<T> BasicTensor<T>::from(const xt::xarray<T>& array, RequiresGrad wanted) {
  return BasicTensor(Shape(array.shape().begin(), array.shape().end()),
                     std::span<const T>(array.data(), array.size()), wanted);
}

template <class T>
BasicTensor<T>::BasicTensor(double scalar, RequiresGrad wanted)
    : BasicTensor(full({}, scalar, wanted)) {}

template <class T>
BasicTensor<T>::BasicTensor(std::initializer_list<NestedList> data, RequiresGrad wanted) {
  const NestedList list(data);
  *this = from(Snapshot(list.shape(), list.values()), wanted);
}

template <class T>
BasicTensor<T> BasicTensor<T>::full(const Shape& shape, double value, RequiresGrad wanted) {
  Array<T> array(shape);
  std::fill_n(array.fresh(), array.size(), static_cast<T>(value));
  BasicTensor result(std::move(array));
  if (wanted) result.requires_grad_();
  return result;
}
template <class T>
BasicTensor<T> BasicTensor<T>::zeros(const Shape& shape, RequiresGrad wanted) {
  return full(shape, 0, wanted);
}
template <class T>
BasicTensor<T> BasicTensor<T>::ones(const Shape& shape, RequiresGrad wanted) {
  return full(shape, 1, wanted);
}

template <class T>
const Array<T>& BasicTensor<T>::array() const {
  if (!impl_) {
    throw UndefinedTensorError(
        "this tensor is undefined: it was default-constructed, or is the grad() of one that no "
        "backward() has filled; run backward() first (after retain_grad(), if not a leaf), or ask "
        "defined()");
  }
  return impl_->array;
}

template <class T>
bool BasicTensor<T>::unique() const {
  return impl_->references == 1 && impl_->array.storage()->references == 1;
}

template <class T>
T BasicTensor<T>::item() const {
  if (numel() != 1) {
    throw ShapeError(
        fmt::format("item: a tensor of shape {} has {} elements, not one; reduce it with sum() or "
                    "mean(), or take all with snapshot()",
                    gradbook::to_string(shape()), numel()));
  }
  return *array().data();
}

template <class T>
Snapshot BasicTensor<T>::snapshot() const {
  return {shape(), std::vector<double>(array().begin(), array().end())};
}

template <class T>
xt::xarray<T> BasicTensor<T>::to_xarray() const {
  if (requires_grad()) {
    throw RequiresGradError(fmt::format(
        "to_xarray: this tensor of shape {} requires grad, and a raw array would forget "
        "its history; say so with detach() first",
        gradbook::to_string(shape())));
  }
  return xt::adapt(array().data(), numel(), xt::no_ownership(), shape());
}

template <class T>
std::string BasicTensor<T>::to_string() const {
  if (!defined()) return "undefined";
  std::ostringstream stream;
  if (dim() == 0) {
    stream << item();
  } else {
    stream << xt::adapt(array().data(), numel(), xt::no_ownership(), shape());
  }
  std::string text = stream.str();
  std::replace(text.begin(), text.end(), '{', '[');
  std::replace(text.begin(), text.end(), '}', ']');
  return text;
}

template <class T>
bool BasicTensor<T>::requires_grad() const {
  array();
  return static_cast<bool>(impl_->node);
}

template <class T>
bool BasicTensor<T>::is_leaf() const {
  return !requires_grad() || impl_->node->is_leaf();
}

template <class T>
BasicTensor<T>& BasicTensor<T>::requires_grad_(bool wanted) {
  if (!is_leaf()) {
    if (wanted) return *this;
    throw RequiresGradError(
        fmt::format("requires_grad_(false): this tensor of shape {} is the result of {}; use "
                    "detach() for the same values without history",
                    gradbook::to_string(shape()), impl_->node->name()));
  }
  if (wanted == requires_grad()) return *this;
  if (!wanted) {
    impl_->frozen_leaf = impl_->node;
    impl_->frozen_leaf->retains_grad = false;
    impl_->set_node(nullptr);
  } else if (impl_->frozen_leaf) {
    impl_->set_node(std::exchange(impl_->frozen_leaf, nullptr));
    impl_->node->retains_grad = true;
  } else {
    impl_->set_node(Ref<Node<T>>(new LeafNode<T>(shape())));
  }
  if (Trace* trace = Trace::active()) trace->requires_grad_change(*this, wanted);
  return *this;
}

template <class T>
BasicTensor<T> BasicTensor<T>::grad() const {
  const Ref<Node<T>>& node = requires_grad() ? impl_->node : impl_->frozen_leaf;
  return node ? node->grad : BasicTensor();
}

template <class T>
void BasicTensor<T>::set_grad(const BasicTensor& gradient) {
  const Ref<Node<T>>& node = requires_grad() ? impl_->node : impl_->frozen_leaf;
  if (!node) {
    if (!gradient.defined()) return;
    throw RequiresGradError(fmt::format(
        "set_grad: this tensor of shape {} does not require grad, so it has no gradient "
        "to set; call requires_grad_() first",
        gradbook::to_string(shape())));
  }
  if (gradient.defined() && gradient.shape() != shape()) {
    throw ShapeError(
        fmt::format("set_grad: the gradient has shape {}, but the tensor has {}; pass one of the "
                    "tensor's shape",
                    gradbook::to_string(gradient.shape()), gradbook::to_string(shape())));
  }
  node->grad = gradient;
  if (Trace* trace = Trace::active()) trace->grad_set(*this);
}

template <class T>
void BasicTensor<T>::retain_grad() {
  if (!requires_grad()) {
    throw RequiresGradError(
        fmt::format("retain_grad: this tensor of shape {} does not require grad, so no gradient "
                    "will ever reach it; compute it from a leaf that requires grad",
                    gradbook::to_string(shape())));
  }
  if (impl_->node->is_leaf()) return;
  impl_->node->retains_grad = true;
  if (Trace* trace = Trace::active()) trace->retain_grad(*this);
}

template <class T>
BasicTensor<T> BasicTensor<T>::clone() const {
  return expand(shape());
}

template <class T>
BasicTensor<T> BasicTensor<T>::detach() const {
  BasicTensor result(array());
  if (Trace* trace = Trace::active()) {
    trace->operation("detach", {}, std::array<const BasicTensor*, 1>{this}, result);
  }
  return result;
}

template class BasicTensor<float>;
template class BasicTensor<double>;
template Array<float> copy_of(const Array<float>&);
template Array<double> copy_of(const Array<double>&);

}  // namespace gradbook
