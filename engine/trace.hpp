#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/tensor.hpp"

namespace gradbook {

/// Constants of an operation by name: dims, keepdim, an exponent, a scalar operand.
using Attributes = std::vector<std::pair<std::string, std::vector<double>>>;

/// A recording of everything the engine computes on this thread while it is active: operations with
/// their constants and values, writes in place, and every step of every backward pass. The graph
/// alone could not give this: constants, no-grad regions and freed intermediates leave no mark on
/// it. `reference/replay.hpp` runs a trace again in LibTorch.
///
///   Trace trace;                    // off until started
///   { TraceScope scope(trace); ... }
class Trace {
 public:
  /// Index into values().
  using ValueId = std::size_t;
  using ValueIds = std::vector<ValueId>;
  static constexpr ValueId kNone = static_cast<ValueId>(-1);

  /// One state of one tensor; a write in place or requires_grad_() gives the tensor a new one.
  struct Value {
    std::size_t tensor;  ///< the same for all states of one tensor
    Snapshot snapshot;
    bool requires_grad;
    bool is_leaf;
    std::uint64_t node;  ///< Node::number of what gradients for it arrive at; 0 for none
  };
  /// A tensor seen for the first time that no traced operation made.
  struct Leaf {
    ValueId value;
  };
  struct Operation {
    std::string name;
    Attributes attributes;
    ValueIds inputs;  ///< kNone for a scalar, which stands in the attributes
    ValueId output;
    bool in_place;
    bool grad_mode;
    bool inside_backward;  ///< part of a vjp, not of the program
  };
  /// One vjp: the gradient for `input` of operation `step`, from the gradient of its output.
  struct Gradient {
    std::size_t step;
    std::size_t input;
    Snapshot arriving;
    Snapshot result;
  };
  /// Two contributions to the same gradient, and their sum.
  struct Accumulation {
    Snapshot before;
    Snapshot contribution;
    Snapshot after;
  };
  /// `.grad()` set by the program, or found when a tensor is first seen.
  struct GradSet {
    ValueId value;
    ValueId gradient;  ///< kNone: forgotten
  };
  /// retain_grad() on an intermediate.
  struct RetainGrad {
    std::size_t tensor;
  };
  struct RequiresGradChange {
    std::size_t tensor;
    bool wanted;
  };
  /// One call of backward() or grad() as it ended.
  struct Backward {
    ValueIds outputs;
    ValueIds grad_outputs;  ///< kNone where none was given
    ValueIds inputs;        ///< empty for backward()
    bool retain_graph;
    bool create_graph;
    std::size_t first;                                    ///< the step with which it began
    std::vector<std::pair<ValueId, Snapshot>> gradients;  ///< of leaves and retained, or of inputs
    /// The tensors that hold the gradients: one for each of `gradients` after backward(); for
    /// grad() the returned ones, one for each input, kNone where undefined.
    ValueIds gradient_values;
  };
  using Step = std::variant<Leaf, Operation, Gradient, Accumulation, GradSet, RetainGrad,
                            RequiresGradChange, Backward>;

  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<Value>& values() const { return values_; }
  bool float64() const { return float64_; }

  /// For tests of the replay: plants a wrong value as the result of the operation, of the vjp, or
  /// of the sum of gradients at `step`.
  void plant(std::size_t step, const Snapshot& wrong);

  /// The active trace of this thread, or null.
  static Trace* active() { return active_; }

  // --- called by the engine ----------------------------------------------------------------------
  template <class T, std::size_t N>
  ValueIds values_of(const std::array<const BasicTensor<T>*, N>& inputs) {
    ValueIds ids;
    for (const BasicTensor<T>* input : inputs) {
      ids.push_back(input == nullptr ? kNone : value_of(*input));
    }
    return ids;
  }
  template <class T, std::size_t N>
  void operation(std::string_view name, Attributes attributes,
                 const std::array<const BasicTensor<T>*, N>& inputs, const BasicTensor<T>& output) {
    add_operation(name, std::move(attributes), values_of(inputs), output, false);
  }
  template <class T>
  void write_in_place(std::string_view name, Attributes attributes, ValueIds before,
                      const BasicTensor<T>& self) {
    add_operation(name, std::move(attributes), std::move(before), self, true);
  }
  template <class T>
  void gradient(const Node<T>& node, std::size_t input, const BasicTensor<T>& arriving,
                const BasicTensor<T>& result);
  void accumulation(Snapshot before, Snapshot contribution, Snapshot after);
  template <class T>
  void grad_set(const BasicTensor<T>& tensor);
  template <class T>
  void retain_grad(const BasicTensor<T>& tensor);
  template <class T>
  void requires_grad_change(const BasicTensor<T>& tensor, bool wanted);
  void backward_begins();
  void backward_fails() { --backward_depth_; }
  void backward_ends(Backward call);
  /// The current state of a tensor, added if it is new.
  template <class T>
  ValueId value_of(const BasicTensor<T>& tensor);
  /// From now on `alias` counts as the same tensor as `original`: a checkpoint's inner inputs.
  template <class T>
  void same_tensor(const BasicTensor<T>& alias, const BasicTensor<T>& original);

 private:
  friend class TraceScope;
  template <class T>
  void add_operation(std::string_view name, Attributes attributes, ValueIds inputs,
                     const BasicTensor<T>& output, bool in_place);

  static inline thread_local Trace* active_ = nullptr;

  struct Known {
    std::size_t tensor;
    ValueId latest;
    std::uint32_t version;
    std::uint64_t node;
  };
  template <class T>
  ValueId add_value(const BasicTensor<T>& tensor, std::size_t identity);

  std::vector<Step> steps_;
  std::vector<Value> values_;
  std::unordered_map<std::uint64_t, Known> tensors_;           // by TensorImpl::number
  std::unordered_map<std::uint64_t, std::size_t> operations_;  // by Node::number: the step
  int backward_depth_ = 0;
  std::size_t backward_began_ = 0;
  bool float64_ = false;
};

/// While one of these lives, `trace` is active on this thread; nullptr pauses tracing.
class TraceScope {
 public:
  explicit TraceScope(Trace& trace) : previous_(std::exchange(Trace::active_, &trace)) {}
  explicit TraceScope(std::nullptr_t) : previous_(std::exchange(Trace::active_, nullptr)) {}
  ~TraceScope() { Trace::active_ = previous_; }
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  Trace* previous_;
};

}  // namespace gradbook
