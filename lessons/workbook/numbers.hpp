// Numbers as text, in one style for every lesson.
#pragma once

#include <cstddef>
#include <string>

#include "engine/snapshot.hpp"
#include "reference/results.hpp"

namespace gradbook::workbook {

/// `digits` digits after the point: number(0.60437, 4) is "0.6044". "nan", "inf", "-inf" for the
/// rest.
std::string number(double value, int digits);

/// As many significant digits as are needed, at most `significant`: 49, 0.16666667, 1e-12.
std::string number(double value);
std::string number_significant(double value, int significant);

/// An error: "0", or two significant digits: "1.2e-07", "0.5".
std::string error_text(double error);

/// "980 B", "4.9 KiB", "12 MiB".
std::string bytes_text(std::size_t bytes);

/// "0.8 ms", "12 ms", "3.4 s", "2 min 05 s".
std::string seconds_text(double seconds);

/// A number or a nested array, "[[1, 2], [3, 4]]", with at most `significant` digits a number.
/// A float32 value is written with the digits float32 has: 0.8, not 0.80000001.
std::string array_text(const Snapshot& value, reference::Precision precision, int significant = 8);

}  // namespace gradbook::workbook
