// What `gradbook verify` found, as a page for people and as JSON for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lessons/workbook/terminal.hpp"
#include "reference/accuracy.hpp"

namespace gradbook::workbook {

struct AccuracyRun {
  std::uint64_t seed = 0;
  std::uint64_t samples = 0;
  std::vector<reference::Accuracy> results = {};
  bool interrupted = false;  // results are those that there were by then
  double seconds = 0;

  /// Measured to the end, and every result is ok.
  bool passed() const;
};

/// A table with a row for each result, what it means, and what failed.
std::string to_text(const AccuracyRun& run, const TerminalRenderer& style);

/// One JSON object on one line, ended by a line break. Its fields: README.md.
std::string to_json(const AccuracyRun& run);

}  // namespace gradbook::workbook
