#include "engine/ops/matmul.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gradbook {

template <class T>
BasicTensor<T> matmul(const BasicTensor<T>& a, const BasicTensor<T>& b) {
  const auto refuse = [&](std::string_view why) {
    throw ShapeError(fmt::format("matmul: shapes {} and {}: {}", to_string(a.shape()),
                                 to_string(b.shape()), why));
  };
  if (a.dim() == 0 || b.dim() == 0) refuse("a scalar has no rows or columns; use * instead");
  const std::size_t inner_a = a.shape().back();
  const std::size_t inner_b = b.shape()[b.dim() == 1 ? 0 : b.shape().size() - 2];
  if (inner_a != inner_b) {
    refuse(
        fmt::format("the columns of the first ({}) must equal the rows of the second ({}); "
                    "transpose one of them?",
                    inner_a, inner_b));
  }
  const auto batch_of = [](const Shape& shape) {
    return Shape(shape.begin(),
                 shape.end() - std::min<std::ptrdiff_t>(2, shape.end() - shape.begin()));
  };
  if (!can_broadcast(batch_of(a.shape()), batch_of(b.shape()))) {
    refuse(
        "the batch dimensions, all but the last two, do not broadcast; reshape one of the "
        "operands");
  }
  // A vector is a row on the left and a column on the right; the result loses that dimension.
  if (a.dim() == 1 || b.dim() == 1) {
    const auto n = static_cast<std::int64_t>(inner_a);
    const BasicTensor<T> product =
        matmul(a.dim() == 1 ? a.reshape({1, n}) : a, b.dim() == 1 ? b.reshape({n, 1}) : b);
    Dims sizes(product.shape().begin(), product.shape().end());
    if (b.dim() == 1) sizes.pop_back();
    if (a.dim() == 1) sizes.erase(sizes.end() - (b.dim() == 1 ? 1 : 2));
    return product.reshape(sizes);
  }
  return ops::Matmul::product(a, false, b, false);
}

template Tensor matmul(const Tensor&, const Tensor&);
template Tensor64 matmul(const Tensor64&, const Tensor64&);

}  // namespace gradbook
