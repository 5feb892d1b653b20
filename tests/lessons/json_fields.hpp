// The documented fields of the JSON output, and what in a given object departs from them.
#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/lessons/json_numbers.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {

using Fields = std::set<std::string>;
using Types = std::map<std::string, std::string>;  // a field's path, and its type in words

// The tables of README.md: the fields under each heading; a heading may name several things.
inline std::map<std::string, Types> documented() {
  std::map<std::string, Types> types;
  std::vector<std::string> headings;
  bool in_json = false;
  std::istringstream lines(
      read_text(std::string(GRADBOOK_SOURCE_DIR) + "/lessons/workbook/README.md"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) {
      in_json = line == "## JSON" || (in_json && line.starts_with("###"));
      headings.clear();
      for (std::size_t at = line.find('`'); at != std::string::npos; at = line.find('`', at + 1)) {
        const std::size_t end = line.find('`', at + 1);
        headings.push_back(line.substr(at + 1, end - at - 1));
        at = end;
      }
    } else if (in_json && line.starts_with("| `")) {
      const std::size_t name_end = line.find('`', 3);
      const std::size_t type = name_end + 4;  // after "` | "
      const std::size_t type_end = line.find(" |", type);
      for (const std::string& heading : headings)
        types[heading][line.substr(3, name_end - 3)] = line.substr(type, type_end - type);
    }
  }
  return types;
}

inline Fields names_of(const Types& types) {
  Fields names;
  for (const auto& [name, type] : types) names.insert(name);
  return names;
}

// Names of all fields in `value`, nested ones with their path; not below `open`, where names are
// free.
inline void collect(const nlohmann::json& value, const std::string& path, const Fields& open,
                    Fields& fields) {
  if (value.is_array()) {
    for (const nlohmann::json& element : value) collect(element, path + "[]", open, fields);
  } else if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      const std::string inner = path.empty() ? key : path + "." + key;
      fields.insert(inner);
      if (!open.contains(inner)) collect(child, inner, open, fields);
    }
  }
}

inline Fields produced(const nlohmann::json& value, const Fields& open = {}) {
  Fields fields;
  collect(value, "", open, fields);
  return fields;
}

// "array of strings": one of the alternatives of a type, in the singular or the plural.
inline bool is_one(const nlohmann::json& value, const std::string& type) {
  const std::size_t of = type.find(" of ");
  std::string name = type.substr(0, of);
  if (name.ends_with('s')) name.pop_back();
  if (of != std::string::npos) {
    return name == "array" && value.is_array() &&
           std::ranges::all_of(value, [&](const nlohmann::json& element) {
             return is_one(element, type.substr(of + 4));
           });
  }
  if (name == "string") return value.is_string();
  if (name == "integer") return value.is_number_integer();
  if (name == "number") return number_in(value).has_value();
  if (name == "bool") return value.is_boolean();
  if (name == "null") return value.is_null();
  if (name == "array") return value.is_array();
  if (name == "object") return value.is_object();
  throw std::logic_error("README.md has the unknown type '" + name + "'");
}

/// Is `value` of a type as the README writes it: "number, array or null"?
inline bool is_of(const nlohmann::json& value, std::string_view type) {
  std::string rest(type);
  while (true) {
    const std::size_t end = std::min(rest.find(", "), rest.find(" or "));
    if (is_one(value, rest.substr(0, end))) return true;
    if (end == std::string::npos) return false;
    rest = rest.substr(end + (rest[end] == ',' ? 2 : 4));
  }
}

inline void compare_fields(const nlohmann::json& value, const std::string& path, const Types& types,
                           const Fields& open, std::vector<std::string>& departures) {
  if (value.is_array()) {
    for (const nlohmann::json& element : value)
      compare_fields(element, path + "[]", types, open, departures);
  }
  if (!value.is_object()) return;
  const std::string prefix = path.empty() ? "" : path + ".";
  for (const auto& [name, type] : types) {
    const std::string key = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
    const bool is_here = !key.empty() && key.find_first_of(".[") == std::string::npos;
    if (is_here && !value.contains(key)) departures.push_back(name + " is missing");
  }
  for (const auto& [key, child] : value.items()) {
    const std::string inner = prefix + key;
    const auto known = types.find(inner);
    if (known == types.end()) {
      departures.push_back(inner + " is not documented");
    } else if (!is_of(child, known->second)) {
      departures.push_back(inner + " is no " + known->second + ": " + child.dump());
    }
    if (!open.contains(inner)) compare_fields(child, inner, types, open, departures);
  }
}

/// Where `value` is not as `types` has it: fields that are missing, not documented or of another
/// type. What stands below `open` is free.
inline std::vector<std::string> departures_from(const Types& types, const nlohmann::json& value,
                                                const Fields& open = {}) {
  std::vector<std::string> departures;
  compare_fields(value, "", types, open, departures);
  return departures;
}

/// A figure of a lesson: number, array of numbers (nested as deep as its shape), text, truth value.
inline bool is_figure(const nlohmann::json& value) {
  if (value.is_array()) {
    return std::ranges::all_of(value, [](const nlohmann::json& element) {
      return element.is_array() ? is_figure(element) : number_in(element).has_value();
    });
  }
  return value.is_string() || value.is_boolean() || value.is_number();
}

}  // namespace gradbook::workbook
