#include <fmt/args.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/print_internal.hpp"

namespace gradbook::fuzz {

using reference::Line;
using reference::Precision;
using reference::Program;

namespace {

/// How each engine writes an operation. {a} and {b} are the inputs, {b} also a scalar in the place
/// of the second; the rest is what Parts makes of the line.
struct Row {
  std::string_view op;
  std::string_view engine;
  std::string_view libtorch;
};

constexpr Row rows[] = {
    {"leaf", "{tensor}::from(Snapshot({sizes}, {data}){wanted})", "leaf({sizes}, {data}{wanted})"},
    {"add", "{a} + {b}", "{a} + {b}"},
    {"sub", "{a} - {b}", "{a} - {b}"},
    {"rsub", "{b} - {a}", "torch::rsub({a}, {b})"},
    {"mul", "{a} * {b}", "{a} * {b}"},
    {"div", "{a} / {b}", "{a} / {b}"},
    {"pow", "{a}.pow({b})", "{a}.pow({b})"},
    {"neg", "-{a}", "-{a}"},
    {"reciprocal", "{a}.reciprocal()", "{a}.reciprocal()"},
    {"exp", "{a}.exp()", "{a}.exp()"},
    {"log", "{a}.log()", "{a}.log()"},
    {"sqrt", "{a}.sqrt()", "{a}.sqrt()"},
    {"tanh", "{a}.tanh()", "{a}.tanh()"},
    {"sigmoid", "{a}.sigmoid()", "{a}.sigmoid()"},
    {"relu", "{a}.relu()", "{a}.relu()"},
    {"gate", "gate({a}, {b})", "gate({a}, {b})"},
    {"sum", "{a}.sum({reduction})", "{a}.sum(at::IntArrayRef{dims}, {keepdim})"},
    {"mean", "{a}.mean({reduction})", "mean_of({a}, {dims}, {keepdim})"},
    {"clone", "{a}.clone()", "{a}.clone()"},
    {"sum_to", "{a}.sum_to({sizes})", "{a}.sum_to_size({sizes}).clone()"},
    {"matmul", "matmul({a}, {b})", "torch::matmul({a}, {b})"},
    {"transpose", "{a}.transpose({dim0}, {dim1})", "transposed({a}, {dim0}, {dim1})"},
    {"expand", "{a}.expand({sizes})", "{a}.expand({sizes}).clone(at::MemoryFormat::Contiguous)"},
    {"reshape", "{a}.reshape({sizes})", "{a}.reshape({sizes})"},
    {"detach", "{a}.detach()", "{a}.detach()"},
    {"add_", "{a}.add_({b})", "{a}.add_({b})"},
    {"sub_", "{a}.sub_({b})", "{a}.sub_({b})"},
    {"mul_", "{a}.mul_({b})", "{a}.mul_({b})"},
    {"copy_", "{a}.copy_({b})", "{a}.copy_({b})"},
    {"zero_", "{a}.zero_()", "{a}.zero_()"},
    {"backward", "{a}.backward({start}{options})",
     "{a}.backward({start}, {retain_graph}, {create_graph})"},
    {"grad", "grad(std::vector{{{a}}}, std::vector{{{b}}}, {start}{options})[0]",
     "grad({a}, {b}, {start}, {retain_graph}, {create_graph}, {allow_unused})"},
    {"grad_of", "{a}.grad()", "grad_of({a})"},
    {"zero_grad", "{a}.zero_grad()", "{a}.mutable_grad().reset()"},
    {"retain_grad", "{a}.retain_grad()", "retain_grad({a})"},
    {"requires_grad_", "{a}.requires_grad_({asked})", "{a}.requires_grad_({asked})"},
    {"no_grad", "GradMode::set_enabled(false)", "at::GradMode::set_enabled(false)"},
    {"end_no_grad", "GradMode::set_enabled(true)", "at::GradMode::set_enabled(true)"},
    {"argmax", "std::vector<std::int64_t>{{{a}.argmax({dim})}}", "{a}.argmax({dim}).flatten()"},
};

const char* word(bool value) { return value ? "true" : "false"; }

std::string number(double value, Precision precision) {
  const std::string text = exact(value, precision);
  if (text == "nan") return "NAN";
  if (text == "inf") return "INFINITY";
  if (text == "-inf") return "-INFINITY";
  return text == "-0" ? "-0.0" : text;  // the int -0 has no sign
}

// A scalar operand is a double to LibTorch, and rounded to the precision before it is used.
std::string scalar(double value, Precision precision) {
  if (precision == Precision::float32) value = static_cast<double>(static_cast<float>(value));
  const std::string text = number(value, Precision::float64);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

std::string list(const std::vector<double>* values) {
  std::vector<std::string> parts;
  if (values != nullptr)
    for (const double value : *values) parts.push_back(number(value, Precision::float64));
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

/// What a line's row is filled in with.
class Parts {
 public:
  Parts(const Program& program, const Line& line, Engine engine) {
    const Precision precision = program.precision;
    const bool backward = line.op == "backward";
    const auto input = [&](std::size_t k) {
      return k < line.inputs.size() ? fmt::format("x{}", line.inputs[k]) : std::string();
    };
    const auto one = [&](std::string_view name) {
      const std::vector<double>* values = constant(line, name);
      return values == nullptr || values->empty() ? std::string() : number((*values)[0], precision);
    };
    add("a", input(0));
    const std::vector<double>* second = constant(line, "scalar");
    add("b", second != nullptr ? scalar(second->at(0), precision) : input(1));
    const std::string start = input(backward ? 1 : 2);
    const std::string options = options_of(line);
    if (engine == Engine::libtorch) {
      add("start", backward && !start.empty() ? start : fmt::format("{{{}}}", start));
    } else if (backward) {
      add("start", start + (start.empty() || options.empty() ? "" : ", "));
    } else {
      add("start", fmt::format("{{{}}}{}", start, options.empty() ? "" : ", "));
    }
    add("options", options);
    const bool recorded = flag(line, "create_graph");
    add("retain_graph", word(recorded || flag(line, "retain_graph")));
    add("create_graph", word(recorded));
    add("allow_unused", word(flag(line, "allow_unused")));
    const std::string dims = list(constant(line, "dims"));
    add("dims", dims);
    add("reduction", flag(line, "keepdim") ? dims + ", true" : dims == "{}" ? "" : dims);
    add("keepdim", word(flag(line, "keepdim")));
    for (const char* name : {"dim", "dim0", "dim1"}) add(name, one(name));
    add("asked", word(flag(line, "wanted")));
    add("tensor", precision == Precision::float32 ? "Tensor" : "Tensor64");
    add("wanted", !flag(line, "requires_grad") ? ""
                  : engine == Engine::ours     ? ", requires_grad"
                                               : ", true");
    if (line.op == "leaf") {
      const std::vector<double> sizes(line.data.shape.begin(), line.data.shape.end());
      std::vector<std::string> values;
      for (const double value : line.data.values) values.push_back(number(value, precision));
      add("sizes", list(&sizes));
      add("data", fmt::format("{{{}}}", fmt::join(values, ", ")));
    } else {
      add("sizes", list(constant(line, "shape")));
      add("data", "");
    }
  }

  std::string fill(std::string_view pattern) const {
    fmt::dynamic_format_arg_store<fmt::format_context> store;
    for (const auto& [name, text] : parts_) store.push_back(fmt::arg(name, text));
    return fmt::vformat(pattern, store);
  }

 private:
  void add(const char* name, std::string text) { parts_.emplace_back(name, std::move(text)); }

  static std::string options_of(const Line& line) {
    std::vector<std::string> named;
    for (const char* name : {"retain_graph", "create_graph", "allow_unused"}) {
      if (flag(line, name)) named.push_back(fmt::format(".{} = true", name));
    }
    return named.empty() ? "" : fmt::format("{{{}}}", fmt::join(named, ", "));
  }

  std::vector<std::pair<const char*, std::string>> parts_;
};

}  // namespace

std::string code_of(const Program& program, const Line& line, Engine engine) {
  const auto row = std::ranges::find(rows, line.op, &Row::op);
  if (row == std::end(rows))
    throw std::invalid_argument("there is no way to write the operation '" + line.op + "'");
  return Parts(program, line, engine).fill(engine == Engine::ours ? row->engine : row->libtorch);
}

}  // namespace gradbook::fuzz
