#include "tests/fuzz/draft.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gradbook::fuzz {

namespace {

/// Which inputs' gradients read a, b and the result, as bits: engine/parity.md.
struct Reads {
  std::string_view op;
  unsigned a;
  unsigned b;
  unsigned result;
};
constexpr Reads reads[] = {
    {"mul", 2, 1, 0},  {"mul_", 2, 1, 0},       {"matmul", 2, 1, 0}, {"div", 2, 3, 0},
    {"gate", 0, 1, 0}, {"pow", 1, 0, 0},        {"log", 1, 0, 0},    {"exp", 0, 0, 1},
    {"sqrt", 0, 0, 1}, {"reciprocal", 0, 0, 1}, {"tanh", 0, 0, 1},   {"sigmoid", 0, 0, 1},
    {"relu", 0, 0, 1},
};

const Reads* reads_of(std::string_view op) {
  const auto* found = std::find_if(std::begin(reads), std::end(reads),
                                   [&](const Reads& each) { return each.op == op; });
  return found == std::end(reads) ? nullptr : found;
}

}  // namespace

std::size_t Draft::numel(X x) const {
  std::size_t count = 1;
  for (const std::size_t size : shape(x)) count *= size;
  return count;
}

bool Draft::is_saved(X x) const {
  const StorageState& written = storage(x);
  const std::size_t storage_number = tensor(x).storage;
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const NodeState& each) {
    return !each.freed &&
           std::any_of(each.saved.begin(), each.saved.end(), [&](const Saved& saved) {
             return saved.storage == storage_number && saved.version == written.version;
           });
  });
}

std::vector<X> Draft::tensors() const {
  std::vector<X> lines;
  for (X x = 0; x < names_.size(); ++x) {
    if (names_[x] != kNone && tensor(x).named == x) lines.push_back(x);
  }
  return lines;
}

std::optional<X> Draft::gradient_of(X x) const {
  const TensorState& state = tensor(x);
  const std::size_t holder = state.node != kNone ? state.node : state.frozen_leaf;
  return holder == kNone ? std::nullopt : nodes_[holder].gradient;
}

// --- parts of a line -----------------------------------------------------------------------------

X Draft::push(std::string_view op, std::vector<X> inputs, Attributes attributes,
              std::size_t named) {
  const X x = program_.lines.size();
  if (reference::computes_a_tensor(op)) {
    ++operations_;
    for (const X input : inputs) {
      if (names_[input] != kNone) ++tensor(input).uses;
    }
  }
  program_.lines.push_back({std::string(op), std::move(inputs), std::move(attributes), {}});
  names_.push_back(named);
  if (named != kNone && tensors_[named].named == kNone) tensors_[named].named = x;
  return x;
}

std::size_t Draft::new_tensor(const Shape& shape, const Range& range) {
  storages_.push_back({range, 0, 1, 0});
  tensors_.push_back({shape, storages_.size() - 1, kNone, kNone, 0, kNone});
  return tensors_.size() - 1;
}

std::size_t Draft::new_alias(std::size_t original, const Shape& shape, bool is_view) {
  const std::size_t shared = tensors_[original].storage;
  ++storages_[shared].tensors;
  if (is_view) ++storages_[shared].views;
  tensors_.push_back({shape, shared, kNone, kNone, 0, kNone});
  return tensors_.size() - 1;
}

std::size_t Draft::new_leaf_node(const Shape& shape) {
  NodeState leaf;
  leaf.is_leaf = true;
  leaf.keeps_gradient = true;
  leaf.shape = shape;
  nodes_.push_back(std::move(leaf));
  stale_is_known_ = false;
  return nodes_.size() - 1;
}

std::size_t Draft::new_node(std::string_view op, const std::vector<X>& inputs, const Shape& shape,
                            bool over_dims) {
  const auto wanted = [&](X x) { return requires_grad(x); };
  if (!recording_ || std::none_of(inputs.begin(), inputs.end(), wanted)) return kNone;
  NodeState made;
  made.shape = shape;
  unsigned towards = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    made.inputs.push_back(tensor(inputs[i]).node);
    if (made.inputs.back() != kNone) towards |= 1U << i;
  }
  const auto save = [&](X x, unsigned readers) {
    if ((readers & towards) == 0) return;
    made.saved.push_back({tensor(x).storage, storage(x).version, tensor(x).node, readers});
  };
  const Reads* read = reads_of(op);
  const bool by_scalar = inputs.size() == 1 && read != nullptr && read->b != 0;
  if (read != nullptr && !by_scalar) {
    // mul_ keeps a copy of what it writes over.
    if (op.back() != '_') save(inputs[0], read->a);
    if (inputs.size() > 1) save(inputs[1], read->b);
  }
  // Only LibTorch 1.13 does, but it is to find what it saved.
  if (op == "mean" && over_dims) save(inputs[0], 1);
  nodes_.push_back(std::move(made));
  stale_is_known_ = false;
  return nodes_.size() - 1;
}

