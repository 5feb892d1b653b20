#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "reference/replay_internal.hpp"
#include "reference/replay_table_internal.hpp"

// Between the steps. That every vjp is right does not make a gradient right: one that was sent may
// have been lost on its way, or have come after its operation's turn. So: what arrives at a node is
// the sum of all that was sent to it, and from every node something is sent to every input that
// wants it. And what an operation reads is what was last written there, through whichever alias.

namespace gradbook::reference {

namespace {

using Node = std::uint64_t;  // Node::number
using Parts = std::vector<Snapshot>;

/// What moved in one backward pass.
struct Flow {
  std::unordered_map<Node, Parts> sent;                      // to a node, in order
  std::map<Node, std::pair<std::size_t, Snapshot>> arrived;  // the step, and what it started from
  std::set<std::pair<std::size_t, std::size_t>> seen;        // operation's step, input
};

class FlowReplay {
 public:
  FlowReplay(const Trace& trace, Findings& findings) : trace_(trace), findings_(findings) {
    for (const Trace::Value& value : trace.values()) {
      if (value.is_leaf && value.node != 0) leaves_.insert(value.node);
    }
  }

  void leaf(const Trace::Leaf& leaf) { wrote(leaf.value); }

  void operation(std::size_t step, const Trace::Operation& operation) {
    if (!operation.inside_backward) check_reads(step, operation);
    const Trace::Value& output = value(operation.output);
    if (operation.grad_mode && output.node != 0) made_by_[output.node] = step;
    if (operation.name == "detach" || operation.name == "reshape") {
      storage_[output.tensor] = storage(value(operation.inputs.at(0)).tensor);
    }
    wrote(operation.output);
    if (operation.inside_backward) growing_.insert(storage(output.tensor));
  }

  void grad_set(const Trace::GradSet& set) {
    holds_gradient(value(set.value).tensor, set.gradient);
  }

  void backward(std::size_t step, const Trace::Backward& call) {
    forget_failed(call.first);
    const Flow flow = collect(step, call);
    // Where the graph runs into what was not traced (made before the trace began, or inside a
    // checkpoint), gradients come back from there that left no mark.
    const bool all_traced = std::all_of(flow.sent.begin(), flow.sent.end(), [&](const auto& sent) {
      return leaves_.contains(sent.first) || made_by_.contains(sent.first);
    });
    if (all_traced) {
      check_arrivals(flow);
      check_nothing_left_out(step, call, flow);
      check_results(step, call, flow);
    }
    looked_at_ = step;
    if (!call.inputs.empty()) {
      for (const Trace::ValueId id : call.gradient_values) {
        if (id != Trace::kNone) wrote(id);
      }
      return;
    }
    for (std::size_t k = 0; k < call.gradients.size(); ++k) {
      holds_gradient(value(call.gradients[k].first).tensor, call.gradient_values[k]);
    }
  }

 private:
  const Trace::Value& value(Trace::ValueId id) const { return trace_.values().at(id); }
  const Trace::Operation& operation_at(std::size_t step) const {
    return std::get<Trace::Operation>(trace_.steps().at(step));
  }

  // --- which tensor holds which gradient, and what was last written there ------------------------
  std::size_t storage(std::size_t tensor) const {
    const auto found = storage_.find(tensor);
    return found == storage_.end() ? tensor : found->second;
  }
  void wrote(Trace::ValueId id) {
    latest_[storage(value(id).tensor)] = id;
    growing_.erase(storage(value(id).tensor));
  }
  void holds_gradient(std::size_t tensor, Trace::ValueId gradient) {
    unknown_.erase(tensor);
    if (gradient == Trace::kNone) {
      gradient_of_.erase(tensor);
      return;
    }
    gradient_of_[tensor] = value(gradient).tensor;
    accumulated_.insert(storage(value(gradient).tensor));
    wrote(gradient);
  }

  void check_reads(std::size_t step, const Trace::Operation& operation) {
    for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
      if (operation.inputs[i] == Trace::kNone) continue;
      const Trace::Value& read = value(operation.inputs[i]);
      const auto written = latest_.find(storage(read.tensor));
      // A pass that threw may have added to a gradient without leaving a mark.
      if (written == latest_.end() || accumulated_.contains(written->first) ||
          growing_.contains(written->first)) {
        continue;
      }
      const std::vector<double>& numbers = value(written->second).snapshot.values;
      const bool is_same = std::equal(
          numbers.begin(), numbers.end(), read.snapshot.values.begin(), read.snapshot.values.end(),
          [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); });
      if (is_same) continue;
      findings_.disagree(step, operation.name,
                         fmt::format("its input {} is not what was last written there", i));
    }
  }

