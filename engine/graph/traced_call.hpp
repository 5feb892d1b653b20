#pragma once

#include <utility>
#include <vector>

#include "engine/graph/walk.hpp"
#include "engine/trace.hpp"

namespace gradbook {

/// Tells the active trace, if there is one, that a backward pass runs, and what came of it.
class TracedCall {
 public:
  TracedCall(bool retain_graph, bool create_graph)
      : trace_(Trace::active()), call_{{}, {}, {}, retain_graph, create_graph, 0, {}, {}} {}
  TracedCall(const TracedCall&) = delete;
  TracedCall& operator=(const TracedCall&) = delete;
  ~TracedCall() {
    if (running_) trace_->backward_fails();
  }

  template <class T>
  void begins(const std::vector<BasicTensor<T>>& outputs,
              const std::vector<BasicTensor<T>>& grad_outputs,
              const std::vector<BasicTensor<T>>& inputs) {
    if (trace_ == nullptr) return;
    call_.outputs = ids(outputs);
    call_.grad_outputs = ids(grad_outputs);
    call_.inputs = ids(inputs);
    trace_->backward_begins();
    running_ = true;
  }
  /// backward() ended: the gradients are in the leaves and where they are retained.
  template <class T>
  void ended(const Walk<T>& walk) {
    if (trace_ == nullptr) return;
    for (const Ref<Node<T>>& node : walk.nodes()) {
      // A leaf that was frozen holds a gradient to which nothing is added.
      if (!node->retains_grad || !node->grad.defined() || node->output == nullptr) continue;
      call_.gradients.emplace_back(trace_->value_of(tensor_of(*node)), node->grad.snapshot());
      call_.gradient_values.push_back(trace_->value_of(node->grad));
    }
    end();
  }
  /// grad() ended.
  template <class T>
  void ended(const std::vector<BasicTensor<T>>& inputs,
             const std::vector<BasicTensor<T>>& gradients) {
    if (trace_ == nullptr) return;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!gradients[i].defined()) continue;
      call_.gradients.emplace_back(trace_->value_of(inputs[i]), gradients[i].snapshot());
    }
    call_.gradient_values = ids(gradients);
    end();
  }

 private:
  template <class T>
  Trace::ValueIds ids(const std::vector<BasicTensor<T>>& tensors) {
    Trace::ValueIds result;
    for (const BasicTensor<T>& tensor : tensors) {
      result.push_back(tensor.defined() ? trace_->value_of(tensor) : Trace::kNone);
    }
    return result;
  }
  void end() {
    trace_->backward_ends(std::move(call_));
    running_ = false;
  }

  Trace* trace_;
  Trace::Backward call_;
  bool running_ = false;
};

}  // namespace gradbook
