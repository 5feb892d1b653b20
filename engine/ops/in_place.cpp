#include "engine/ops/in_place.hpp"

#include <fmt/format.h>

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

template <class T>
void ops::check_result_shape(std::string_view name, const BasicTensor<T>& self,
                             const BasicTensor<T>& other) {
  if (broadcast_shapes(name, self.shape(), other.shape()) != self.shape()) {
    throw InPlaceError(
        fmt::format("{}: the result of shapes {} and {} has shape {}, which does not "
                    "fit into the first; compute a new tensor instead",
                    name, to_string(self.shape()), to_string(other.shape()),
                    to_string(broadcast_shapes(name, self.shape(), other.shape()))));
  }
}

// add_, sub_ and mul_ stand with + - * (elementwise.cpp, elementwise_binary.cpp): they run the same
// loops, which are compiled once.

template <class T>
BasicTensor<T>& BasicTensor<T>::copy_(const BasicTensor& source) {
  ops::write_with_tensor<rules::Copy>("copy_", *this, source);
  return *this;
}
template <class T>
BasicTensor<T>& BasicTensor<T>::zero_() {
  ops::write_alone("zero_", ops::Unary<rules::Zero>{}, *this);
  return *this;
}

template void check_in_place(std::string_view, const Tensor&);
template void check_in_place(std::string_view, const Tensor64&);
template void ops::check_result_shape(std::string_view, const Tensor&, const Tensor&);
template void ops::check_result_shape(std::string_view, const Tensor64&, const Tensor64&);
template class BasicTensor<float>;
template class BasicTensor<double>;

}  // namespace gradbook
