#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/pool.hpp"
#include "engine/ref.hpp"

namespace gradbook {

/// One row of the table of derivatives (engine/rules.hpp) as read on `double`.
struct ScalarRule {
  std::string_view name;
  std::array<unsigned, 2> reads;  ///< which values each vjp reads
  /// Gradients of the two inputs from g, the inputs a and b, and the result y.
  std::array<double, 2> (*vjp)(double g, double a, double b, double y);

  bool reads_input(std::size_t i) const { return ((reads[0] | reads[1]) & (1U << i)) != 0; }
};

/// A number in a graph: what it is, what it came from, and its gradient. One cache line: what a
/// chain of a million of them costs is mostly how far memory is.
struct alignas(64) ValueNode : pool::Pooled {
  double data = 0;
  double grad = 0;
  const ScalarRule* rule = nullptr;  ///< null for a leaf
  std::array<Ref<ValueNode>, 2> parents;
  union {
    std::uint64_t changed = 0;  ///< of a leaf: the newest number when set_data() last wrote here
    double constant;            ///< of a result: stands for the second parent where there is none
  };
  union {
    std::uint64_t number;    ///< creation order: parents have smaller ones
    ValueNode* next_doomed;  ///< while the node waits to be freed
  };
  std::uint32_t references = 0;
  std::uint32_t walk = 0;  ///< the backward pass that saw this node last

  /// A leaf.
  ValueNode(double leaf_data, std::uint64_t creation) : data(leaf_data), number(creation) {}
  /// The result of `operation`, of two parents or of one and a constant.
  ValueNode(double result, std::uint64_t creation, const ScalarRule& operation, Ref<ValueNode> a,
            Ref<ValueNode> b, double the_constant)
      : data(result),
        rule(&operation),
        parents{std::move(a), std::move(b)},
        constant(the_constant),
        number(creation) {}

  double input(std::size_t i) const { return parents[i] ? parents[i]->data : constant; }
  const std::string& label() const;
  static void dispose(ValueNode* node);
};

/// A float64 scalar that remembers how it was computed: all that reverse-mode automatic
/// differentiation needs. A handle: copies refer to the same number in the graph. Unlike a tensor,
/// every Value keeps its gradient, and backward() may run again without retain_graph.
class Value {
 public:
  /// A leaf. Implicit, so that `2 * a` works.
  Value(double data);
  Value(double data, std::string label);

  double data() const { return node_->data; }
  double grad() const { return node_->grad; }
  /// "mul" for a product; empty for a leaf.
  std::string_view operation() const { return is_leaf() ? "" : node_->rule->name; }
  /// What this was computed from, in order; empty for a leaf. The constant of pow is not among
  /// them.
  std::vector<Value> parents() const;
  const std::string& label() const { return node_->label(); }
  /// Gives this number a name in drawings.
  Value& set_label(std::string label);
  bool is_leaf() const { return node_->rule == nullptr; }

  /// Changes a leaf, as an optimizer does. Throws InPlaceError on a result: compute it anew.
  void set_data(double data);
  /// Forgets the gradient.
  void zero_grad() { node_->grad = 0; }

  /// Gradients of this number with respect to everything it was computed from. Leaves accumulate
  /// over calls; all others are computed afresh. Throws SavedTensorChangedError if a leaf that a
  /// derivative reads was changed since.
  void backward() const;

  Value pow(double exponent) const;
  Value exp() const;
  Value log() const;
  Value sqrt() const;
  Value tanh() const;
  Value sigmoid() const;
  Value relu() const;
  Value operator-() const;
  friend Value operator+(const Value& a, const Value& b);
  friend Value operator-(const Value& a, const Value& b);
  friend Value operator*(const Value& a, const Value& b);
  friend Value operator/(const Value& a, const Value& b);
  Value& operator+=(const Value& other) { return *this = *this + other; }
  Value& operator-=(const Value& other) { return *this = *this - other; }
  Value& operator*=(const Value& other) { return *this = *this * other; }
  Value& operator/=(const Value& other) { return *this = *this / other; }

  /// "Value(data=2.0, grad=0.0)".
  std::string to_string() const;
  /// Are these two handles of the same number? (There is no ==: it would not compare data.)
  bool is_same(const Value& other) const { return node_ == other.node_; }

  const ValueNode& node() const { return *node_; }

 private:
  explicit Value(Ref<ValueNode> node) : node_(std::move(node)) {}
  template <class Rule>
  static Value unary(const Value& x);
  template <class Rule>
  static Value binary(const Value& a, const Value& b);
  static Value record(double data, const ScalarRule& rule, const Ref<ValueNode>& a,
                      const Ref<ValueNode>& b, double constant);

  Ref<ValueNode> node_;
};

/// A number as Python prints it: always with a point or an exponent ("2.0", "1e-07", "nan").
std::string number_text(double number);

/// Number of operations recorded on this thread so far.
std::uint64_t recorded_values();

}  // namespace gradbook
