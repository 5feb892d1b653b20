#pragma once

#include <string>
#include <vector>

#include "tests/bench/report.hpp"

namespace gradbook::bench {

/// Rows of cells; numbers stand to the right.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

enum class Style { text, markdown };

std::string render(const Table& table, Style style);

/// "812 ns", "4.07 µs", "13.2 ms": three digits.
std::string duration(double seconds);

/// The whole report: machine, limits, all rows, summary, memory, what is over its bar.
std::string page(const Report& report, Style style);

}  // namespace gradbook::bench
