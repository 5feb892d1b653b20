#pragma once

#include <string>

#include "lessons/workbook/terminal.hpp"
#include "tests/fuzz/report.hpp"

namespace gradbook::fuzz {

/// A report for people: conditions, counts, and every finding that is kept with its program in C++.
std::string report_text(const Report& report, const workbook::TerminalRenderer& style);

/// "12,345 of 20,000 programs, 410 a second, no disagreement, 19 s left".
std::string progress_text(const Report& report);

/// "20,000 programs: no disagreement", "3 disagreements in 20,000 programs".
std::string verdict_text(const Report& report);

}  // namespace gradbook::fuzz
