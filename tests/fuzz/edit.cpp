#include "tests/fuzz/edit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace gradbook::fuzz {

using reference::Line;
using reference::Precision;
using reference::Program;

std::vector<double>* attribute(Line& line, std::string_view name) {
  for (auto& [key, values] : line.attributes) {
    if (key == name) return &values;
  }
  return nullptr;
}

bool flag(const Line& line, std::string_view name) {
  return reference::number_or(line, name, 0) != 0;
}

bool gives_tensor(const Line& line) {
  constexpr std::array<std::string_view, 7> none = {
      "backward", "zero_grad", "retain_grad", "requires_grad_", "no_grad", "end_no_grad", "argmax"};
  return std::ranges::find(none, line.op) == none.end();
}

Program without(const Program& program, std::vector<bool> gone) {
  Program result{program.precision, {}};
  std::vector<std::size_t> now(program.lines.size());
  for (std::size_t i = 0; i < program.lines.size(); ++i) {
    Line line = program.lines[i];
    for (std::size_t& input : line.inputs) {
      gone[i] = gone[i] || gone[input];
      input = now[input];
    }
    now[i] = result.lines.size();
    if (!gone[i]) result.lines.push_back(std::move(line));
  }
  return result;
}

Program replaced(const Program& program, std::size_t at, std::size_t replacement) {
  Program result = program;
  for (Line& line : result.lines) std::ranges::replace(line.inputs, at, replacement);
  std::vector<bool> gone(program.lines.size(), false);
  gone[at] = true;
  return without(result, std::move(gone));
}

std::string exact(double value, Precision precision) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (precision == Precision::float32) {
    // A float32's own shortest digits are fewer; a value with more of them is kept as it is.
    const float rounded = static_cast<float>(value);
    std::string text = fmt::format("{}", rounded);
    const bool same = static_cast<float>(std::strtod(text.c_str(), nullptr)) == rounded;
    if (same && static_cast<double>(rounded) == value) return text;
  }
  return fmt::format("{}", value);
}

std::string to_text(const Program& program) {
  const auto numbers = [&](const std::vector<double>& values) {
    std::string text;
    for (const double value : values)
      text += (text.empty() ? "" : ", ") + exact(value, Precision::float64);
    return text;
  };
  std::string text = program.precision == Precision::float32 ? "float32\n" : "float64\n";
  for (std::size_t i = 0; i < program.lines.size(); ++i) {
    const Line& line = program.lines[i];
    std::vector<std::string> arguments;
    for (const std::size_t input : line.inputs) arguments.push_back(fmt::format("x{}", input));
    for (const auto& [name, values] : line.attributes) {
      const bool list = name == "dims" || name == "shape" || values.size() != 1;
      arguments.push_back(
          fmt::format(fmt::runtime(list ? "{} = [{}]" : "{} = {}"), name, numbers(values)));
    }
    if (line.op == "leaf") {
      arguments.push_back(to_string(line.data.shape));
      std::string values;
      for (const double value : line.data.values)
        values += (values.empty() ? "" : ", ") + exact(value, program.precision);
      arguments.push_back('[' + values + ']');
    }
    const std::string name =
        gives_tensor(line) || line.op == "argmax" ? fmt::format("x{} = ", i) : "";
    text += fmt::format("{}{}({})\n", name, line.op, fmt::join(arguments, ", "));
  }
  return text;
}

}  // namespace gradbook::fuzz
