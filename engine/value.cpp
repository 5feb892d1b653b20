#include "engine/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <unordered_map>

#include "engine/errors.hpp"
#include "engine/grad_mode.hpp"
#include "engine/rules.hpp"

namespace gradbook {

namespace {

constinit thread_local std::uint64_t created = 0;
constinit thread_local std::uint64_t recorded = 0;
constinit thread_local std::uint64_t newest_change = 0;  // what the last set_data() wrote to a leaf
constinit thread_local std::uint32_t walks = 0;

/// A mark that no living node carries. (They repeat after four billion.)
std::uint32_t next_walk() { return ++walks; }

constinit thread_local std::size_t labelled = 0;  // nodes that have a label

/// The labels of the nodes that have one: few do. Never destroyed: a static Value may live longer.
std::unordered_map<const ValueNode*, std::string>& labels() {
  thread_local auto* const table = new std::unordered_map<const ValueNode*, std::string>;
  return *table;
}

template <class Rule>
constexpr bool has_two_inputs = std::size(Rule::reads) == 2;

/// The row `Rule`, read on double.
template <class Rule>
const ScalarRule scalar_rule{
    Rule::name,
    [] {
      std::array<unsigned, 2> reads{};
      std::copy(std::begin(Rule::reads), std::end(Rule::reads), reads.begin());
      return reads;
    }(),
    [](double g, double a, [[maybe_unused]] double b, double y) -> std::array<double, 2> {
      if constexpr (has_two_inputs<Rule>) {
        return {Rule::vjp_a(g, a, b, y), Rule::vjp_b(g, a, b, y)};
      } else if constexpr (requires { Rule::vjp(g, a, y); }) {
        return {Rule::vjp(g, a, y), 0};
      } else {
        return {Rule::vjp_a(g, a, b, y), 0};
      }
    }};

[[noreturn]] void throw_changed(const ValueNode& node, std::size_t input) {
  throw SavedTensorChangedError(fmt::format(
      "{}: its input {}, now {}, was changed by set_data() after it was used: change it "
      "after backward(), or compute the graph anew",
      node.rule->name, input == 0 ? "a" : "b", number_text(node.parents[input]->data)));
}

/// Throws if a leaf that a derivative reads was changed since.
void check_unchanged(std::span<ValueNode* const> results) {
  for (const ValueNode* node : results) {
    for (std::size_t i = 0; i < 2; ++i) {
      const ValueNode* parent = node->parents[i].get();
      if (parent == nullptr || parent->rule != nullptr) continue;
      if (parent->changed >= node->number && node->rule->reads_input(i)) throw_changed(*node, i);
    }
  }
}

/// The results among what `root` was computed from, and itself, newest first: parents come after
/// children. Leaves are left out, since they hand nothing on; there may be gaps, which are null.
/// Throws as check_unchanged() does. Valid until the next call, which finds its room already there.
std::span<ValueNode* const> results_newest_first(ValueNode* root) {
  thread_local std::vector<ValueNode*> results;
  results.clear();
  const std::uint32_t walk = next_walk();
  std::uint64_t oldest = root->number + 1;
  bool in_order = true;
  const auto visit = [&](ValueNode* node) {
    if (node->walk == walk) return;
    node->walk = walk;
    in_order = in_order && node->number < oldest;
    oldest = std::min(oldest, node->number);
    results.push_back(node);
  };
  if (root->rule != nullptr) visit(root);
  for (std::size_t k = 0; k < results.size(); ++k) {
    for (const Ref<ValueNode>& parent : results[k]->parents) {
      if (parent && parent->rule != nullptr) visit(parent.get());
    }
  }
  if (newest_change >= oldest) check_unchanged(results);
  if (in_order) return results;

  const std::uint64_t span = root->number - oldest + 1;
  if (span > 4 * results.size()) {
    std::sort(results.begin(), results.end(),
              [](const ValueNode* a, const ValueNode* b) { return a->number > b->number; });
    return results;
  }
  // The numbers of one graph lie close together: each node goes to the place of its number.
  thread_local std::vector<ValueNode*> placed;
  placed.assign(span, nullptr);
  for (ValueNode* node : results) placed[root->number - node->number] = node;
  return placed;
}

}  // namespace

// Freeing a node may free its parents in turn. They wait in a list, so a chain of any length is
// freed without recursion.
void ValueNode::dispose(ValueNode* node) {
  node->next_doomed = nullptr;
  while (node != nullptr) {
    ValueNode* next = node->next_doomed;
    for (Ref<ValueNode>& parent : node->parents) {
      ValueNode* orphan = parent.drop();
      if (orphan != nullptr) orphan->next_doomed = std::exchange(next, orphan);
    }
    if (labelled > 0) labelled -= labels().erase(node);
    delete std::exchange(node, next);
  }
}

Value::Value(double data) : node_(make_ref<ValueNode>(data, ++created)) {}

Value::Value(double data, std::string label) : Value(data) { set_label(std::move(label)); }

// The one door onto the graph of Values.
Value Value::record(double data, const ScalarRule& rule, const Ref<ValueNode>& a,
                    const Ref<ValueNode>& b, double constant) {
  if (!GradMode::enabled()) return data;
  ++recorded;
  return Value(make_ref<ValueNode>(data, ++created, rule, a, b, constant));
}

template <class Rule>
Value Value::unary(const Value& x) {
  return record(Rule::forward(x.data()), scalar_rule<Rule>, x.node_, nullptr, 0);
}

template <class Rule>
Value Value::binary(const Value& a, const Value& b) {
  return record(Rule::forward(a.data(), b.data()), scalar_rule<Rule>, a.node_, b.node_, 0);
}

Value operator+(const Value& a, const Value& b) { return Value::binary<rules::Add>(a, b); }
Value operator-(const Value& a, const Value& b) { return Value::binary<rules::Sub>(a, b); }
Value operator*(const Value& a, const Value& b) { return Value::binary<rules::Mul>(a, b); }
Value operator/(const Value& a, const Value& b) { return Value::binary<rules::Div>(a, b); }
Value Value::operator-() const { return unary<rules::Neg>(*this); }
Value Value::exp() const { return unary<rules::Exp>(*this); }
Value Value::log() const { return unary<rules::Log>(*this); }
Value Value::sqrt() const { return unary<rules::Sqrt>(*this); }
Value Value::tanh() const { return unary<rules::Tanh>(*this); }
Value Value::sigmoid() const { return unary<rules::Sigmoid>(*this); }
Value Value::relu() const { return unary<rules::Relu>(*this); }
Value Value::pow(double exponent) const {
  return record(rules::Pow::forward(data(), exponent), scalar_rule<rules::Pow>, node_, nullptr,
                exponent);
}

void Value::backward() const {
  const std::span<ValueNode* const> results = results_newest_first(node_.get());
  const std::uint32_t receiving = next_walk();
  // Leaves accumulate over calls. Of all others the first gradient to arrive replaces the old one.
  const auto give = [receiving](ValueNode& node, double gradient) {
    if (node.rule != nullptr && node.walk != receiving) {
      node.walk = receiving;
      node.grad = gradient;
    } else {
      node.grad += gradient;
    }
  };
  give(*node_, 1);
  for (const ValueNode* node : results) {
    if (node == nullptr) continue;
    ValueNode& a = *node->parents[0];  // every result has one
    ValueNode* const b = node->parents[1].get();
    const auto gradients =
        node->rule->vjp(node->grad, a.data, b != nullptr ? b->data : node->constant, node->data);
    give(a, gradients[0]);
    if (b != nullptr) give(*b, gradients[1]);
  }
}

void Value::set_data(double data) {
  if (!is_leaf()) {
    throw InPlaceError(
        fmt::format("set_data: this Value is the result of {}; change a leaf and compute it anew",
                    node_->rule->name));
  }
  node_->data = data;
  node_->changed = newest_change = created;
}

std::vector<Value> Value::parents() const {
  std::vector<Value> result;
  for (const Ref<ValueNode>& parent : node_->parents) {
    if (parent) result.push_back(Value(parent));
  }
  return result;
}

const std::string& ValueNode::label() const {
  static const std::string none;
  const auto found = labels().find(this);
  return found == labels().end() ? none : found->second;
}

Value& Value::set_label(std::string label) {
  labels()[node_.get()] = std::move(label);
  labelled = labels().size();
  return *this;
}

std::string number_text(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string Value::to_string() const {
  return fmt::format("Value(data={}, grad={})", number_text(data()), number_text(grad()));
}

std::uint64_t recorded_values() { return recorded; }

}  // namespace gradbook
