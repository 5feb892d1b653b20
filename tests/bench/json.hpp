#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/bench/report.hpp"
#include "tests/bench/table.hpp"

namespace gradbook::bench {

/// Version of the file that to_json() describes; goes up when a field changes its meaning.
inline constexpr int schema_version = 1;

/// The report for programs, and for a later --compare; tests/bench/README.md lists the fields.
nlohmann::json to_json(const Report& report);

/// Reads a file that --json wrote. Throws std::runtime_error, saying what was expected, for any
/// other.
nlohmann::json read_report(const std::string& path);

/// The rows of `report` beside those of an earlier one: ratios and engine times, old and new.
Table comparison(const Report& report, const nlohmann::json& earlier);

}  // namespace gradbook::bench
