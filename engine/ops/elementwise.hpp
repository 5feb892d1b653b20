#pragma once

#include "engine/graph/record.hpp"
#include "engine/kernels/broadcast.hpp"
#include "engine/kernels/vector_math.hpp"
#include "engine/rules.hpp"

/// The rows of the table of derivatives (engine/rules.hpp) as operations on tensors. A backward
/// pass that is not recorded reads a row on the elements, fused into one loop; a recorded one reads
/// the same row on tensors.
namespace gradbook::ops {

/// The saved input `i` (or the result) as the row declares it: an operand of the loop ...
template <bool read, class T>
decltype(auto) as_operand(const SavedValues<T>& saved, std::size_t i) {
  if constexpr (read) {
    return i == rules::kResult ? saved.result() : saved.input(i);
  } else {
    return kernels::Absent{};
  }
}
/// ... or a tensor with its history.
template <bool read, class T>
auto as_tensor(const SavedValues<T>& saved, std::size_t i) {
  if constexpr (read) {
    return i == rules::kResult ? saved.result_tensor() : saved.input_tensor(i);
  } else {
    return rules::Unread{};
  }
}

/// A row with one input.
template <class Rule>
struct Unary {
  static constexpr std::string_view name = Rule::name;
  static constexpr auto& reads = Rule::reads;
  static constexpr bool broadcasts = false;
  static Attributes attributes() { return {}; }

  template <class T>
  static Array<T> forward(const Array<T>& x) {
    Array<T> result(x.shape());
    write(result.fresh(), x);
    return result;
  }

  template <class T>
  static void write(T* out, const Array<T>& x) {
    kernels::map_alike(
        out, x.size(), [](const T& e) { return Rule::forward(e); }, x);
  }

  template <class T>
  static BasicTensor<T> vjp(std::size_t, const BasicTensor<T>& g, const SavedValues<T>& saved) {
    constexpr bool x = (Rule::reads[0] & rules::kA) != 0;
    constexpr bool y = (Rule::reads[0] & rules::kResult) != 0;
    if (GradMode::enabled()) {
      return Rule::vjp(g, as_tensor<x>(saved, 0), as_tensor<y>(saved, rules::kResult));
    }
    return BasicTensor<T>(kernels::mapped_alike<T>(
        g.shape(),
        [](const T& ge, const auto& xe, const auto& ye) -> T { return Rule::vjp(ge, xe, ye); },
        g.array(), as_operand<x>(saved, 0), as_operand<y>(saved, rules::kResult)));
  }
};

/// A row with two tensor inputs that broadcast.
template <class Rule>
struct Binary {
  static constexpr std::string_view name = Rule::name;
  static constexpr auto& reads = Rule::reads;
  static constexpr bool broadcasts = true;
  static Attributes attributes() { return {}; }

  template <class T>
  static Array<T> forward(const Array<T>& a, const Array<T>& b) {
    Array<T> result(a.shape() == b.shape() ? a.shape()
                                           : broadcast_shapes(name, a.shape(), b.shape()));
    write(result.fresh(), result.shape(), a, b);
    return result;
  }

  template <class T>
  static void write(T* out, const Shape& shape, const Array<T>& a, const Array<T>& b) {
    kernels::map(
        out, shape, [](const T& ae, const T& be) { return Rule::forward(ae, be); }, a, b);
  }

  template <class T>
  static BasicTensor<T> vjp(std::size_t input, const BasicTensor<T>& g,
                            const SavedValues<T>& saved) {
    if (input == 0) {
      return read<Rule::reads[0]>(g, saved, [](const auto&... in) { return Rule::vjp_a(in...); });
    }
    return read<Rule::reads[1]>(g, saved, [](const auto&... in) { return Rule::vjp_b(in...); });
  }

 private:
  template <rules::Reads what, class T, class Formula>
  static BasicTensor<T> read(const BasicTensor<T>& g, const SavedValues<T>& saved,
                             const Formula& formula) {
    if constexpr (what == rules::kOnlyG) return g;
    constexpr bool a = (what & rules::kA) != 0;
    constexpr bool b = (what & rules::kB) != 0;
    if (GradMode::enabled()) {
      return formula(g, as_tensor<a>(saved, 0), as_tensor<b>(saved, 1), rules::Unread{});
    }
    return BasicTensor<T>(kernels::mapped<T>(
        g.shape(),
        [&](const T& ge, const auto& ae, const auto& be) -> T {
          return formula(ge, ae, be, rules::Unread{});
        },
        g.array(), as_operand<a>(saved, 0), as_operand<b>(saved, 1)));
  }
};

/// A row with two inputs of which the second is a constant: nothing of it needs saving.
template <class Rule>
struct WithScalar {
  static constexpr std::string_view name = Rule::name;
  static constexpr rules::Reads reads[1] = {Rule::reads[0] & ~rules::kB};
  static constexpr bool broadcasts = false;
  double scalar;
  Attributes attributes() const { return {{"scalar", {scalar}}}; }

  template <class T>
  Array<T> forward(const Array<T>& a) const {
    Array<T> result(a.shape());
    write(result.fresh(), a);
    return result;
  }

  template <class T>
  void write(T* out, const Array<T>& a) const {
    with_constant<T>([&](const auto& b) {
      kernels::map_alike(
          out, a.size(), [&b](const T& ae) { return Rule::forward(ae, b); }, a);
    });
  }

  template <class T>
  BasicTensor<T> vjp(std::size_t, const BasicTensor<T>& g, const SavedValues<T>& saved) const {
    if constexpr (reads[0] == rules::kOnlyG) return g;
    constexpr bool a = (reads[0] & rules::kA) != 0;
    if (GradMode::enabled()) {
      return Rule::vjp_a(g, as_tensor<a>(saved, 0), scalar, rules::Unread{});
    }
    return with_constant<T>([&](const auto& b) {
      return BasicTensor<T>(kernels::mapped_alike<T>(
          g.shape(),
          [&b](const T& ge, const auto& ae) -> T {
            return Rule::vjp_a(ge, ae, b, rules::Unread{});
          },
          g.array(), as_operand<a>(saved, 0)));
    });
  }

 private:
  /// Calls `f` with the constant; with the usual exponents as types, so that their loops multiply.
  template <class T, class F>
  auto with_constant(const F& f) const {
    if constexpr (std::same_as<Rule, rules::Pow>) {
      if (scalar == 2) return f(rules::Whole<2>());
      if (scalar == 3) return f(rules::Whole<3>());
    }
    return f(static_cast<T>(scalar));
  }
};

}  // namespace gradbook::ops
