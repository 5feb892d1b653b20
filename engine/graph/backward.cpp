#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/graph/traced_call.hpp"
#include "engine/graph/walk.hpp"
#include "engine/trace.hpp"

namespace gradbook {

namespace {

/// The gradient that starts the pass at `output`: `given`, or 1 for a scalar.
template <class T>
BasicTensor<T> starting_gradient(std::string_view caller, const BasicTensor<T>& output,
                                 const BasicTensor<T>& given) {
  if (!output.requires_grad()) {
    throw BackwardError(fmt::format(
        "{}: this tensor of shape {} does not require grad: no leaf behind it does, or a "
        "NoGradGuard or detach() cut it off; compute it from a leaf that requires grad, without "
        "such a cut",
        caller, to_string(output.shape())));
  }
  if (given.defined()) {
    if (given.shape() != output.shape()) {
      throw BackwardError(fmt::format(
          "{}: the gradient has shape {}, but the tensor has {}; pass one of the tensor's shape{}",
          caller, to_string(given.shape()), to_string(output.shape()),
          output.numel() == 1 ? ", or none" : ""));
    }
    return given;
  }
  if (output.numel() != 1) {
    throw BackwardError(
        fmt::format("{}: only a scalar can start without a gradient; this tensor has shape {}: "
                    "reduce it with sum() or mean(), or pass a gradient of that shape",
                    caller, to_string(output.shape())));
  }
  return BasicTensor<T>::ones(output.shape());
}

/// `total += contribution`. In place when nobody else can see the total and nothing is recorded.
template <class T>
void accumulate(BasicTensor<T>& total, const BasicTensor<T>& contribution) {
  if (!total.defined()) {
    total = contribution;
    return;
  }
  traced_sum(total, contribution, [&] {
    if (GradMode::enabled()) {
      total = total + contribution;  // recorded, and so part of what can be differentiated again
      return;
    }
    const TraceScope paused(nullptr);
    if (total.unique()) {
      total.add_(contribution);
    } else {
      total = total + contribution;
    }
  });
}

/// Adds to `node->grad` as LibTorch does: a leaf's grows in place if there is one already, and who
/// holds it sees it grow; a retained one is replaced by the sum.
template <class T>
void accumulate_grad(Node<T>& node, const BasicTensor<T>& gradient) {
  if (!node.grad.defined()) {
    // A tensor of its own: whoever else holds this gradient must not see it grow.
    node.grad = gradient.unique() ? gradient : gradient.clone();
    return;
  }
  traced_sum(node.grad, gradient, [&] {
    if (GradMode::enabled()) {
      node.grad = node.grad + gradient;
      return;
    }
    const TraceScope paused(nullptr);
    if (node.is_leaf()) {
      node.grad.add_(gradient);
    } else {
      node.grad = node.grad + gradient;
    }
  });
}

/// Refuses before anything is accumulated if an operation's saved values are gone.
template <class T>
void check_not_freed(std::string_view caller, const Walk<T>& walk) {
  if (!walk.any_released()) return;
  for (const Node<T>* node : walk.nodes()) {
    if (node->released() && walk.needed(*node) && !walk.is_end(*node)) {
      throw GraphFreedError(fmt::format(
          "{}: the values that {} (result shape {}) saved were freed by an earlier backward pass; "
          "pass {{.retain_graph = true}} to the earlier one, or compute the graph anew",
          caller, node->name(), to_string(node->shape)));
    }
  }
}

/// Hands the vjps of one node to the nodes of its inputs.
template <class T>
class ToInputs final : public GradientSink<T> {
 public:
  ToInputs(Walk<T>& walk, const Node<T>& node, const BasicTensor<T>& g)
      : walk_(walk), node_(node), g_(g) {}
  bool wants(std::size_t input) const override {
    const Ref<Node<T>>& edge = node_.edges()[input];
    return edge && walk_.needed(*edge);
  }
  void give(std::size_t input, const BasicTensor<T>& gradient) override {
    if (Trace* trace = Trace::active()) trace->gradient(node_, input, g_, gradient);
    accumulate(walk_.gradient(*node_.edges()[input]), gradient);
  }

