#pragma once

#include <cmath>
#include <concepts>
#include <string_view>

#include "engine/reads.hpp"

/// The table of derivatives. Each elementwise operation is one row: its name, what its gradient
/// reads, the forward formula, and for each input the vector-Jacobian product (vjp), that is, the
/// gradient of the loss with respect to the input, given `g`, the gradient with respect to the
/// result.
///
/// Each formula is written once and read three ways: on `double` for Value; on the elements of a
/// Tensor, inside one fused loop, so that a whole vjp makes no temporaries; and on Tensor itself
/// when the backward pass is recorded (create_graph). Hence the style of a row: integer literals
/// (1.0 would turn float into double), no named locals, and the whole vjp, not a local gradient to
/// be multiplied by g later, since only so can relu give 0 for an infinite g.
///
/// Formulas: any calculus text; where a textbook leaves an edge open (relu at 0, pow with exponent
/// 0), LibTorch's derivatives.yaml decides.
namespace gradbook::rules {

using std::exp;
using std::log;
using std::sqrt;
using std::tanh;

// The few functions that the rows need and <cmath> lacks. Tensor has its own of the same names.

/// `g` where not `y <= 0`, else 0 (never 0 * g, which is NaN for an infinite g). NaN passes g.
template <std::floating_point T>
T gate(const T& g, const T& y) {
  return y <= 0 ? T{0} : g;
}

/// Zero of the kind of `g`.
template <std::floating_point T>
T zero_like(const T&) {
  return T{0};
}

/// `a` to the power of `b`. To the power of 1/2 or -1/2 it is a root, as in LibTorch: C's pow has
/// another opinion of -inf and of -0.
template <std::floating_point T>
T pow(const T& a, const T& b) {
  if (b == T{0.5}) return sqrt(a);
  if (b == T{-0.5}) return 1 / sqrt(a);
  return std::pow(a, b);
}

/// One less: the exponent of a power's derivative.
template <std::floating_point T>
T less_one(const T& b) {
  return b - 1;
}

/// A whole exponent known where a loop is compiled: the power is a product there.
template <int n>
struct Whole {
  friend constexpr bool operator==(Whole, int other) { return n == other; }
  template <std::floating_point T>
  friend T operator*(Whole, const T& x) {
    return n * x;
  }
};
template <int n>
Whole<n - 1> less_one(Whole<n>) {
  return {};
}
template <std::floating_point T, int n>
T pow(const T& a, Whole<n>) {
  static_assert(n > 0);
  T product = a;
  for (int i = 1; i < n; ++i) product *= a;
  return product;
}

// clang-format off

struct Add {
  static constexpr std::string_view name = "add";
  static constexpr Reads reads[] = {kOnlyG, kOnlyG};
  static auto forward(const auto& a, const auto& b) { return a + b; }
  static auto vjp_a(const auto& g, const auto&, const auto&, const auto&) { return g; }
  static auto vjp_b(const auto& g, const auto&, const auto&, const auto&) { return g; }
};

struct Sub {
  static constexpr std::string_view name = "sub";
  static constexpr Reads reads[] = {kOnlyG, kNothing};
  static auto forward(const auto& a, const auto& b) { return a - b; }
  static auto vjp_a(const auto& g, const auto&, const auto&, const auto&) { return g; }
  static auto vjp_b(const auto& g, const auto&, const auto&, const auto&) { return -g; }
};

/// b - a for a constant b.
struct Rsub {
  static constexpr std::string_view name = "rsub";
  static constexpr Reads reads[] = {kNothing};
  static auto forward(const auto& a, const auto& b) { return b - a; }
  static auto vjp_a(const auto& g, const auto&, const auto&, const auto&) { return -g; }
};

struct Mul {
  static constexpr std::string_view name = "mul";
  static constexpr Reads reads[] = {kB, kA};
  static auto forward(const auto& a, const auto& b) { return a * b; }
  static auto vjp_a(const auto& g, const auto&, const auto& b, const auto&) { return g * b; }
  static auto vjp_b(const auto& g, const auto& a, const auto&, const auto&) { return g * a; }
};

struct Div {
  static constexpr std::string_view name = "div";
  static constexpr Reads reads[] = {kB, kA | kB};
  static auto forward(const auto& a, const auto& b) { return a / b; }
  static auto vjp_a(const auto& g, const auto&, const auto& b, const auto&) { return g / b; }
  static auto vjp_b(const auto& g, const auto& a, const auto& b, const auto&) { return -g * ((a / b) / b); }
};

/// a to the power of the constant b.
struct Pow {
  static constexpr std::string_view name = "pow";
  static constexpr Reads reads[] = {kA};
  static auto forward(const auto& a, const auto& b) { return pow(a, b); }
  static auto vjp_a(const auto& g, const auto& a, const auto& b, const auto&) {
    return b == 0 ? zero_like(g) : g * (b * pow(a, less_one(b)));
  }
};

struct Neg {
  static constexpr std::string_view name = "neg";
  static constexpr Reads reads[] = {kNothing};
  static auto forward(const auto& x) { return -x; }
  static auto vjp(const auto& g, const auto&, const auto&) { return -g; }
};

struct Reciprocal {
  static constexpr std::string_view name = "reciprocal";
  static constexpr Reads reads[] = {kResult};
  static auto forward(const auto& x) { return 1 / x; }
  static auto vjp(const auto& g, const auto&, const auto& y) { return -g * (y * y); }
};

struct Exp {
  static constexpr std::string_view name = "exp";
  static constexpr Reads reads[] = {kResult};
  static auto forward(const auto& x) { return exp(x); }
  static auto vjp(const auto& g, const auto&, const auto& y) { return g * y; }
};

struct Log {
  static constexpr std::string_view name = "log";
  static constexpr Reads reads[] = {kA};
  static auto forward(const auto& x) { return log(x); }
  static auto vjp(const auto& g, const auto& x, const auto&) { return g / x; }
};

struct Sqrt {
  static constexpr std::string_view name = "sqrt";
  static constexpr Reads reads[] = {kResult};
  static auto forward(const auto& x) { return sqrt(x); }
  static auto vjp(const auto& g, const auto&, const auto& y) { return g / (2 * y); }
};

struct Tanh {
  static constexpr std::string_view name = "tanh";
  static constexpr Reads reads[] = {kResult};
  static auto forward(const auto& x) { return tanh(x); }
  static auto vjp(const auto& g, const auto&, const auto& y) { return g * (1 - y * y); }
};

struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  static constexpr Reads reads[] = {kResult};
  static auto forward(const auto& x) { return 1 / (1 + exp(-x)); }
  static auto vjp(const auto& g, const auto&, const auto& y) { return g * ((1 - y) * y); }
};

