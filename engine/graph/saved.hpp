#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/tensor.hpp"

namespace gradbook {

/// A value kept for backward: the array, its version when saved, and the node that computed it (so
/// that the vjp can be differentiated in turn). A node's own result is kept without its node, which
/// would own itself.
template <class T>
struct Saved {
  Array<T> array;
  Ref<Node<T>> node;
  std::uint32_t version = 0;

  bool defined() const { return array.defined(); }
  void keep(const Array<T>& value, Ref<Node<T>> origin) {
    array = value;
    node = std::move(origin);
    version = value.version();
  }
};

/// Throws SavedTensorChangedError.
[[noreturn]] void throw_saved_changed(std::string_view operation, std::string_view which,
                                      const Shape& shape, std::uint32_t saved, std::uint32_t now);

/// Throws GraphFreedError.
[[noreturn]] void throw_saved_freed(std::string_view operation);

/// What an operation's vjp may read: the inputs and the result that its row declares. Reading
/// compares versions and throws SavedTensorChangedError when the value was written to since, and
/// GraphFreedError when it was freed or never saved.
template <class T>
class SavedValues {
 public:
  SavedValues(const Node<T>& node, std::span<const Saved<T>> inputs, const Saved<T>& result)
      : node_(node), inputs_(inputs), result_(result) {}

  const Array<T>& input(std::size_t i) const { return checked(inputs_[i], i == 0 ? "a" : "b"); }
  const Array<T>& result() const { return checked(result_, "result"); }

  /// As tensors with their history, for a backward pass that is itself recorded.
  BasicTensor<T> input_tensor(std::size_t i) const {
    return with_history(input(i), inputs_[i].node);
  }
  BasicTensor<T> result_tensor() const {
    return with_history(result(), Ref<Node<T>>(const_cast<Node<T>*>(&node_)));
  }

 private:
  const Array<T>& checked(const Saved<T>& saved, std::string_view which) const {
    if (!saved.defined()) throw_saved_freed(node_.name());
    if (saved.array.version() != saved.version) {
      throw_saved_changed(node_.name(), which, saved.array.shape(), saved.version,
                          saved.array.version());
    }
    return saved.array;
  }

  // Built beside set_node(): the node's own tensor, if it still lives, stays its output.
  static BasicTensor<T> with_history(const Array<T>& array, const Ref<Node<T>>& node) {
    BasicTensor<T> tensor(array);
    tensor.impl()->node = node;
    return tensor;
  }

  const Node<T>& node_;
  std::span<const Saved<T>> inputs_;
  const Saved<T>& result_;
};

}  // namespace gradbook
