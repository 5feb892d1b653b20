#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "engine/graph/record.hpp"

namespace gradbook {

/// The part of the graph that one backward pass visits: every node from which gradients flow,
/// newest first, which is a reverse topological order since edges point only to older nodes. Holds
/// the gradients on their way. Found with an explicit stack, so any depth will do.
///
/// The nodes carry this walk's marks. A pass may run inside another one (a checkpoint's backward);
/// then the marks that it finds are put back when it ends.
template <class T>
class Walk {
 public:
  /// From `roots`. With `ends` only what leads to one of them is needed; without, everything is.
  /// Nodes up to number `oldest` are not walked past.
  Walk(const std::vector<Ref<Node<T>>>& roots, const std::vector<Ref<Node<T>>>& ends,
       std::uint64_t oldest = 0)
      : id_(++walks_), oldest_(oldest), is_inside_another_(alive_ > 0), roots_(roots) {
    std::vector<Node<T>*> stack;
    bool is_sorted = true;
    const auto visit = [&](Node<T>* node) {
      if (node->walk == id_) return;
      is_sorted = is_sorted && (nodes_.empty() || nodes_.back()->number > node->number);
      any_released_ = any_released_ || node->released();
      if (is_inside_another_) found_.push_back({node, node->walk, node->slot});
      node->walk = id_;
      node->slot = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back(node);
      entries_.push_back({{}, ends.empty(), false});
      if (lies_inside(*node)) stack.push_back(node);
    };
    for (const Ref<Node<T>>& root : roots) visit(root.get());
    while (!stack.empty()) {
      Node<T>* node = stack.back();
      stack.pop_back();
      for (const Ref<Node<T>>& edge : node->edges()) {
        if (edge) visit(edge.get());
      }
    }
    if (!is_sorted) sort_newest_first();
    if (!ends.empty()) mark_needed(ends);
    ++alive_;
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  ~Walk() {
    --alive_;
    for (const Marks& marks : found_) {
      marks.node->walk = marks.walk;
      marks.node->slot = marks.slot;
    }
  }

  /// Owned by the roots: edges stay as long as their node does.
  using Nodes = std::vector<Node<T>*, pool::Allocator<Node<T>*>>;
  const Nodes& nodes() const { return nodes_; }
  /// Have the saved values of one of these nodes been freed?
  bool any_released() const { return any_released_; }
  bool reached(const Node<T>& node) const { return node.walk == id_; }
  /// Does a gradient at this node reach something that wants it?
  bool needed(const Node<T>& node) const { return reached(node) && entries_[node.slot].needed; }
  /// True where the pass stops: nothing wanted lies beyond.
  bool is_end(const Node<T>& node) const { return entries_[node.slot].last; }
  /// The gradient on its way to `node`.
  BasicTensor<T>& gradient(const Node<T>& node) { return entries_[node.slot].gradient; }

 private:
  struct Entry {
    BasicTensor<T> gradient;
    bool needed;
    bool last;
  };
  /// What an outer walk has written on a node.
  struct Marks {
    Node<T>* node;
    std::uint64_t walk;
    std::uint32_t slot;
  };
  using Entries = std::vector<Entry, pool::Allocator<Entry>>;

  bool lies_inside(const Node<T>& node) const { return node.number > oldest_; }

  /// The entries need not be moved along: they are all alike still.
  void sort_newest_first() {
    std::sort(nodes_.begin(), nodes_.end(),
              [](const auto& a, const auto& b) { return a->number > b->number; });
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i]->slot = static_cast<std::uint32_t>(i);
    }
  }

  /// Oldest first, so that a node's inputs are settled before it.
  void mark_needed(const std::vector<Ref<Node<T>>>& ends) {
    std::vector<bool> is_wanted(nodes_.size());
    for (const Ref<Node<T>>& end : ends) {
      if (reached(*end)) is_wanted[end->slot] = true;
    }
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      bool leads_on = false;
      if (lies_inside(*nodes_[i])) {
        for (const Ref<Node<T>>& edge : nodes_[i]->edges()) {
          leads_on = leads_on || (edge && needed(*edge));
        }
      }
      entries_[i].needed = leads_on || is_wanted[i];
      entries_[i].last = !leads_on;
    }
  }

  static inline std::atomic<std::uint64_t> walks_ = 0;  // of all threads: tensors pass between them
  static inline thread_local int alive_ = 0;

  std::uint64_t id_;
  std::uint64_t oldest_;
  bool is_inside_another_;
  bool any_released_ = false;
  std::vector<Ref<Node<T>>> roots_;
  Nodes nodes_;
  Entries entries_;
  std::vector<Marks> found_;
};

/// The tensor that a node computed, which must still live.
template <class T>
BasicTensor<T> tensor_of(const Node<T>& node) {
  return BasicTensor<T>(Ref<TensorImpl<T>>(node.output));
}

/// What grad() does once its arguments are checked: the gradients that arrive at the nodes `ends`
/// when the outputs of `roots` start with `grad_outputs`. Nodes up to number `oldest` are not
/// walked past.
template <class T>
std::vector<BasicTensor<T>> gradients_at(const std::vector<Ref<Node<T>>>& roots,
                                         const std::vector<Ref<Node<T>>>& ends,
                                         const std::vector<BasicTensor<T>>& grad_outputs,
                                         GradOptions options, std::uint64_t oldest);

}  // namespace gradbook
