// The documented fields of the JSON output, and those of a given object.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {

using Fields = std::set<std::string>;

// The tables of README.md: the fields under each heading; a heading may name several things.
inline std::map<std::string, Fields> documented() {
  std::map<std::string, Fields> fields;
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
      for (const std::string& heading : headings)
        fields[heading].insert(line.substr(3, line.find('`', 3) - 3));
    }
  }
  return fields;
}

// Names of all fields in `value`, nested ones with their path; not below `closed`, where names are
// free.
inline void collect(const nlohmann::json& value, const std::string& path, const Fields& closed,
                    Fields& fields) {
  if (value.is_array()) {
    for (const nlohmann::json& element : value) collect(element, path + "[]", closed, fields);
  } else if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      const std::string inner = path.empty() ? key : path + "." + key;
      fields.insert(inner);
      if (!closed.contains(inner)) collect(child, inner, closed, fields);
    }
  }
}

inline Fields produced(const nlohmann::json& value, const Fields& closed = {}) {
  Fields fields;
  collect(value, "", closed, fields);
  return fields;
}

}  // namespace gradbook::workbook
