#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/graph/walk.hpp"
#include "engine/trace.hpp"

namespace gradbook {

/// Tells the active trace, if there is one, that a backward pass runs, and what came of it. Where
/// there is none, nothing is made to be told.
class TracedCall {
 public:
  TracedCall() = default;
  TracedCall(const TracedCall&) = delete;
  TracedCall& operator=(const TracedCall&) = delete;
  ~TracedCall() {
    if (call_) trace_->backward_fails();
  }

  /// backward() begins at `output`.
  template <class T>
  void begins(const BasicTensor<T>& output, const BasicTensor<T>& gradient,
              BackwardOptions options) {
    if (trace_ != nullptr) begins<T>({output}, {gradient}, {}, options);
  }
  /// grad() begins.
  template <class T>
  void begins(const std::vector<BasicTensor<T>>& outputs,
              const std::vector<BasicTensor<T>>& grad_outputs,
              const std::vector<BasicTensor<T>>& inputs, BackwardOptions options) {
    if (trace_ == nullptr) return;
    call_.reset(new Trace::Backward{.outputs = ids(outputs),
                                    .grad_outputs = ids(grad_outputs),
                                    .inputs = ids(inputs),
                                    .retain_graph = options.retain_graph,
                                    .create_graph = options.create_graph,
                                    .first = 0,
                                    .gradients = {},
                                    .gradient_values = {}});
    trace_->backward_begins();
  }
  /// backward() ended: the gradients are in the leaves and where they are retained.
  template <class T>
  void ended(const Walk<T>& walk) {
    if (trace_ == nullptr) return;
    for (const Node<T>* node : walk.nodes()) {
      // A leaf that was frozen holds a gradient to which nothing is added.
      if (!node->retains_grad || !node->grad.defined() || node->output == nullptr) continue;
      call_->gradients.emplace_back(trace_->value_of(tensor_of(*node)), node->grad.snapshot());
      call_->gradient_values.push_back(trace_->value_of(node->grad));
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
      call_->gradients.emplace_back(trace_->value_of(inputs[i]), gradients[i].snapshot());
    }
    call_->gradient_values = ids(gradients);
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
  void end() { trace_->backward_ends(std::move(*std::exchange(call_, nullptr))); }

  Trace* trace_ = Trace::active();
  std::unique_ptr<Trace::Backward> call_;  // while it runs, and somebody is told
};

/// Lets `add` add `contribution` to the gradient `total`; the active trace, if any, hears of it.
template <class T, class Add>
void traced_sum(const BasicTensor<T>& total, const BasicTensor<T>& contribution, const Add& add) {
  Trace* trace = Trace::active();
  if (trace == nullptr) {
    add();
    return;
  }
  const Snapshot before = total.snapshot();
  add();
  trace->accumulation(before, contribution.snapshot(), total.snapshot());
}

}  // namespace gradbook
