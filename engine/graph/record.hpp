#pragma once

#include <array>
#include <concepts>
#include <string_view>
#include <vector>

#include "engine/graph/saved.hpp"
#include "engine/reads.hpp"
#include "engine/trace.hpp"

namespace gradbook {

/// What the door asks of an operation with N inputs. Its forward and its vjp stand next to each
/// other; nothing in it accumulates, reduces broadcasts, or touches the graph.
template <class Op, class T>
concept Operation = requires(const Op op, const Array<T>& array, const BasicTensor<T>& g,
                             const SavedValues<T>& saved, std::size_t i) {
  { Op::name } -> std::convertible_to<std::string_view>;
  /// What the vjp of each input reads: the only values that are saved.
  { Op::reads[i] } -> std::convertible_to<rules::Reads>;
  /// True when inputs broadcast: their gradients are summed back to the input's shape, here.
  { Op::broadcasts } -> std::convertible_to<bool>;
  { op.attributes() } -> std::convertible_to<Attributes>;
  { op.vjp(i, g, saved) } -> std::convertible_to<BasicTensor<T>>;
};

/// The recorded form of an operation with N inputs and one output.
template <class T, class Op, std::size_t N>
class OpNode final : public Node<T> {
 public:
  OpNode(Shape output_shape, Op op) : Node<T>(std::move(output_shape), false), op_(std::move(op)) {}

  std::string_view name() const override { return Op::name; }
  std::span<const Ref<Node<T>>> edges() const override { return edges_; }

  void vjps(const BasicTensor<T>& g, GradientSink<T>& sink) const override {
    for (std::size_t i = 0; i < N; ++i) {
      if (sink.wants(i)) sink.give(i, reduced(i, op_.vjp(i, g, {*this, saved_, N})));
    }
  }

  void release_saved() override {
    for (Saved<T>& saved : saved_) {
      if (!saved.defined()) continue;
      saved = Saved<T>();
      this->released_ = true;
    }
  }

  std::vector<Array<T>> saved_arrays() const override {
    std::vector<Array<T>> arrays;
    for (const Saved<T>& saved : saved_) {
      if (saved.defined()) arrays.push_back(saved.array);
    }
    return arrays;
  }

  void link(std::size_t input, const BasicTensor<T>& tensor) { edges_[input] = node_of(tensor); }
  /// Does some vjp that may be asked for read this value?
  bool reads(rules::Reads value) const {
    for (std::size_t i = 0; i < N; ++i) {
      if (edges_[i] && (Op::reads[i] & value) != 0) return true;
    }
    return false;
  }
  /// `value` is what to keep: the input's array, or a copy of it when the operation is about to
  /// write over the input.
  void keep_input(std::size_t input, const Array<T>& value, const Ref<Node<T>>& origin) {
    saved_[input].keep(value, origin);
  }
  void keep_result(const Array<T>& value) {
    if constexpr (saves_result) saved_[N].keep(value, nullptr);
  }

 private:
  /// The gradient of a broadcast input, summed back to the input's shape.
  BasicTensor<T> reduced(std::size_t input, const BasicTensor<T>& gradient) const {
    if constexpr (Op::broadcasts) {
      if (gradient.shape() != edges_[input]->shape) return gradient.sum_to(edges_[input]->shape);
    }
    return gradient;
  }

  static constexpr bool saves_result = ((Op::reads[0] | Op::reads[N - 1]) & rules::kResult) != 0;

  [[no_unique_address]] Op op_;
  std::array<Ref<Node<T>>, N> edges_;
  /// The inputs, and after them the result where a vjp reads it. A node without that room is
  /// smaller by a fifth, and what a long chain costs is mostly how much memory it walks over.
  std::array<Saved<T>, N + (saves_result ? 1 : 0)> saved_;
};

/// Throws InPlaceError when a recorded write to `self` is not allowed.
template <class T>
void check_in_place(std::string_view name, const BasicTensor<T>& self);

/// A copy of the values, in fresh storage.
template <class T>
Array<T> copy_of(const Array<T>& array);

/// The inputs of an operation; null stands for a scalar that the operation itself holds.
template <class T, std::size_t N>
using Inputs = std::array<const BasicTensor<T>*, N>;

template <class T, std::size_t N>
bool any_requires_grad(const Inputs<T, N>& inputs) {
  for (const BasicTensor<T>* input : inputs) {
    if (input != nullptr && input->requires_grad()) return true;
  }
  return false;
}

/// A node for `op` on `inputs`, linked and holding what the vjps read of the inputs. With
/// `overwrites_first` the first input is kept as a copy, since it is about to be written over.
template <class T, std::size_t N, Operation<T> Op>
Ref<OpNode<T, Op, N>> make_node(const Op& op, const Shape& shape, const Inputs<T, N>& inputs,
                                bool overwrites_first) {
  auto node = make_ref<OpNode<T, Op, N>>(shape, op);
  for (std::size_t i = 0; i < N; ++i) {
    if (inputs[i] != nullptr) node->link(i, *inputs[i]);
  }
  for (std::size_t i = 0; i < N; ++i) {
    if (inputs[i] == nullptr || !node->reads(1U << i)) continue;
    const Array<T>& value = inputs[i]->array();
    node->keep_input(i, i == 0 && overwrites_first ? copy_of(value) : value, node_of(*inputs[i]));
  }
  return node;
}

/// The one door onto the graph: `result` is what `op` computed from `inputs`. Recorded when grad
/// mode is on and an input requires grad; traced when a trace is active.
template <class T, std::size_t N, Operation<T> Op>
BasicTensor<T> record(const Op& op, Array<T> result, const Inputs<T, N>& inputs) {
  BasicTensor<T> output(std::move(result));
  if (GradMode::enabled() && any_requires_grad<T, N>(inputs)) {
    auto node = make_node<T, N>(op, output.shape(), inputs, false);
    if (node->reads(rules::kResult)) node->keep_result(output.array());
    output.impl()->set_node(Ref<Node<T>>(node.get()));
  }
  if (Trace* trace = Trace::active()) trace->operation(Op::name, op.attributes(), inputs, output);
  return output;
}

/// The same door for a write in place: checks that `self` may be written, records, then lets
/// `write` change the values, and makes `self` the result.
template <class T, std::size_t N, Operation<T> Op, class Write>
void record_in_place(const Op& op, std::string_view name, const BasicTensor<T>& self,
                     const Inputs<T, N>& inputs, Write write) {
  static_assert(((Op::reads[0] | Op::reads[N - 1]) & rules::kResult) == 0,
                "the result of a write in place has no storage of its own to be saved");
  self.array();  // throws when undefined
  const bool recording = GradMode::enabled() && any_requires_grad<T, N>(inputs);
  if (recording) check_in_place(name, self);
  Trace* trace = Trace::active();
  const auto before = trace != nullptr ? trace->values_of(inputs) : Trace::ValueIds();
  Ref<OpNode<T, Op, N>> node;
  if (recording) node = make_node<T, N>(op, self.shape(), inputs, true);
  write(self.impl()->array.write());
  if (node) {
    node->retains_grad = self.impl()->node && !self.is_leaf() && self.impl()->node->retains_grad;
    node->grad = self.grad();  // the tensor's, whatever computes it
    self.impl()->set_node(Ref<Node<T>>(node.get()));
  }
  if (trace != nullptr) trace->write_in_place(name, op.attributes(), before, self);
}

}  // namespace gradbook
