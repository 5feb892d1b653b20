// What a lesson hands to a check or a figure: plain numbers with the precision they were computed
// in.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "engine/snapshot.hpp"
#include "reference/results.hpp"

namespace gradbook::workbook {

using reference::Precision;

/// Whatever can be asked for its numbers: Tensor (float32) and Tensor64 (float64).
template <class T>
concept HasSnapshot = requires(const T& t) {
  { t.snapshot() } -> std::convertible_to<Snapshot>;
};

/// Whatever is one double: Value.
template <class T>
concept HasScalarData = !HasSnapshot<T> && requires(const T& t) {
  { t.data() } -> std::convertible_to<double>;
};

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;

/// float32 for a Tensor, float64 for everything that computes in double.
template <class T>
constexpr Precision precision_of() {
  if constexpr (requires { typename T::value_type; }) {
    return std::same_as<typename T::value_type, float> ? Precision::float32 : Precision::float64;
  } else {
    return std::same_as<T, float> ? Precision::float32 : Precision::float64;
  }
}

/// A number or an array, of any shape, and the precision it was computed in. Converts by itself
/// from a number, a vector of numbers, a Value, a Tensor or Tensor64, and a Snapshot. A Snapshot
/// does not say where it came from and counts as float64, the stricter of the two: hand
/// Quantity(snapshot, Precision::float32) where that is meant.
struct Quantity {
  Snapshot value;
  Precision precision = Precision::float64;

  template <Number T>
  Quantity(T number) : value(static_cast<double>(number)), precision(precision_of<T>()) {}

  template <Number T>
  Quantity(const std::vector<T>& numbers) : precision(precision_of<T>()) {
    value.shape = {numbers.size()};
    value.values.assign(numbers.begin(), numbers.end());
  }

  template <HasSnapshot T>
  Quantity(const T& tensor) : value(tensor.snapshot()), precision(precision_of<T>()) {}

  template <HasScalarData T>
  Quantity(const T& scalar) : value(static_cast<double>(scalar.data())) {}

  Quantity(Snapshot snapshot, Precision computed_in = Precision::float64)
      : value(std::move(snapshot)), precision(computed_in) {}

  Quantity(bool) = delete;  // a statement is a claim, not a quantity
};

/// What a figure may be: numbers, a text or a truth value.
struct FigureValue {
  std::variant<Quantity, std::string, bool> value;

  template <class T>
  requires(std::convertible_to<const T&, Quantity> && !std::convertible_to<T, std::string_view>)
      FigureValue(const T& quantity)
      : value(Quantity(quantity)) {}
  FigureValue(bool truth) : value(truth) {}
  FigureValue(std::string text) : value(std::move(text)) {}
  FigureValue(std::string_view text) : value(std::string(text)) {}
  FigureValue(const char* text) : value(std::string(text)) {}
};

}  // namespace gradbook::workbook
