#include "engine/ops/in_place.hpp"

// Of two tensors. A file of its own for the compiler's sake: half of the loops, on another core.

namespace gradbook {

namespace {

template <class Rule, class T>
BasicTensor<T> binary(const BasicTensor<T>& a, const BasicTensor<T>& b) {
  const ops::Binary<Rule> op;
  return record<T, 2>(op, op.forward(a.array(), b.array()), {&a, &b});
}

}  // namespace

template <class T>
BasicTensor<T> BasicTensor<T>::operator+(const BasicTensor& other) const {
  return binary<rules::Add>(*this, other);
}
template <class T>
BasicTensor<T> BasicTensor<T>::operator-(const BasicTensor& other) const {
  return binary<rules::Sub>(*this, other);
}
template <class T>
BasicTensor<T> BasicTensor<T>::operator*(const BasicTensor& other) const {
  return binary<rules::Mul>(*this, other);
}
template <class T>
BasicTensor<T> BasicTensor<T>::operator/(const BasicTensor& other) const {
  return binary<rules::Div>(*this, other);
}
template <class T>
BasicTensor<T> gate(const BasicTensor<T>& g, const BasicTensor<T>& y) {
  return binary<rules::Gate>(g, y);
}

template <class T>
BasicTensor<T>& BasicTensor<T>::add_(const BasicTensor& other) {
  ops::write_with_tensor<rules::Add>("add_", *this, other);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::sub_(const BasicTensor& other) {
  ops::write_with_tensor<rules::Sub>("sub_", *this, other);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::mul_(const BasicTensor& other) {
  ops::write_with_tensor<rules::Mul>("mul_", *this, other);
  return *this;
}

template class BasicTensor<float>;
template class BasicTensor<double>;
template Tensor gate(const Tensor&, const Tensor&);
template Tensor64 gate(const Tensor64&, const Tensor64&);

}  // namespace gradbook
