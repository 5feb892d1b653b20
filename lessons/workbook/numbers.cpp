#include "lessons/workbook/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace gradbook::workbook {
namespace {

std::string not_finite(double value) {
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

// Whole numbers are written out, up to where a float32 stops telling neighbours apart by much.
bool is_plain_integer(double value) { return std::trunc(value) == value && std::abs(value) < 1e9; }

std::string element_text(double value, reference::Precision precision, int significant) {
  if (precision == reference::Precision::float32 && std::isfinite(value)) {
    for (int digits = 1; digits < significant; ++digits) {
      std::string text = number_significant(value, digits);
      const double read_back = std::strtod(text.c_str(), nullptr);
      if (static_cast<float>(read_back) == static_cast<float>(value)) return text;
    }
  }
  return number_significant(value, significant);
}

void append_array(std::string& out, const Snapshot& value, std::size_t dim, std::size_t& next,
                  reference::Precision precision, int significant) {
  if (dim == value.shape.size()) {
    out += element_text(value.values[next++], precision, significant);
    return;
  }
  out += '[';
  for (std::size_t i = 0; i < value.shape[dim]; ++i) {
    if (i > 0) out += ", ";
    append_array(out, value, dim + 1, next, precision, significant);
  }
  out += ']';
}

}  // namespace

std::string number(double value, int digits) {
  if (!std::isfinite(value)) return not_finite(value);
  std::string text = fmt::format("{:.{}f}", value, digits);
  const bool rounds_to_zero = text.find_first_of("123456789") == std::string::npos;
  if (rounds_to_zero && text.front() == '-') text.erase(0, 1);
  return text;
}

std::string number(double value) { return number_significant(value, 8); }

std::string number_significant(double value, int significant) {
  if (!std::isfinite(value)) return not_finite(value);
  if (is_plain_integer(value)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}g}", value, significant);
}

std::string error_text(double error) {
  if (!std::isfinite(error)) return not_finite(error);
  if (error == 0) return "0";
  return fmt::format("{:.2g}", error);
}

std::string bytes_text(std::size_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  static constexpr std::array units = {"KiB", "MiB", "GiB", "TiB"};
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (size >= 999.5 && unit + 1 < units.size()) {
    size /= 1024;
    ++unit;
  }
  return size < 9.95 ? fmt::format("{:.1f} {}", size, units[unit])
                     : fmt::format("{:.0f} {}", size, units[unit]);
}

std::string seconds_text(double seconds) {
  if (!std::isfinite(seconds)) return not_finite(seconds);
  if (seconds < 0.00995) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const long whole = std::lround(seconds);
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string array_text(const Snapshot& value, reference::Precision precision, int significant) {
  std::string out;
  std::size_t next = 0;
  append_array(out, value, 0, next, precision, significant);
  return out;
}

}  // namespace gradbook::workbook
