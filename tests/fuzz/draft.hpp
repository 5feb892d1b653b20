#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reference/program.hpp"
#include "tests/fuzz/random.hpp"
#include "tests/fuzz/range.hpp"

namespace gradbook::fuzz {

/// The number of the line that names a tensor.
using X = std::size_t;

/// A program that is being written, and what is known about it without running it: shapes, bounds,
/// which tensors require grad and share storage, and what the graph has saved and freed.
/// Approximately right: a program that does what was not foreseen is a program too.
class Draft {
 public:
  Draft(const Random& numbers, reference::Precision precision) : random(numbers) {
    program_.precision = precision;
  }

  Random random;

  const reference::Program& program() const { return program_; }
  /// Lines so far that compute a tensor from tensors.
  std::size_t operations() const { return operations_; }
  /// Backward passes so far that found something to differentiate.
  std::size_t passes() const { return passes_; }

  // --- what is known about a tensor --------------------------------------------------------------
  const Shape& shape(X x) const { return tensor(x).shape; }
  std::size_t numel(X x) const;
  const Range& range(X x) const { return storage(x).range; }
  bool requires_grad(X x) const { return tensor(x).node != kNone; }
  bool is_leaf(X x) const { return !requires_grad(x) || node(x).is_leaf; }
  /// Does it share its storage with another tensor?
  bool is_aliased(X x) const { return storage(x).tensors > 1; }
  bool is_aliased_by_reshape(X x) const { return is_aliased(x) && storage(x).views > 0; }
  /// Would a write to it make a backward pass throw that can still be run?
  bool is_saved(X x) const;
  bool has_gradient(X x) const { return gradient_of(x).has_value(); }
  /// In how many lines it was an operand.
  std::size_t uses(X x) const { return tensor(x).uses; }
  /// One line of each tensor, oldest first.
  std::vector<X> tensors() const;
  bool recording() const { return recording_; }

  // --- writing lines -----------------------------------------------------------------------------
  X leaf(Snapshot data, const Range& range, bool requires_grad);
  /// An operation whose result has storage of its own.
  X compute(std::string_view op, const std::vector<X>& inputs, const Shape& shape,
            const Range& range, Attributes attributes = {});
  /// detach or reshape.
  X alias(std::string_view op, X x, const Shape& shape, Attributes attributes = {});
  /// A write in place to inputs[0].
  X write(std::string_view op, const std::vector<X>& inputs, const Range& range,
          Attributes attributes = {});
  void set_recording(bool recording);
  void retain_grad(X x);
  void require_grad(X x, bool wanted);
  void zero_grad(X x);
  /// The gradient of x, which has one.
  X grad_of(X x);
  /// Any line, a mistake perhaps, from which nothing follows.
  X statement(std::string_view op, std::vector<X> inputs, Attributes attributes = {});

  // --- backward passes (draft_backward.cpp) ------------------------------------------------------
  struct Pass {
    bool retain_graph = false;
    bool create_graph = false;
  };
  void backward(X y, std::optional<X> gradient, const Pass& pass);
  /// The gradient of y, from which a path leads to x.
  X grad(X y, X x, std::optional<X> gradient, const Pass& pass);
  /// Would a pass from here find everything that it reads, unchanged?
  bool can_run_backward(X y) const;
  /// Would a pass from here free something, so that the next one throws?
  bool saves_something(X y) const;
  /// Tensors that require grad and have a part in y.
  std::vector<X> parts_of(X y) const;

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct TensorState {
    Shape shape;
    std::size_t storage = kNone;
    std::size_t node = kNone;
    std::size_t frozen_leaf = kNone;  // the node, while requires_grad_(false)
    std::size_t uses = 0;
    X named;  // the line that made it
  };
  struct StorageState {
    Range range;
    std::size_t version = 0;
    std::size_t tensors = 0;
    std::size_t views = 0;
  };
  struct Saved {
    std::size_t storage;
    std::size_t version;
    std::size_t origin;  // node of the tensor, or kNone
    unsigned readers;    // which inputs' gradients read it, as bits
  };
  struct NodeState {
    bool is_leaf = false;
    bool freed = false;
    bool keeps_gradient = false;
    std::vector<std::size_t> inputs;  // nodes, or kNone
    std::vector<Saved> saved;
    Shape shape;
    std::optional<X> gradient;  // the tensor that holds it, by its number in tensors_
  };

  const TensorState& tensor(X x) const { return tensors_[names_[x]]; }
  TensorState& tensor(X x) { return tensors_[names_[x]]; }
  const StorageState& storage(X x) const { return storages_[tensor(x).storage]; }
  const NodeState& node(X x) const { return nodes_[tensor(x).node]; }
  std::optional<X> gradient_of(X x) const;

  X push(std::string_view op, std::vector<X> inputs, Attributes attributes, std::size_t named);
  std::size_t new_tensor(const Shape& shape, const Range& range);
  std::size_t new_alias(std::size_t original, const Shape& shape, bool is_view);
  std::size_t new_leaf_node(const Shape& shape);
  /// The node of an operation on these inputs, or kNone if none is recorded. Call it before a
  /// write.
  std::size_t new_node(std::string_view op, const std::vector<X>& inputs, const Shape& shape,
                       bool over_dims);
  void save_result(std::string_view op, std::size_t node, std::size_t storage);

  std::vector<std::size_t> reached_from(std::size_t node) const;
  /// Propagates a pass through `reached`; for each of them, the node of its gradient under
  /// create_graph, or kNone where that is constant.
  std::vector<std::size_t> propagate(const std::vector<std::size_t>& reached,
                                     std::size_t start_node, const Pass& pass);
  void free_saved(const std::vector<std::size_t>& reached);
  std::size_t new_gradient(const Shape& shape, std::size_t node);
  static Attributes attributes_of(const Pass& pass);

  reference::Program program_;
  std::vector<std::size_t> names_;  // of each line: its tensor, or kNone
  std::vector<TensorState> tensors_;
  std::vector<StorageState> storages_;
  std::vector<NodeState> nodes_;
  std::size_t operations_ = 0;
  std::size_t passes_ = 0;
  bool recording_ = true;
  // Which nodes a pass could not go through; found anew when something was written to or freed.
  mutable std::vector<bool> is_stale_;
  mutable bool stale_is_known_ = false;
};

}  // namespace gradbook::fuzz
