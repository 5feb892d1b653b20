#include <fmt/format.h>

#include "engine/ops/elementwise.hpp"

namespace gradbook {

template <class T>
void check_in_place(std::string_view name, const BasicTensor<T>& self) {
  if (self.is_leaf() && self.requires_grad()) {
    throw InPlaceError(fmt::format(
        "{}: a leaf of shape {} that requires grad cannot be changed in place while recording; "
        "update it under a NoGradGuard, or compute a new tensor",
        name, to_string(self.shape())));
  }
  const Storage<T>& storage = *self.array().storage();
  if (storage.views > 0 && storage.aliases > 1) {
    throw InPlaceError(fmt::format(
        "{}: this tensor of shape {} shares its storage with a reshape of it; compute a new "
        "tensor instead, as in y = y + x for y.add_(x)",
        name, to_string(self.shape())));
  }
}

namespace {

/// `self` must keep its shape: the other operand broadcasts to it, never the other way round.
template <class T>
void check_result_shape(std::string_view name, const BasicTensor<T>& self,
                        const BasicTensor<T>& other) {
  if (broadcast_shapes(name, self.shape(), other.shape()) != self.shape()) {
    throw InPlaceError(
        fmt::format("{}: the result of shapes {} and {} has shape {}, which does not "
                    "fit into the first; compute a new tensor instead",
                    name, to_string(self.shape()), to_string(other.shape()),
                    to_string(broadcast_shapes(name, self.shape(), other.shape()))));
  }
}

template <class Rule, class T>
void with_tensor(std::string_view name, const BasicTensor<T>& self, const BasicTensor<T>& other) {
  check_result_shape(name, self, other);
  const ops::Binary<Rule> op;
  record_in_place<T, 2>(op, name, self, {&self, &other},
                        [&](T* out) { op.write(out, self.shape(), self.array(), other.array()); });
}

template <class Op, class T>
void alone(std::string_view name, const Op& op, const BasicTensor<T>& self) {
  record_in_place<T, 1>(op, name, self, {&self}, [&](T* out) { op.write(out, self.array()); });
}

}  // namespace

template <class T>
BasicTensor<T>& BasicTensor<T>::add_(const BasicTensor& other) {
  with_tensor<rules::Add>("add_", *this, other);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::sub_(const BasicTensor& other) {
  with_tensor<rules::Sub>("sub_", *this, other);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::mul_(const BasicTensor& other) {
  with_tensor<rules::Mul>("mul_", *this, other);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::copy_(const BasicTensor& source) {
  with_tensor<rules::Copy>("copy_", *this, source);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::add_(double scalar) {
  alone("add_", ops::WithScalar<rules::Add>{scalar}, *this);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::sub_(double scalar) {
  alone("sub_", ops::WithScalar<rules::Sub>{scalar}, *this);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::mul_(double scalar) {
  alone("mul_", ops::WithScalar<rules::Mul>{scalar}, *this);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::zero_() {
  alone("zero_", ops::Unary<rules::Zero>{}, *this);
  return *this;
}

template void check_in_place(std::string_view, const Tensor&);
template void check_in_place(std::string_view, const Tensor64&);
template class BasicTensor<float>;
template class BasicTensor<double>;

}  // namespace gradbook
