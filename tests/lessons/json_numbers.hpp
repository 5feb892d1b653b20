// Numbers out of the JSON output, in which those that are not finite are texts.
#pragma once

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <vector>

#include "engine/snapshot.hpp"

namespace gradbook::workbook {

/// Nothing where `value` is neither a number nor the text "nan", "inf" or "-inf".
inline std::optional<double> number_in(const nlohmann::json& value) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (value.is_number()) return value.get<double>();
  if (value == "nan") return std::nan("");
  if (value == "inf") return infinity;
  if (value == "-inf") return -infinity;
  return std::nullopt;
}

inline void append_numbers(const nlohmann::json& value, std::vector<double>& numbers) {
  if (value.is_array()) {
    for (const nlohmann::json& element : value) append_numbers(element, numbers);
  } else if (const std::optional<double> number = number_in(value)) {
    numbers.push_back(*number);
  } else {
    throw std::invalid_argument("expected a number, not " + value.dump());
  }
}

/// A number or nested arrays of them. Throws std::invalid_argument where anything else is among
/// them.
inline Snapshot snapshot_of(const nlohmann::json& value) {
  Snapshot result;
  result.values.clear();
  for (const nlohmann::json* level = &value; level->is_array(); level = &level->front()) {
    result.shape.push_back(level->size());
    if (level->empty()) break;
  }
  append_numbers(value, result.values);
  return result;
}

}  // namespace gradbook::workbook