  /// Vjps that belong to no call of backward() are from one that threw. What it left in `.grad()`
  /// nobody knows.
  void forget_failed(std::size_t end) {
    for (; looked_at_ < end; ++looked_at_) {
      const auto* gradient = std::get_if<Trace::Gradient>(&trace_.steps()[looked_at_]);
      if (gradient == nullptr) continue;
      const Trace::Operation& operation = operation_at(gradient->step);
      unknown_.insert(value(operation.output).tensor);
      unknown_.insert(value(operation.inputs.at(gradient->input)).tensor);
    }
  }

  // --- one backward pass -------------------------------------------------------------------------
  Flow collect(std::size_t end, const Trace::Backward& call) const {
    Flow flow;
    for (std::size_t i = 0; i < call.outputs.size(); ++i) {
      const Trace::Value& output = value(call.outputs[i]);
      const bool given = i < call.grad_outputs.size() && call.grad_outputs[i] != Trace::kNone;
      flow.sent[output.node].push_back(
          given ? value(call.grad_outputs[i]).snapshot
                : Snapshot(output.snapshot.shape,
                           std::vector<double>(output.snapshot.values.size(), 1.0)));
    }
    for (std::size_t i = call.first; i < end; ++i) {
      const auto* gradient = std::get_if<Trace::Gradient>(&trace_.steps()[i]);
      if (gradient == nullptr) continue;
      const Trace::Operation& operation = operation_at(gradient->step);
      flow.arrived.try_emplace(value(operation.output).node, i, gradient->arriving);
      flow.sent[value(operation.inputs.at(gradient->input)).node].push_back(gradient->result);
      flow.seen.emplace(gradient->step, gradient->input);
    }
    return flow;
  }

  void check_arrivals(const Flow& flow) {
    for (const auto& [node, arrival] : flow.arrived) {
      const auto& [step, gradient] = arrival;
      const auto made = made_by_.find(node);
      if (made == made_by_.end()) continue;
      const auto name = [&, at = made->second] {
        return fmt::format("gradient arriving at {} (step {})", operation_at(at).name, at);
      };
      check_sum(step, name, gradient, sent_to(flow, node));
    }
  }