/// max(x, 0); its derivative at 0 is 0.
struct Relu {
  static constexpr std::string_view name = "relu";
  static constexpr Reads reads[] = {kResult};
  static auto forward(const auto& x) { return x < 0 ? zero_like(x) : x; }
  static auto vjp(const auto& g, const auto&, const auto& y) { return gate(g, y); }
};

/// The vjp of relu as an operation of its own, so that it can be differentiated in turn.
struct Gate {
  static constexpr std::string_view name = "gate";
  static constexpr Reads reads[] = {kB, kNothing};
  static auto forward(const auto& a, const auto& b) { return gate(a, b); }
  static auto vjp_a(const auto& g, const auto&, const auto& b, const auto&) { return gate(g, b); }
  static auto vjp_b(const auto& g, const auto&, const auto&, const auto&) { return zero_like(g); }
};

/// The result of `a.copy_(b)`: b.
struct Copy {
  static constexpr std::string_view name = "copy";
  static constexpr Reads reads[] = {kNothing, kOnlyG};
  static auto forward(const auto&, const auto& b) { return b; }
  static auto vjp_a(const auto& g, const auto&, const auto&, const auto&) { return zero_like(g); }
  static auto vjp_b(const auto& g, const auto&, const auto&, const auto&) { return g; }
};

/// The result of `x.zero_()`.
struct Zero {
  static constexpr std::string_view name = "zero";
  static constexpr Reads reads[] = {kNothing};
  static auto forward(const auto& x) { return zero_like(x); }
  static auto vjp(const auto& g, const auto&, const auto&) { return zero_like(g); }
};

// clang-format on

}  // namespace gradbook::rules