void Draft::save_result(std::string_view op, std::size_t node, std::size_t storage) {
  const Reads* read = reads_of(op);
  if (node == kNone || read == nullptr || read->result == 0) return;
  nodes_[node].saved.push_back({storage, storages_[storage].version, node, read->result});
}

// --- lines ---------------------------------------------------------------------------------------

X Draft::leaf(Snapshot data, const Range& range, bool requires_grad) {
  const std::size_t made = new_tensor(data.shape, range);
  if (requires_grad) tensors_[made].node = new_leaf_node(data.shape);
  const X x = push("leaf", {}, {{"requires_grad", {requires_grad ? 1.0 : 0.0}}}, made);
  program_.lines[x].data = std::move(data);
  return x;
}

X Draft::compute(std::string_view op, const std::vector<X>& inputs, const Shape& shape,
                 const Range& range, Attributes attributes) {
  const bool over_dims = std::any_of(attributes.begin(), attributes.end(), [](const auto& each) {
    return each.first == "dims" && !each.second.empty();
  });
  const std::size_t node = new_node(op, inputs, shape, over_dims);
  const std::size_t made = new_tensor(shape, range);
  tensors_[made].node = node;
  save_result(op, node, tensors_[made].storage);
  return push(op, inputs, std::move(attributes), made);
}

X Draft::alias(std::string_view op, X x, const Shape& shape, Attributes attributes) {
  const bool is_reshape = op != "detach";
  const std::size_t node = is_reshape ? new_node(op, {x}, shape, false) : kNone;
  const std::size_t made = new_alias(names_[x], shape, is_reshape);
  tensors_[made].node = node;
  return push(op, {x}, std::move(attributes), made);
}

X Draft::write(std::string_view op, const std::vector<X>& inputs, const Range& range,
               Attributes attributes) {
  const std::size_t written = names_[inputs[0]];
  const std::size_t node = new_node(op, inputs, shape(inputs[0]), false);
  TensorState& self = tensors_[written];
  if (node != kNone) {
    nodes_[node].keeps_gradient = self.node != kNone && nodes_[self.node].keeps_gradient;
    self.node = node;
  }
  ++storages_[self.storage].version;
  storages_[self.storage].range = range;
  stale_is_known_ = false;
  return push(op, inputs, std::move(attributes), written);
}

void Draft::set_recording(bool recording) {
  recording_ = recording;
  push(recording ? "end_no_grad" : "no_grad", {}, {}, kNone);
}

void Draft::retain_grad(X x) {
  nodes_[tensor(x).node].keeps_gradient = true;
  push("retain_grad", {x}, {}, kNone);
}

void Draft::require_grad(X x, bool wanted) {
  TensorState& self = tensor(x);
  if (wanted != (self.node != kNone) && is_leaf(x)) {
    if (!wanted) {
      self.frozen_leaf = std::exchange(self.node, kNone);
      nodes_[self.frozen_leaf].keeps_gradient = false;
    } else if (self.frozen_leaf != kNone) {
      self.node = std::exchange(self.frozen_leaf, kNone);
      nodes_[self.node].keeps_gradient = true;
    } else {
      self.node = new_leaf_node(self.shape);
    }
  }
  push("requires_grad_", {x}, {{"wanted", {wanted ? 1.0 : 0.0}}}, kNone);
}

void Draft::zero_grad(X x) {
  const TensorState& self = tensor(x);
  const std::size_t holder = self.node != kNone ? self.node : self.frozen_leaf;
  if (holder != kNone) nodes_[holder].gradient.reset();
  push("zero_grad", {x}, {}, kNone);
}

X Draft::grad_of(X x) { return push("grad_of", {x}, {}, *gradient_of(x)); }

X Draft::statement(std::string_view op, std::vector<X> inputs, Attributes attributes) {
  return push(op, std::move(inputs), std::move(attributes), kNone);
}

}  // namespace gradbook::fuzz
