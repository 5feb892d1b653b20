#include <algorithm>

#include "tests/fuzz/draft.hpp"

// What a backward pass does to what is known about a program: which gradients exist then, what was
// freed, and with create_graph the history of the gradients.

namespace gradbook::fuzz {

namespace {

/// Of gradients nothing is known; they are seldom large.
constexpr Range range_of_gradients{-30, 30, true};

}  // namespace

Attributes Draft::attributes_of(const Pass& pass) {
  Attributes attributes;
  if (pass.retain_graph) attributes.push_back({"retain_graph", {1}});
  if (pass.create_graph) attributes.push_back({"create_graph", {1}});
  return attributes;
}

/// A node's inputs have smaller numbers, so the largest first is a reverse topological order.
std::vector<std::size_t> Draft::reached_from(std::size_t node) const {
  std::vector<bool> is_reached(node + 1);
  is_reached[node] = true;
  std::vector<std::size_t> reached;
  for (std::size_t number = node + 1; number-- > 0;) {
    if (!is_reached[number]) continue;
    reached.push_back(number);
    for (const std::size_t input : nodes_[number].inputs) {
      if (input != kNone) is_reached[input] = true;
    }
  }
  return reached;
}

bool Draft::can_run_backward(X y) const {
  if (!requires_grad(y)) return false;
  if (stale_is_known_) return !is_stale_[tensor(y).node];
  is_stale_.assign(nodes_.size(), false);
  for (std::size_t number = 0; number < nodes_.size(); ++number) {
    const NodeState& each = nodes_[number];
    is_stale_[number] =
        each.freed ||
        std::any_of(each.inputs.begin(), each.inputs.end(),
                    [&](std::size_t input) { return input != kNone && is_stale_[input]; }) ||
        std::any_of(each.saved.begin(), each.saved.end(), [&](const Saved& saved) {
          return storages_[saved.storage].version != saved.version;
        });
  }
  stale_is_known_ = true;
  return !is_stale_[tensor(y).node];
}

bool Draft::saves_something(X y) const {
  const std::vector<std::size_t> reached = reached_from(tensor(y).node);
  return std::any_of(reached.begin(), reached.end(),
                     [&](std::size_t each) { return !nodes_[each].saved.empty(); });
}

std::vector<X> Draft::parts_of(X y) const {
  const std::vector<std::size_t> reached = reached_from(tensor(y).node);
  std::vector<X> parts = tensors();
  std::erase_if(parts, [&](X x) {
    return !std::binary_search(reached.rbegin(), reached.rend(), tensor(x).node);
  });
  return parts;
}

std::vector<std::size_t> Draft::propagate(const std::vector<std::size_t>& reached,
                                          std::size_t start_node, const Pass& pass) {
  std::vector<std::size_t> gradient_nodes(reached.empty() ? 0 : reached.front() + 1, kNone);
  if (!pass.create_graph) return gradient_nodes;
  gradient_nodes[reached.front()] = start_node;
  for (const std::size_t number : reached) {
    const std::size_t arriving = gradient_nodes[number];
    const std::vector<std::size_t> inputs = nodes_[number].inputs;
    const std::vector<Saved> saved = nodes_[number].saved;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] == kNone) continue;
      // The gradient of an input depends on what arrives and on what its formula reads.
      NodeState vjp;
      vjp.shape = nodes_[inputs[i]].shape;
      if (arriving != kNone) vjp.inputs.push_back(arriving);
      for (const Saved& each : saved) {
        if ((each.readers >> i & 1U) == 0) continue;
        if (each.origin != kNone) vjp.inputs.push_back(each.origin);
        vjp.saved.push_back({each.storage, each.version, each.origin, 1});
      }
      if (vjp.inputs.empty()) continue;
      std::size_t& sum = gradient_nodes[inputs[i]];
      if (sum != kNone) vjp.inputs.push_back(sum);
      nodes_.push_back(std::move(vjp));
      sum = nodes_.size() - 1;
    }
  }
  return gradient_nodes;
}

void Draft::free_saved(const std::vector<std::size_t>& reached) {
  for (const std::size_t each : reached) {
    if (!nodes_[each].saved.empty()) nodes_[each].freed = true;
  }
}

std::size_t Draft::new_gradient(const Shape& shape, std::size_t node) {
  const std::size_t made = new_tensor(shape, range_of_gradients);
  tensors_[made].node = node;
  return made;
}

void Draft::backward(X y, std::optional<X> gradient, const Pass& pass) {
  const std::vector<std::size_t> reached = reached_from(tensor(y).node);
  const std::size_t start = gradient ? tensor(*gradient).node : kNone;
  const std::vector<std::size_t> gradient_nodes = propagate(reached, start, pass);
  for (const std::size_t each : reached) {
    if (!nodes_[each].keeps_gradient) continue;
    const auto held = nodes_[each].gradient;
    if (held && !pass.create_graph) {
      ++storages_[tensors_[*held].storage].version;  // it grows in place
    } else {
      nodes_[each].gradient = new_gradient(nodes_[each].shape, gradient_nodes[each]);
    }
  }
  if (!pass.retain_graph && !pass.create_graph) free_saved(reached);
  ++passes_;
  stale_is_known_ = false;
  std::vector<X> inputs{y};
  if (gradient) inputs.push_back(*gradient);
  push("backward", std::move(inputs), attributes_of(pass), kNone);
}

X Draft::grad(X y, X x, std::optional<X> gradient, const Pass& pass) {
  std::vector<std::size_t> reached = reached_from(tensor(y).node);
  const std::size_t start = gradient ? tensor(*gradient).node : kNone;
  const std::vector<std::size_t> gradient_nodes = propagate(reached, start, pass);
  const std::size_t made = new_gradient(shape(x), gradient_nodes[tensor(x).node]);
  if (!pass.retain_graph && !pass.create_graph) {
    // Only what lies between them is visited.
    std::vector<bool> leads_there(reached.front() + 1);
    for (auto each = reached.rbegin(); each != reached.rend(); ++each) {
      for (const std::size_t input : nodes_[*each].inputs) {
        if (input == kNone) continue;
        if (input == tensor(x).node || leads_there[input]) leads_there[*each] = true;
      }
    }
    std::erase_if(reached, [&](std::size_t each) { return !leads_there[each]; });
    free_saved(reached);
  }
  ++passes_;
  stale_is_known_ = false;
  std::vector<X> inputs{y, x};
  if (gradient) inputs.push_back(*gradient);
  return push("grad", std::move(inputs), attributes_of(pass), made);
}

}  // namespace gradbook::fuzz