 private:
  Walk<T>& walk_;
  const Node<T>& node_;
  const BasicTensor<T>& g_;
};

/// Runs the nodes of a walk newest first: by then all contributions to a node's gradient are in.
/// `visit` sees every node's complete gradient before it moves on.
template <class T, class Visit>
void run(std::string_view caller, Walk<T>& walk, BackwardOptions options, const Visit& visit) {
  const bool retain = options.retain_graph || options.create_graph;
  const AutoGradMode mode(options.create_graph);
  check_not_freed(caller, walk);
  for (Node<T>* node : walk.nodes()) {
    if (!walk.needed(*node)) continue;
    const BasicTensor<T> g = std::move(walk.gradient(*node));
    if (!g.defined()) continue;
    visit(*node, g);
    if (walk.is_end(*node)) continue;
    ToInputs<T> to_inputs(walk, *node, g);
    node->vjps(g, to_inputs);
    if (!retain) node->release_saved();
  }
}

}  // namespace

template <class T>
void BasicTensor<T>::backward_from(const BasicTensor& given, BackwardOptions options) const {
  const BasicTensor g = starting_gradient("backward", *this, given);
  TracedCall traced_call;
  traced_call.begins(*this, given, options);
  Walk<T> walk({impl_->node}, {});
  walk.gradient(*impl_->node) = g;
  run("backward", walk, options, [&](Node<T>& node, const BasicTensor<T>& gradient) {
    if (node.retains_grad) accumulate_grad(node, gradient);
  });
  traced_call.ended(walk);
}

template <class T>
void BasicTensor<T>::backward(BackwardOptions options) const {
  backward_from(BasicTensor(), options);
}

template <class T>
std::vector<BasicTensor<T>> gradients_at(const std::vector<Ref<Node<T>>>& roots,
                                         const std::vector<Ref<Node<T>>>& ends,
                                         const std::vector<BasicTensor<T>>& grad_outputs,
                                         GradOptions options, std::uint64_t oldest) {
  Walk<T> walk(roots, ends, oldest);
  for (const Ref<Node<T>>& end : ends) {
    if (options.allow_unused || walk.reached(*end)) continue;
    throw BackwardError(
        fmt::format("grad: the input of shape {} has no part in the outputs; pass "
                    "{{.allow_unused = true}} if that is intended",
                    to_string(end->shape)));
  }
  {
    const AutoGradMode mode(options.create_graph);
    for (std::size_t i = 0; i < roots.size(); ++i) {
      accumulate(walk.gradient(*roots[i]), grad_outputs[i]);
    }
  }
  std::vector<BasicTensor<T>> gradients(ends.size());
  run("grad", walk, {options.retain_graph, options.create_graph},
      [&](Node<T>& node, const BasicTensor<T>& gradient) {
        for (std::size_t i = 0; i < ends.size(); ++i) {
          if (ends[i].get() == &node) gradients[i] = gradient;
        }
      });
  return gradients;
}

template <class T>
std::vector<BasicTensor<T>> grad(const std::vector<BasicTensor<T>>& outputs,
                                 const std::vector<BasicTensor<T>>& inputs,
                                 const std::vector<BasicTensor<T>>& grad_outputs,
                                 GradOptions options) {
  if (outputs.empty()) {
    throw BackwardError("grad: no outputs were given; name what to differentiate");
  }
  if (inputs.empty()) {
    throw BackwardError("grad: no inputs were given; name what to differentiate with respect to");
  }
  if (!grad_outputs.empty() && grad_outputs.size() != outputs.size()) {
    throw BackwardError(fmt::format("grad: {} outputs but {} grad_outputs; give one for each",
                                    outputs.size(), grad_outputs.size()));
  }
  std::vector<BasicTensor<T>> starts;
  std::vector<Ref<Node<T>>> roots;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const BasicTensor<T> given = grad_outputs.empty() ? BasicTensor<T>() : grad_outputs[i];
    starts.push_back(starting_gradient("grad", outputs[i], given));
    roots.push_back(node_of(outputs[i]));
  }
  std::vector<Ref<Node<T>>> ends;
  for (const BasicTensor<T>& input : inputs) {
    if (!input.requires_grad()) {
      throw BackwardError(
          fmt::format("grad: an input of shape {} does not require grad; call requires_grad_() on "
                      "it before the outputs are computed",
                      to_string(input.shape())));
    }
    ends.push_back(node_of(input));
  }

  TracedCall traced_call;
  traced_call.begins(outputs, grad_outputs, inputs, {options.retain_graph, options.create_graph});
  std::vector<BasicTensor<T>> gradients = gradients_at<T>(roots, ends, starts, options, 0);
  traced_call.ended(inputs, gradients);
  return gradients;
}

template class BasicTensor<float>;
template class BasicTensor<double>;
template std::vector<Tensor> grad(const std::vector<Tensor>&, const std::vector<Tensor>&,
                                  const std::vector<Tensor>&, GradOptions);
template std::vector<Tensor64> grad(const std::vector<Tensor64>&, const std::vector<Tensor64>&,
                                    const std::vector<Tensor64>&, GradOptions);
template std::vector<Tensor> gradients_at(const std::vector<Ref<Node<float>>>&,
                                          const std::vector<Ref<Node<float>>>&,
                                          const std::vector<Tensor>&, GradOptions, std::uint64_t);
template std::vector<Tensor64> gradients_at(const std::vector<Ref<Node<double>>>&,
                                            const std::vector<Ref<Node<double>>>&,
                                            const std::vector<Tensor64>&, GradOptions,
                                            std::uint64_t);

}  // namespace gradbook
