#include "engine/ops/shape.hpp"

#include <fmt/format.h>

namespace gradbook {

std::vector<double> ops::as_numbers(const Shape& shape) { return {shape.begin(), shape.end()}; }

template <class T>
BasicTensor<T> BasicTensor<T>::reshape(const Dims& sizes) const {
  Shape result;
  std::size_t known = 1;
  std::size_t inferred = sizes.size();
  const auto refuse = [&](std::string_view why) {
    throw ShapeError(fmt::format("reshape: shape {} ({} elements) cannot become ({}): {}",
                                 gradbook::to_string(shape()), numel(), fmt::join(sizes, ", "),
                                 why));
  };
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] < -1) refuse("a size is negative; write -1 for one that is to be inferred");
    if (sizes[d] == -1 && inferred != sizes.size()) {
      refuse("only one size can be -1; write out the others");
    }
    if (sizes[d] == -1) inferred = d;
    result.push_back(sizes[d] == -1 ? 1 : static_cast<std::size_t>(sizes[d]));
    known *= result.back();
  }
  if (inferred != sizes.size()) {
    if (known == 0 || numel() % known != 0) {
      refuse("no whole size fits for the -1; choose others that divide the number of elements");
    }
    result[inferred] = numel() / known;
  } else if (known != numel()) {
    refuse("the number of elements differs; choose sizes whose product is the same");
  }
  return ops::Reshape::apply(*this, result);
}

template <class T>
BasicTensor<T> BasicTensor<T>::transpose(std::int64_t dim0, std::int64_t dim1) const {
  const ops::Transpose op{normalize_dim("transpose", dim0, shape()),
                          normalize_dim("transpose", dim1, shape())};
  if (shape().empty()) return ops::Reshape::apply(*this, shape());
  return record<T, 1>(op, op.forward(array()), {this});
}

template <class T>
BasicTensor<T> BasicTensor<T>::t() const {
  if (dim() > 2) {
    throw ShapeError(fmt::format(
        "t: expects at most 2 dimensions, got shape {}; name two in transpose(dim0, dim1)",
        gradbook::to_string(shape())));
  }
  return dim() < 2 ? *this : transpose(0, 1);
}

template <class T>
BasicTensor<T> BasicTensor<T>::expand(const Shape& to) const {
  if (!broadcasts_to(shape(), to)) {
    throw ShapeError(
        fmt::format("expand: shape {} does not broadcast to {}: aligned at the right, "
                    "each size must be equal or 1; reshape it first",
                    gradbook::to_string(shape()), gradbook::to_string(to)));
  }
  const ops::Expand op{to};
  return record<T, 1>(op, op.forward(array()), {this});
}

template <class T>
BasicTensor<T> BasicTensor<T>::sum_to(const Shape& to) const {
  if (!broadcasts_to(to, shape())) {
    throw ShapeError(
        fmt::format("sum_to: shape {} cannot be summed back to {}, which does not broadcast to it; "
                    "aligned at the right, give each dimension its own size or 1",
                    gradbook::to_string(shape()), gradbook::to_string(to)));
  }
  const ops::SumTo op{shape(), to};
  return record<T, 1>(op, op.forward(array()), {this});
}

template class BasicTensor<float>;
template class BasicTensor<double>;

}  // namespace gradbook
