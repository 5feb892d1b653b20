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
[[noreturn]] void throw_saved_freed(std::string_view operation, const Shape& shape);

/// What an operation's vjp may read: the inputs and the result that its row declares. Reading
/// compares versions and throws SavedTensorChangedError when the value was written to since, and
/// GraphFreedError when it was freed or never saved.
template <class T>
class SavedValues {
 public:
  /// Of `saved` the first `inputs` are those of the inputs; one more, if there is one, is the
  /// result's.
  SavedValues(const Node<T>& node, std::span<const Saved<T>> saved, std::size_t inputs)
      : node_(node), saved_(saved), inputs_(inputs) {}

  const Array<T>& input(std::size_t i) const { return checked(saved_[i], i == 0 ? "a" : "b"); }
  const Array<T>& result() const {
    if (saved_.size() == inputs_) throw_saved_freed(node_.name(), node_.shape);
    return checked(saved_[inputs_], "result");
  }

  /// As tensors with their history, for a backward pass that is itself recorded.
  BasicTensor<T> input_tensor(std::size_t i) const {
    return with_history(input(i), saved_[i].node);
  }
  BasicTensor<T> result_tensor() const {
    return with_history(result(), Ref<Node<T>>(const_cast<Node<T>*>(&node_)));
  }

 private:
  const Array<T>& checked(const Saved<T>& saved, std::string_view which) const {
    if (!saved.defined()) throw_saved_freed(node_.name(), node_.shape);
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
  std::span<const Saved<T>> saved_;
  std::size_t inputs_;
};

}  // namespace gradbook
