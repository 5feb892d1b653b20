#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/pool.hpp"
#include "engine/shape.hpp"
#include "engine/storage.hpp"

namespace gradbook {

template <class T>
class BasicTensor;
template <class T>
struct TensorImpl;

/// Where a node's vjps go.
template <class T>
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  /// Does the gradient of `input` reach something that wants it?
  virtual bool wants(std::size_t input) const = 0;
  /// Takes the gradient of `input`, of that input's shape.
  virtual void give(std::size_t input, const BasicTensor<T>& gradient) = 0;
};

/// One recorded operation, or one leaf that requires grad. Edges point only to older nodes, so the
/// creation number alone gives the order of the backward pass, and edges form no cycle of owners.
/// (A gradient that was itself recorded can: see BackwardOptions::create_graph.)
template <class T>
class Node : public pool::Pooled {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  /// The operation's name as in the table; "leaf" for a leaf.
  virtual std::string_view name() const = 0;
  /// Where gradients go: one entry per input, null for an input that requires no grad.
  virtual std::span<const Ref<Node>> edges() const { return {}; }
  /// Given `g`, the gradient of the output, hands on the gradient of each input that is wanted.
  virtual void vjps(const BasicTensor<T>& g, GradientSink<T>& sink) const = 0;
  /// Frees what the operation saved for its vjp, after a backward pass that does not retain it.
  virtual void release_saved() {}
  /// The arrays that the operation saved and still holds.
  virtual std::vector<Array<T>> saved_arrays() const { return {}; }

  bool is_leaf() const { return leaf_; }
  /// True once saved values were freed: this node cannot run backward again.
  bool released() const { return released_; }

  /// Called when the last owner goes. Freeing a node may free its inputs' nodes in turn; they queue
  /// in a list, so a chain of any length is freed without recursion.
  static void dispose(Node* node) {
    node->next_doomed_ = doomed_;
    doomed_ = node;
    if (disposing_) return;
    disposing_ = true;
    while (doomed_ != nullptr) {
      Node* next = std::exchange(doomed_, doomed_->next_doomed_);
      delete next;
    }
    disposing_ = false;
  }

  /// Creation number of the newest node.
  static std::uint64_t newest() { return created_; }

  const std::uint64_t number = ++created_;
  std::uint64_t walk = 0;  ///< the walk (graph/walk.hpp) that has marked this node
  std::uint32_t slot = 0;  ///< where this node stands in that walk
  std::uint32_t references = 0;
  BasicTensor<T> grad;              ///< accumulated where retains_grad
  bool retains_grad;                ///< keep the gradient: leaves, unless frozen, and on request
  TensorImpl<T>* output = nullptr;  ///< the tensor this computed, while it lives; not owned
  const Shape shape;                ///< of the output, and so of its gradient

 protected:
  Node(Shape output_shape, bool leaf)
      : retains_grad(leaf), shape(std::move(output_shape)), leaf_(leaf) {}

  bool released_ = false;

 private:
  static inline thread_local std::uint64_t created_ = 0;
  static inline thread_local Node* doomed_ = nullptr;
  static inline thread_local bool disposing_ = false;

  Node* next_doomed_ = nullptr;
  bool leaf_;
};

/// What a tensor handle refers to: values, and the node that computed them.
template <class T>
struct TensorImpl : pool::Pooled {
  explicit TensorImpl(Array<T> values) : array(std::move(values)) { ++array.storage()->aliases; }
  TensorImpl(const TensorImpl&) = delete;
  TensorImpl& operator=(const TensorImpl&) = delete;
  ~TensorImpl() {
    --array.storage()->aliases;
    if (is_view) --array.storage()->views;
    set_node(nullptr);
  }
  static void dispose(TensorImpl* impl) { delete impl; }

  /// From now on this tensor is the result of `new_node`; null: it requires no grad.
  void set_node(Ref<Node<T>> new_node) {
    if (node && node->output == this) node->output = nullptr;
    node = std::move(new_node);
    if (node) node->output = this;
  }

  /// From now on this tensor counts as a view of another one.
  void mark_view() {
    if (!std::exchange(is_view, true)) ++array.storage()->views;
  }

  const std::uint64_t number = ++created_;  ///< identity, for traces
  std::uint32_t references = 0;
  bool is_view = false;
  Array<T> array;
  Ref<Node<T>> node;
  Ref<Node<T>> frozen_leaf;  ///< the node of a leaf while requires_grad_(false): it keeps its grad

 private:
  static inline thread_local std::uint64_t created_ = 0;
};

/// A leaf that requires grad: it only collects its gradient.
template <class T>
class LeafNode final : public Node<T> {
 public:
  explicit LeafNode(const Shape& leaf_shape) : Node<T>(leaf_shape, true) {}
  std::string_view name() const override { return "leaf"; }
  void vjps(const BasicTensor<T>&, GradientSink<T>&) const override {}
};

/// The node of a tensor, null when it requires no grad.
template <class T>
const Ref<Node<T>>& node_of(const BasicTensor<T>& tensor) {
  return tensor.impl()->node;
}

}  // namespace gradbook
