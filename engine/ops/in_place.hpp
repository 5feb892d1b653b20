#pragma once

#include <string_view>

#include "engine/ops/elementwise.hpp"

/// Rows of the table that write over their first operand.
namespace gradbook::ops {

/// Throws InPlaceError unless `self` would keep its shape: the other operand broadcasts to it,
/// never the other way round.
template <class T>
void check_result_shape(std::string_view name, const BasicTensor<T>& self,
                        const BasicTensor<T>& other);

template <class Rule, class T>
void write_with_tensor(std::string_view name, const BasicTensor<T>& self,
                       const BasicTensor<T>& other) {
  check_result_shape(name, self, other);
  const Binary<Rule> op;
  record_in_place<T, 2>(op, name, self, {&self, &other},
                        [&](T* out) { op.write(out, self.shape(), self.array(), other.array()); });
}

template <class Op, class T>
void write_alone(std::string_view name, const Op& op, const BasicTensor<T>& self) {
  record_in_place<T, 1>(op, name, self, {&self}, [&](T* out) { op.write(out, self.array()); });
}

}  // namespace gradbook::ops
