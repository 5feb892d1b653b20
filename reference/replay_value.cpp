#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "reference/replay_internal.hpp"
#include "reference/replay_table_internal.hpp"

// The same for a graph of Values: each node on the engine's own numbers for the verdict, and the
// whole graph in LibTorch for the figure.

namespace gradbook::reference {

namespace {

/// Everything that `root` was computed from and itself, oldest first.
std::vector<Value> oldest_first(const Value& root) {
  std::vector<Value> nodes{root};
  std::unordered_set<const ValueNode*> seen{&root.node()};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const Value& parent : nodes[i].parents()) {
      if (seen.insert(&parent.node()).second) nodes.push_back(parent);
    }
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const Value& a, const Value& b) { return a.node().number < b.node().number; });
  return nodes;
}

class ValueReplay {
 public:
  explicit ValueReplay(const Value& root) : nodes_(oldest_first(root)) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) place_[&nodes_[i].node()] = i;
    gradients_.resize(nodes_.size());
    // A leaf adds to the 0 that it has. Of the others the first gradient replaces what was there,
    // and its sign too if it is a zero: -0 is what changes no number that is added to it.
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      gradients_[i].sum = nodes_[i].is_leaf() ? 0 : -0.0;
    }
    gradients_.back().sum = 1;  // backward() starts with 1 at the root
  }

  ReplayReport report() && {
    for (std::size_t i = 0; i < nodes_.size(); ++i) data(i);
    for (std::size_t i = nodes_.size(); i-- > 0;) gradient(i);
    end_to_end();
    return std::move(findings_).report();
  }

 private:
  /// What LibTorch's vjps send to a node.
  struct Sent {
    double sum = 0;
    double magnitude = 0;
    double parts = 0;
  };

  std::string name(std::size_t place) const {
    const Value& node = nodes_[place];
    const std::string operation(node.is_leaf() ? "leaf" : node.operation());
    return node.label().empty() ? operation : fmt::format("{} '{}'", operation, node.label());
  }

  static at::Tensor scalar(double number) { return at::scalar_tensor(number, torch::kDouble); }

  /// The operation of a node, on `inputs`.
  template <class Run>
  void with_step(std::size_t place, Tensors inputs, const Run& run) {
    const std::string operation(nodes_[place].operation());
    const Row* row = row_of(operation);
    if (row == nullptr) {
      findings_.disagree(place, name(place),
                         fmt::format("no LibTorch counterpart for '{}'", operation));
      return;
    }
    const Attributes attributes{{"scalar", {nodes_[place].node().constant}}};
    run(OneStep{*row, Constants(attributes, Precision::float64), std::move(inputs)});
  }

  Tensors recorded_inputs(std::size_t place) const {
    Tensors inputs;
    for (const Value& parent : nodes_[place].parents()) inputs.push_back(scalar(parent.data()));
    return inputs;
  }

  void data(std::size_t place) {
    if (nodes_[place].is_leaf()) return;
    findings_.count_operation();
    with_step(place, recorded_inputs(place), [&](const OneStep& step) {
      const at::Tensor truth = step.result();
      findings_.judge(place, name(place), nodes_[place].data(),
                      {snapshot(truth), {}, snapshot(step.result_scale(truth))});
    });
  }

  void gradient(std::size_t place) {
    const Sent& sent = gradients_[place];
    findings_.count_gradient();
    findings_.judge(place, "gradient of " + name(place), nodes_[place].grad(),
                    {sent.sum, {}, sent.magnitude * growth(sent.parts)});
    if (nodes_[place].is_leaf()) return;
    const at::Tensor g = scalar(nodes_[place].grad());
    with_step(place, recorded_inputs(place), [&](const OneStep& step) {
      const std::vector<Value> parents = nodes_[place].parents();
      for (std::size_t i = 0; i < parents.size(); ++i) {
        const at::Tensor part = step.vjp(i, g);
        Sent& to = gradients_[place_.at(&parents[i].node())];
        to.sum += part.item<double>();
        to.magnitude += step.vjp_scale(i, g, part).item<double>();
        to.parts += 1;
      }
    });
  }

  void end_to_end() {
    Tensors tensors;
    for (std::size_t place = 0; place < nodes_.size(); ++place) {
      tensors.push_back(scalar(nodes_[place].data()).requires_grad_(nodes_[place].is_leaf()));
      if (nodes_[place].is_leaf()) continue;
      Tensors inputs;
      for (const Value& parent : nodes_[place].parents()) {
        inputs.push_back(tensors[place_.at(&parent.node())]);
      }
      with_step(place, std::move(inputs), [&](const OneStep& step) {
        tensors.back() = step.row.run(step.inputs, step.constants);
        tensors.back().retain_grad();
      });
    }
    if (!tensors.back().requires_grad()) return;
    tensors.back().backward();
    for (std::size_t place = 0; place < nodes_.size(); ++place) {
      findings_.end_to_end(nodes_[place].data(), snapshot(tensors[place]));
      const at::Tensor gradient = tensors[place].grad();
      findings_.end_to_end(nodes_[place].grad(), gradient.defined() ? snapshot(gradient) : 0.0);
    }
  }

  Findings findings_{Precision::float64};
  std::vector<Value> nodes_;
  std::unordered_map<const ValueNode*, std::size_t> place_;
  std::vector<Sent> gradients_;
};

}  // namespace

ReplayReport replay(const Value& root) { return ValueReplay(root).report(); }

}  // namespace gradbook::reference
