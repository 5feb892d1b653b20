#pragma once

#include <utility>

#include "engine/graph/record.hpp"
#include "engine/kernels/broadcast.hpp"
#include "engine/kernels/reduce.hpp"

namespace gradbook::ops {

/// A shape as an attribute's numbers.
std::vector<double> as_numbers(const Shape& shape);

/// The same elements under another shape, over the same storage.
struct Reshape {
  static constexpr std::string_view name = "reshape";
  static constexpr rules::Reads reads[] = {rules::kNothing};
  static constexpr bool broadcasts = false;
  Shape from;
  Shape to;
  Attributes attributes() const { return {{"shape", as_numbers(to)}}; }

  template <class T>
  Array<T> forward(const Array<T>& x) const {
    return Array<T>(to, x.storage());
  }
  template <class T>
  BasicTensor<T> vjp(std::size_t, const BasicTensor<T>& g, const SavedValues<T>&) const {
    return apply(g, from);
  }

  /// The operation itself, on a tensor. The result counts as a view: a recorded write in place
  /// through either alias is refused, since it would have to become the history of both.
  template <class T>
  static BasicTensor<T> apply(const BasicTensor<T>& x, const Shape& shape) {
    const Reshape op{x.shape(), shape};
    BasicTensor<T> result = record<T, 1>(op, op.forward(x.array()), {&x});
    result.impl()->mark_view();
    return result;
  }
};

/// Two dimensions exchanged. Its vjp exchanges them back.
struct Transpose {
  static constexpr std::string_view name = "transpose";
  static constexpr rules::Reads reads[] = {rules::kNothing};
  static constexpr bool broadcasts = false;
  std::size_t dim0;
  std::size_t dim1;
  Attributes attributes() const {
    return {{"dim0", {static_cast<double>(dim0)}}, {"dim1", {static_cast<double>(dim1)}}};
  }

  template <class T>
  Array<T> forward(const Array<T>& x) const {
    Shape shape = x.shape();
    std::swap(shape[dim0], shape[dim1]);
    Array<T> result(shape);
    // Walk the result in order; step through x with its strides exchanged in the same way.
    Shape steps = contiguous_strides(x.shape());
    std::swap(steps[dim0], steps[dim1]);
    Shape index(shape.size(), 0);
    const T* from = x.data();
    T* to = result.fresh();
    for (std::size_t i = 0; i < result.size(); ++i) {
      to[i] = *from;
      for (std::size_t d = shape.size(); d-- > 0;) {
        from += steps[d];
        if (++index[d] < shape[d]) break;
        from -= steps[d] * shape[d];
        index[d] = 0;
      }
    }
    return result;
  }
  template <class T>
  BasicTensor<T> vjp(std::size_t, const BasicTensor<T>& g, const SavedValues<T>&) const {
    return g.transpose(static_cast<std::int64_t>(dim0), static_cast<std::int64_t>(dim1));
  }
};

/// Repeats to a larger shape. Its vjp is the sum back, which the door does for all that broadcasts.
struct Expand {
  static constexpr std::string_view name = "expand";
  static constexpr rules::Reads reads[] = {rules::kOnlyG};
  static constexpr bool broadcasts = true;
  Shape to;
  Attributes attributes() const { return {{"shape", as_numbers(to)}}; }

  template <class T>
  Array<T> forward(const Array<T>& x) const {
    return kernels::mapped<T>(
        to, [](const T& e) { return e; }, x);
  }
  template <class T>
  BasicTensor<T> vjp(std::size_t, const BasicTensor<T>& g, const SavedValues<T>&) const {
    return g;
  }
};

/// Sums back to a shape that broadcasts to the input's. Its vjp expands.
struct SumTo {
  static constexpr std::string_view name = "sum_to";
  static constexpr rules::Reads reads[] = {rules::kNothing};
  static constexpr bool broadcasts = false;
  Shape from;
  Shape to;
  Attributes attributes() const { return {{"shape", as_numbers(to)}}; }

  template <class T>
  Array<T> forward(const Array<T>& x) const {
    if (from == to) return copy_of(x);  // not a sum: that of one -0 is 0
    const std::size_t lead = from.size() - to.size();
    std::vector<bool> reduced(from.size());
    for (std::size_t d = 0; d < from.size(); ++d) {
      reduced[d] = d < lead || (to[d - lead] == 1 && from[d] != 1);
    }
    return kernels::sum(x, reduced, to);
  }
  template <class T>
  BasicTensor<T> vjp(std::size_t, const BasicTensor<T>& g, const SavedValues<T>&) const {
    return from == to ? g : g.expand(from);
  }
};

}  // namespace gradbook::ops
