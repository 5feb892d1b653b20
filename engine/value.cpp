#include "engine/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/errors.hpp"
#include "engine/grad_mode.hpp"
#include "engine/rules.hpp"

namespace gradbook {

namespace {

thread_local std::uint64_t created = 0;
thread_local std::uint64_t recorded = 0;
thread_local std::uint64_t walks = 0;

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

Ref<ValueNode> new_leaf(double data) {
  auto node = make_ref<ValueNode>();
  node->data = data;
  node->number = ++created;
  return node;
}

/// Everything that `root` was computed from and itself, newest first: parents come after children.
std::vector<ValueNode*> newest_first(ValueNode* root) {
  const std::uint64_t walk = ++walks;
  std::vector<ValueNode*> nodes{root};
  root->walk = walk;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const Ref<ValueNode>& parent : nodes[i]->parents) {
      if (!parent || parent->walk == walk) continue;
      parent->walk = walk;
      nodes.push_back(parent.get());
    }
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const ValueNode* a, const ValueNode* b) { return a->number > b->number; });
  return nodes;
}

void check_unchanged(const ValueNode& node) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!node.parents[i] || node.parents[i]->version == node.parent_versions[i]) continue;
    const unsigned flag = 1U << i;
    if (((node.rule->reads[0] | node.rule->reads[1]) & flag) == 0) continue;
    throw SavedTensorChangedError(fmt::format(
        "{}: its input {} was changed by set_data() after it was used (then at version {}, now at "
        "{}): "
        "change it after backward(), or compute the graph anew",
        node.rule->name, i == 0 ? "a" : "b", node.parent_versions[i], node.parents[i]->version));
  }
}

}  // namespace

// Freeing a node may free its parents in turn; they queue in a list through `next_doomed`, so a
// chain of any length is freed without recursion.
void ValueNode::dispose(ValueNode* node) {
  thread_local ValueNode* doomed = nullptr;
  thread_local bool disposing = false;
  node->next_doomed = doomed;
  doomed = node;
  if (disposing) return;
  disposing = true;
  while (doomed != nullptr) {
    ValueNode* next = std::exchange(doomed, doomed->next_doomed);
    delete next;
  }
  disposing = false;
}

Value::Value(double data) : node_(new_leaf(data)) {}

Value::Value(double data, std::string label) : Value(data) { set_label(std::move(label)); }

// The one door onto the graph of Values.
Value Value::record(double data, const ScalarRule& rule, const Value& a, const Value* b,
                    double constant) {
  Value result(data);
  if (!GradMode::enabled()) return result;
  ++recorded;
  ValueNode& node = *result.node_;
  node.rule = &rule;
  node.constant = constant;
  node.parents[0] = a.node_;
  node.parent_versions[0] = a.node_->version;
  if (b != nullptr) {
    node.parents[1] = b->node_;
    node.parent_versions[1] = b->node_->version;
  }
  return result;
}

template <class Rule>
Value Value::unary(const Value& x) {
  return record(Rule::forward(x.data()), scalar_rule<Rule>, x, nullptr, 0);
}

template <class Rule>
Value Value::binary(const Value& a, const Value& b) {
  return record(Rule::forward(a.data(), b.data()), scalar_rule<Rule>, a, &b, 0);
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
  return record(rules::Pow::forward(data(), exponent), scalar_rule<rules::Pow>, *this, nullptr,
                exponent);
}

void Value::backward() const {
  const std::vector<ValueNode*> nodes = newest_first(node_.get());
  for (const ValueNode* node : nodes) {
    if (node->rule != nullptr) check_unchanged(*node);
  }
  for (ValueNode* node : nodes) {
    if (node->rule != nullptr) node->grad = 0;
  }
  node_->grad += 1;
  for (ValueNode* node : nodes) {
    if (node->rule == nullptr) continue;
    const auto gradients = node->rule->vjp(node->grad, node->input(0), node->input(1), node->data);
    for (std::size_t i = 0; i < 2; ++i) {
      if (node->parents[i]) node->parents[i]->grad += gradients[i];
    }
  }
}

void Value::set_data(double data) {
  if (!is_leaf()) {
    throw InPlaceError(
        fmt::format("set_data: this Value is the result of {}; change a leaf and compute it anew",
                    node_->rule->name));
  }
  node_->data = data;
  ++node_->version;
}

std::vector<Value> Value::parents() const {
  std::vector<Value> result;
  for (const Ref<ValueNode>& parent : node_->parents) {
    if (parent) result.push_back(Value(parent));
  }
  return result;
}

const std::string& Value::label() const {
  static const std::string none;
  return node_->label ? *node_->label : none;
}

Value& Value::set_label(std::string label) {
  node_->label = std::make_unique<std::string>(std::move(label));
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
