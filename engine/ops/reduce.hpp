#pragma once

#include <algorithm>

#include "engine/graph/record.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/ops/shape.hpp"

namespace gradbook::ops {

/// The dimensions and keepdim of a reduction, for a trace.
Attributes reduction_attributes(const std::vector<bool>& reduced, bool keepdim);

/// The gradient of a reduction's result handed back to every element that went into it: `g`, which
/// lacks the reduced dimensions or has them with size 1, expanded to `shape`.
template <class T>
BasicTensor<T> expand_reduced(const BasicTensor<T>& g, const std::vector<bool>& reduced,
                              const Shape& shape) {
  return Reshape::apply(g, reduced_shape(shape, reduced, true)).expand(shape);
}

/// Sum over some dimensions. Its vjp hands g to every element that was added: expand.
struct Sum {
  static constexpr std::string_view name = "sum";
  static constexpr rules::Reads reads[] = {rules::kNothing};
  static constexpr bool broadcasts = false;
  std::vector<bool> reduced;
  bool keepdim;
  Shape input_shape;
  Attributes attributes() const { return reduction_attributes(reduced, keepdim); }

  template <class T>
  Array<T> forward(const Array<T>& x) const {
    return kernels::sum(x, reduced, reduced_shape(x.shape(), reduced, keepdim));
  }
  template <class T>
  BasicTensor<T> vjp(std::size_t, const BasicTensor<T>& g, const SavedValues<T>&) const {
    return expand_reduced(g, reduced, input_shape);
  }
};

/// Mean over some dimensions: the sum divided by the number of terms, and so is the gradient.
struct Mean {
  static constexpr std::string_view name = "mean";
  static constexpr rules::Reads reads[] = {rules::kNothing};
  static constexpr bool broadcasts = false;
  std::vector<bool> reduced;
  bool keepdim;
  Shape input_shape;
  Attributes attributes() const { return reduction_attributes(reduced, keepdim); }

  /// Number of elements in one mean.
  double count() const {
    double terms = 1;
    for (std::size_t d = 0; d < input_shape.size(); ++d) {
      if (reduced[d]) terms *= static_cast<double>(input_shape[d]);
    }
    return terms;
  }
  template <class T>
  Array<T> forward(const Array<T>& x) const {
    Array<T> result = kernels::sum(x, reduced, reduced_shape(x.shape(), reduced, keepdim));
    const T terms = static_cast<T>(count());
    std::for_each(result.fresh(), result.fresh() + result.size(), [&](T& e) { e /= terms; });
    return result;
  }
  template <class T>
  BasicTensor<T> vjp(std::size_t, const BasicTensor<T>& g, const SavedValues<T>&) const {
    // Nobody receives a share of the mean of nothing, and g / 0 would make the zero that comes back
    // from nobody NaN in a second derivative.
    return expand_reduced(g / std::max(count(), 1.0), reduced, input_shape);
  }
};

}  // namespace gradbook::ops