  void check_nothing_left_out(std::size_t end, const Trace::Backward& call, const Flow& flow) {
    const std::unordered_set<Node> wanted = wanted_by(call);
    for (const auto& [node, parts] : flow.sent) {
      const auto made = made_by_.find(node);
      if (made == made_by_.end()) continue;
      const Trace::Operation& operation = operation_at(made->second);
      for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
        const Node input =
            operation.inputs[i] == Trace::kNone ? 0 : value(operation.inputs[i]).node;
        if (input == 0 || (!call.inputs.empty() && !wanted.contains(input))) continue;
        if (flow.seen.contains({made->second, i})) continue;
        findings_.disagree(end, "backward",
                           fmt::format("no gradient was sent from {} (step {}) to its input {}",
                                       operation.name, made->second, i));
      }
    }
  }

  /// For grad(): the nodes from which a gradient can reach one of the inputs.
  std::unordered_set<Node> wanted_by(const Trace::Backward& call) const {
    std::unordered_set<Node> wanted;
    for (const Trace::ValueId input : call.inputs) wanted.insert(value(input).node);
    if (wanted.empty()) return wanted;
    for (const auto& [node, step] : made_by_) {  // by number: inputs come before
      for (const Trace::ValueId input : operation_at(step).inputs) {
        if (input != Trace::kNone && wanted.contains(value(input).node)) wanted.insert(node);
      }
    }
    return wanted;
  }

  void check_results(std::size_t end, const Trace::Backward& call, const Flow& flow) {
    if (call.inputs.empty()) {
      for (const auto& [id, gradient] : call.gradients) {
        if (unknown_.contains(value(id).tensor)) continue;
        Parts parts;
        const auto before = gradient_of_.find(value(id).tensor);
        if (before != gradient_of_.end()) {
          const Snapshot& held = value(latest_.at(storage(before->second))).snapshot;
          parts.emplace_back(gradient.shape, held.values);  // an alias may have another shape
        }
        const Parts sent = sent_to(flow, value(id).node);
        parts.insert(parts.end(), sent.begin(), sent.end());
        const auto name = [&, tensor = value(id).tensor] {
          return fmt::format("backward: the gradient of tensor {}", tensor);
        };
        check_sum(end, name, gradient, parts);
      }
      return;
    }
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      const Parts sent = sent_to(flow, value(call.inputs[i]).node);
      const auto name = [&] { return fmt::format("grad: the gradient of input {}", i); };
      if (call.gradient_values[i] != Trace::kNone) {
        check_sum(end, name, value(call.gradient_values[i]).snapshot, sent);
      } else if (!sent.empty()) {
        findings_.disagree(end, name(), "something was sent there, but none was returned");
      }
    }
  }

  static Parts sent_to(const Flow& flow, Node node) {
    const auto sent = flow.sent.find(node);
    return sent == flow.sent.end() ? Parts() : sent->second;
  }

  /// `name` gives the name of the sum, if it is asked for.
  template <class Name>
  void check_sum(std::size_t step, const Name& name, const Snapshot& total, const Parts& parts) {
    if (parts.empty()) {
      findings_.disagree(step, name(), "it came from nowhere: nothing was sent there");
      return;
    }
    for (const Snapshot& part : parts) {
      if (part.shape == total.shape) continue;
      findings_.disagree(step, name(),
                         fmt::format("its shape is {}, but a part of it has shape {}",
                                     to_string(total.shape), to_string(part.shape)));
      return;
    }
    const std::string reason = findings_.held_against(total, sum_of(parts));
    if (!reason.empty()) findings_.disagree(step, name(), reason);
  }

  /// An addition is the same in LibTorch and here: IEEE 754 defines it.
  Answer sum_of(const Parts& parts) const {
    const bool in_float32 = findings_.precision() == Precision::float32;
    const double many = growth(static_cast<double>(parts.size()));
    const std::size_t size = parts[0].values.size();
    const std::vector<double> zeros(size, 0.0);
    Answer sum{parts[0], parts[0], {parts[0].shape, zeros}};
    for (std::size_t i = 0; i < size; ++i) {
      auto peer = static_cast<float>(parts[0].values[i]);
      for (std::size_t k = 0; k < parts.size(); ++k) {
        const double part = parts[k].values[i];
        if (std::isfinite(part)) sum.scale.values[i] += std::abs(part) * many;
        if (k == 0) continue;
        sum.truth.values[i] += part;
        peer += static_cast<float>(part);
      }
      if (in_float32) sum.peer.values[i] = static_cast<double>(peer);
    }
    return sum;
  }

  const Trace& trace_;
  Findings& findings_;
  std::unordered_set<Node> leaves_;
  std::map<Node, std::size_t> made_by_;                       // the step of the operation
  std::unordered_map<std::size_t, std::size_t> gradient_of_;  // a tensor's, and which tensor it is
  std::unordered_map<std::size_t, std::size_t> storage_;      // of an alias: that of its original
  std::unordered_map<std::size_t, Trace::ValueId> latest_;    // by storage
  std::unordered_set<std::size_t> accumulated_;               // storages that held a gradient
  // Storages that a pass computed into. A gradient grows in place on its way, which leaves no mark:
  // what stands there is known again where the pass ends well.
  std::unordered_set<std::size_t> growing_;
  std::unordered_set<std::size_t> unknown_;  // tensors whose gradient is not known
  std::size_t looked_at_ = 0;                // the steps before are accounted for
};

}  // namespace

void replay_flow(const Trace& trace, Findings& findings) {
  FlowReplay replay(trace, findings);
  for (std::size_t i = 0; i < trace.steps().size(); ++i) {
    const Trace::Step& step = trace.steps()[i];
    if (const auto* leaf = std::get_if<Trace::Leaf>(&step)) {
      replay.leaf(*leaf);
    } else if (const auto* operation = std::get_if<Trace::Operation>(&step)) {
      replay.operation(i, *operation);
    } else if (const auto* set = std::get_if<Trace::GradSet>(&step)) {
      replay.grad_set(*set);
    } else if (const auto* call = std::get_if<Trace::Backward>(&step)) {
      replay.backward(i, *call);
    }
  }
}

}  // namespace gradbook::reference
