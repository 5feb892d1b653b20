#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <stdexcept>

#include "reference/program.hpp"

// What a line of a program looks like: inputs and constants of each operation.

namespace gradbook::reference {

namespace {

/// A line with the most inputs needs no constants; one with a constant in the place of an input
/// does.
struct Form {
  std::string_view op;
  std::size_t least_inputs;
  std::size_t most_inputs;
  std::initializer_list<std::string_view> constants = {};
  bool computes = true;
};

constexpr bool no_tensor = false;

const Form forms[] = {
    {"add", 2, 2},
    {"sub", 2, 2},
    {"mul", 2, 2},
    {"div", 2, 2},
    {"add_", 2, 2},
    {"sub_", 2, 2},
    {"mul_", 2, 2},
    {"add", 1, 1, {"scalar"}},
    {"sub", 1, 1, {"scalar"}},
    {"mul", 1, 1, {"scalar"}},
    {"div", 1, 1, {"scalar"}},
    {"add_", 1, 1, {"scalar"}},
    {"sub_", 1, 1, {"scalar"}},
    {"mul_", 1, 1, {"scalar"}},
    {"rsub", 1, 1, {"scalar"}},
    {"pow", 1, 1, {"scalar"}},
    {"gate", 2, 2},
    {"copy_", 2, 2},
    {"neg", 1, 1},
    {"reciprocal", 1, 1},
    {"exp", 1, 1},
    {"log", 1, 1},
    {"sqrt", 1, 1},
    {"tanh", 1, 1},
    {"sigmoid", 1, 1},
    {"relu", 1, 1},
    {"matmul", 2, 2},
    {"detach", 1, 1},
    {"zero_", 1, 1},
    {"sum", 1, 1},
    {"mean", 1, 1},
    {"transpose", 1, 1, {"dim0", "dim1"}},
    {"reshape", 1, 1, {"shape"}},
    {"expand", 1, 1, {"shape"}},
    {"sum_to", 1, 1, {"shape"}},
    {"clone", 1, 1},
    {"leaf", 0, 0, {}, no_tensor},
    {"backward", 1, 2, {}, no_tensor},
    {"grad", 2, 3, {}, no_tensor},
    {"grad_of", 1, 1, {}, no_tensor},
    {"zero_grad", 1, 1, {}, no_tensor},
    {"retain_grad", 1, 1, {}, no_tensor},
    {"requires_grad_", 1, 1, {"wanted"}, no_tensor},
    {"no_grad", 0, 0, {}, no_tensor},
    {"end_no_grad", 0, 0, {}, no_tensor},
    {"argmax", 1, 1, {}, no_tensor},
};

bool fits(const Form& form, const Line& line) {
  if (form.op != line.op) return false;
  if (line.inputs.size() < form.least_inputs || line.inputs.size() > form.most_inputs) return false;
  return std::all_of(form.constants.begin(), form.constants.end(), [&](std::string_view name) {
    const std::vector<double>* numbers = constant(line, name);
    return numbers != nullptr && (name == "shape" || numbers->size() == 1);
  });
}

bool is_negative_shape(const Line& line) {
  if (line.op != "expand" && line.op != "sum_to") return false;
  const std::vector<double>& shape = *constant(line, "shape");
  return std::any_of(shape.begin(), shape.end(), [](double size) { return size < 0; });
}

}  // namespace

const std::vector<double>* constant(const Line& line, std::string_view name) {
  for (const auto& [attribute, numbers] : line.attributes) {
    if (attribute == name) return &numbers;
  }
  return nullptr;
}

double number_or(const Line& line, std::string_view name, double otherwise) {
  const std::vector<double>* numbers = constant(line, name);
  return numbers == nullptr || numbers->empty() ? otherwise : numbers->front();
}

std::vector<std::int64_t> integers_or_none(const Line& line, std::string_view name) {
  const std::vector<double>* numbers = constant(line, name);
  return numbers == nullptr ? std::vector<std::int64_t>()
                            : std::vector<std::int64_t>(numbers->begin(), numbers->end());
}

std::vector<std::string> line_operations() {
  std::vector<std::string> names;
  for (const Form& form : forms) {
    if (std::find(names.begin(), names.end(), form.op) == names.end()) names.emplace_back(form.op);
  }
  return names;
}

bool computes_a_tensor(std::string_view op) {
  const auto* form =
      std::find_if(std::begin(forms), std::end(forms), [&](const Form& f) { return f.op == op; });
  return form != std::end(forms) && form->computes;
}

void check_well_formed(const Program& program) {
  for (std::size_t i = 0; i < program.lines.size(); ++i) {
    const Line& line = program.lines[i];
    const auto refuse = [&](std::string_view why) {
      throw std::invalid_argument(fmt::format("line {} of a program, {}: {}", i, line.op, why));
    };
    const bool known = std::any_of(std::begin(forms), std::end(forms),
                                   [&](const Form& form) { return form.op == line.op; });
    if (!known) refuse("there is no such operation");
    const bool fitting = std::any_of(std::begin(forms), std::end(forms),
                                     [&](const Form& form) { return fits(form, line); });
    if (!fitting) refuse("wrong number of inputs, or a constant is missing");
    if (is_negative_shape(line)) refuse("a negative size");
    for (const std::size_t input : line.inputs) {
      if (input >= i) refuse("an input is not an earlier line");
    }
    if (line.op == "leaf" && line.data.values.size() != numel(line.data.shape)) {
      refuse("its data does not fill its shape");
    }
  }
}

}  // namespace gradbook::reference
