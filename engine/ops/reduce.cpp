#include "engine/ops/reduce.hpp"

#include <fmt/format.h>

#include <cmath>

namespace gradbook {

Attributes ops::reduction_attributes(const std::vector<bool>& reduced, bool keepdim) {
  std::vector<double> dims;
  for (std::size_t d = 0; d < reduced.size(); ++d) {
    if (reduced[d]) dims.push_back(static_cast<double>(d));
  }
  return {{"dims", dims}, {"keepdim", {keepdim ? 1.0 : 0.0}}};
}

namespace {

template <class Op, class T>
BasicTensor<T> reduce(const BasicTensor<T>& x, const Dims& dims, bool keepdim) {
  const Op op{reduced_dims(Op::name, dims, x.shape()), keepdim, x.shape()};
  return record<T, 1>(op, op.forward(x.array()), {&x});
}

/// Index of the first largest of `n` elements, `step` apart; NaN counts as largest.
template <class T>
std::int64_t first_largest(const T* x, std::size_t n, std::size_t step) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < n && !std::isnan(x[best * step]); ++i) {
    if (x[i * step] > x[best * step] || std::isnan(x[i * step])) best = i;
  }
  return static_cast<std::int64_t>(best);
}

}  // namespace

template <class T>
BasicTensor<T> BasicTensor<T>::sum(const Dims& dims, bool keepdim) const {
  return reduce<ops::Sum>(*this, dims, keepdim);
}

template <class T>
BasicTensor<T> BasicTensor<T>::mean(const Dims& dims, bool keepdim) const {
  return reduce<ops::Mean>(*this, dims, keepdim);
}

template <class T>
std::int64_t BasicTensor<T>::argmax() const {
  if (numel() == 0) {
    throw ShapeError(fmt::format(
        "argmax: a tensor of shape {} has no elements, and so no largest one; ask numel() first",
        gradbook::to_string(shape())));
  }
  return first_largest(array().data(), numel(), 1);
}

template <class T>
std::vector<std::int64_t> BasicTensor<T>::argmax(std::int64_t dim) const {
  const std::size_t d = normalize_dim("argmax", dim, shape());
  const std::size_t n = shape().empty() ? 1 : shape()[d];
  if (n == 0) {
    throw ShapeError(
        fmt::format("argmax: dimension {} of shape {} has no elements, and so no largest one; take "
                    "another dimension",
                    dim, gradbook::to_string(shape())));
  }
  const std::size_t step = shape().empty() ? 1 : contiguous_strides(shape())[d];
  std::vector<std::int64_t> result;
  for (std::size_t start = 0; start < numel(); start += n * step) {
    for (std::size_t i = 0; i < step; ++i) {
      result.push_back(first_largest(array().data() + start + i, n, step));
    }
  }
  return result;
}

template class BasicTensor<float>;
template class BasicTensor<double>;

}  // namespace gradbook
