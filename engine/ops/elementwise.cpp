#include "engine/ops/in_place.hpp"

// Of one tensor, or of one and a number. Each function: the forward pass of its row, into a fresh
// tensor or in place, then the one door onto the graph.

namespace gradbook {

namespace {

template <class Rule, class T>
BasicTensor<T> unary(const BasicTensor<T>& x) {
  const ops::Unary<Rule> op;
  return record<T, 1>(op, op.forward(x.array()), {&x});
}

template <class Rule, class T>
BasicTensor<T> with_scalar(const BasicTensor<T>& a, double scalar) {
  const ops::WithScalar<Rule> op{scalar};
  return record<T, 1>(op, op.forward(a.array()), {&a});
}

}  // namespace

template <class T>
BasicTensor<T> BasicTensor<T>::operator+(double scalar) const {
  return with_scalar<rules::Add>(*this, scalar);
}
template <class T>
BasicTensor<T> BasicTensor<T>::operator-(double scalar) const {
  return with_scalar<rules::Sub>(*this, scalar);
}
template <class T>
BasicTensor<T> BasicTensor<T>::operator*(double scalar) const {
  return with_scalar<rules::Mul>(*this, scalar);
}
template <class T>
BasicTensor<T> BasicTensor<T>::operator/(double scalar) const {
  return with_scalar<rules::Div>(*this, scalar);
}
template <class T>
BasicTensor<T> BasicTensor<T>::rsub(double scalar) const {
  return with_scalar<rules::Rsub>(*this, scalar);
}
template <class T>
BasicTensor<T> BasicTensor<T>::pow(double exponent) const {
  return with_scalar<rules::Pow>(*this, exponent);
}

template <class T>
BasicTensor<T>& BasicTensor<T>::add_(double scalar) {
  ops::write_alone("add_", ops::WithScalar<rules::Add>{scalar}, *this);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::sub_(double scalar) {
  ops::write_alone("sub_", ops::WithScalar<rules::Sub>{scalar}, *this);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::mul_(double scalar) {
  ops::write_alone("mul_", ops::WithScalar<rules::Mul>{scalar}, *this);
  return *this;
}

template <class T>
BasicTensor<T> BasicTensor<T>::operator-() const {
  return unary<rules::Neg>(*this);
}
template <class T>
BasicTensor<T> BasicTensor<T>::reciprocal() const {
  return unary<rules::Reciprocal>(*this);
}
template <class T>
BasicTensor<T> BasicTensor<T>::exp() const {
  return unary<rules::Exp>(*this);
}
template <class T>
BasicTensor<T> BasicTensor<T>::log() const {
  return unary<rules::Log>(*this);
}
template <class T>
BasicTensor<T> BasicTensor<T>::sqrt() const {
  return unary<rules::Sqrt>(*this);
}
template <class T>
BasicTensor<T> BasicTensor<T>::tanh() const {
  return unary<rules::Tanh>(*this);
}
template <class T>
BasicTensor<T> BasicTensor<T>::sigmoid() const {
  return unary<rules::Sigmoid>(*this);
}
template <class T>
BasicTensor<T> BasicTensor<T>::relu() const {
  return unary<rules::Relu>(*this);
}

template class BasicTensor<float>;
template class BasicTensor<double>;

}  // namespace gradbook
