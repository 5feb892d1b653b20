#include "tests/numerical/smooth_program.hpp"

#include <algorithm>
#include <cmath>

#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/random.hpp"
#include "tests/fuzz/run_engine.hpp"

namespace gradbook::numerical {

using reference::Line;
using reference::Program;

namespace {

bool is_in_place(const Line& line) {
  return reference::computes_a_tensor(line.op) && line.op.back() == '_';
}

/// A part of every program: what belongs to a function of its leaves.
bool is_smooth(const Line& line) {
  if (line.op == "leaf") return true;
  if (line.op == "grad") return fuzz::flag(line, "create_graph");
  return reference::computes_a_tensor(line.op);
}

/// False where a value is not finite, or too large for steps to be exact.
bool round_inputs(Program& program) {
  for (Line& line : program.lines) {
    if (line.op != "leaf") continue;
    for (double& value : line.data.values) {
      if (!(std::abs(value) < 0x1p20)) return false;
      value = std::round(value * 0x1p20) * 0x1p-20;
    }
  }
  return true;
}

/// The program without what is not smooth, from the end so that line numbers stay true.
Program smooth_lines(Program program) {
  for (std::size_t i = program.lines.size(); i-- > 0;) {
    const Line line = program.lines[i];
    if (line.op == "detach") {
      program = fuzz::replaced(program, i, line.inputs.at(0));
    } else if (!is_smooth(line)) {
      std::vector<bool> gone(program.lines.size(), false);
      gone[i] = true;
      program = fuzz::without(program, gone);
    }
  }
  return program;
}

/// The program without the lines that raise, as far as they are meant to.
Program that_runs(Program program) {
  while (true) {
    const fuzz::EngineRun run = fuzz::run_engine(program);
    if (!run.outcome.raised()) return program;
    const std::size_t at = run.outcome.results.size();
    if (!is_intended_refusal(program, at, run.error_class)) return program;
    if (is_in_place(program.lines[at])) {
      program = fuzz::replaced(program, at, program.lines[at].inputs[0]);
    } else {
      std::vector<bool> gone(program.lines.size(), false);
      gone[at] = true;
      program = fuzz::without(program, gone);
    }
  }
}

/// Which lines are computed from those in `from`, through operations alone: not through gradients,
/// which can be constant, nor through storage that is written to, which is something else then.
std::vector<bool> computed_from(const std::vector<Line>& lines, std::vector<bool> from) {
  std::vector<std::size_t> storage;  // named by the line that made it
  std::vector<bool> is_written(lines.size());
  for (const Line& line : lines) {
    const bool is_shared = is_in_place(line) || line.op == "reshape";
    storage.push_back(is_shared ? storage[line.inputs[0]] : storage.size());
    if (is_in_place(line)) is_written[storage.back()] = true;
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    const auto is_from = [&](std::size_t input) { return from[input]; };
    const bool inherits = reference::computes_a_tensor(line.op) &&
                          std::any_of(line.inputs.begin(), line.inputs.end(), is_from);
    from[i] = (from[i] || inherits) && !is_written[storage[i]];
  }
  return from;
}

/// Does the result of `y` surely have a gradient for that of `x`, by what is written?
bool can_be_differentiated(const std::vector<Line>& lines, std::size_t y, std::size_t x) {
  std::vector<bool> leaves(lines.size());
  std::transform(lines.begin(), lines.end(), leaves.begin(), [](const Line& line) {
    return line.op == "leaf" && fuzz::flag(line, "requires_grad");
  });
  std::vector<bool> only_x(lines.size());
  only_x[x] = true;
  return computed_from(lines, leaves)[x] && computed_from(lines, only_x)[y];
}

class Sum {
 public:
  Sum(Program& program, std::uint64_t seed) : program_(program), random_(seed, 0) {}

  /// Adds the sum of what line `x`, of `shape`, has computed, each element weighted at random.
  void add(std::size_t x, const Shape& shape) {
    Snapshot weights(shape, std::vector<double>(numel(shape)));
    for (double& weight : weights.values) {
      weight = std::round(random_.uniform(-2, 2) * 0x1p20) * 0x1p-20;
    }
    const std::size_t w = push({"leaf", {}, {{"requires_grad", {0}}}, weights});
    const std::size_t term = push({"sum", {push({"mul", {x, w}})}});
    total_ = total_ ? push({"add", {*total_, term}}) : term;
  }

  std::optional<std::size_t> total() const { return total_; }

 private:
  std::size_t push(Line line) {
    program_.lines.push_back(std::move(line));
    return program_.lines.size() - 1;
  }

  Program& program_;
  fuzz::Random random_;
  std::optional<std::size_t> total_;
};

}  // namespace

std::size_t SmoothProgram::operations() const {
  return static_cast<std::size_t>(
      std::count_if(program.lines.begin(), program.lines.end(),
                    [](const Line& line) { return reference::computes_a_tensor(line.op); }));
}

bool is_intended_refusal(const Program& program, std::size_t at, std::string_view error_class) {
  const Line& line = program.lines.at(at);
  const std::vector<Line> before(program.lines.begin(),
                                 program.lines.begin() + static_cast<std::ptrdiff_t>(at));
  const auto has = [&](std::string_view name) {
    return reference::constant(line, name) != nullptr;
  };
  const bool differentiates = line.op == "grad" || line.op == "backward";
  if (error_class == "ShapeError") {
    return !differentiates && (line.inputs.size() == 2 || has("shape"));
  }
  if (error_class == "DimensionError") return has("dims") || has("dim0");
  if (error_class == "InPlaceError") return is_in_place(line);
  if (error_class == "BackwardError") {
    return line.op == "grad" && !has("allow_unused") &&
           !can_be_differentiated(before, line.inputs[0], line.inputs[1]);
  }
  if (error_class == "SavedTensorChangedError") {
    return differentiates && std::any_of(before.begin(), before.end(), is_in_place);
  }
  return false;
}

std::optional<SmoothProgram> smooth_part(const Program& program) {
  SmoothProgram function{program, {}, 0};
  function.program.precision = reference::Precision::float64;
  if (!round_inputs(function.program)) return std::nullopt;
  function.program = that_runs(smooth_lines(function.program));

  const std::vector<Line> lines = function.program.lines;
  const fuzz::EngineRun run = fuzz::run_engine(function.program);
  if (run.outcome.raised()) return function;
  std::vector<bool> used(lines.size(), false);
  for (const Line& line : lines) {
    for (const std::size_t input : line.inputs) used[input] = true;
  }
  // The engine is not asked what requires grad: what it forgot would be left out.
  Sum sum(function.program, lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::optional<Snapshot>& value = run.outcome.results[i].value;
    if (lines[i].op == "leaf") {
      const bool wanted = fuzz::flag(lines[i], "requires_grad");
      if (wanted && !value->values.empty()) function.leaves.push_back(i);
    } else if (!used[i] && value) {
      sum.add(i, value->shape);
    }
  }
  if (!sum.total() || function.leaves.empty()) return std::nullopt;
  function.result = *sum.total();
  return function;
}

SmoothProgram gradients_of(const SmoothProgram& function) {
  SmoothProgram second = function;
  std::vector<std::size_t> gradients;
  for (const std::size_t leaf : function.leaves) {
    gradients.push_back(second.program.lines.size());
    second.program.lines.push_back(
        {"grad", {function.result, leaf}, {{"create_graph", {1}}, {"allow_unused", {1}}}});
  }
  const fuzz::EngineRun run = fuzz::run_engine(second.program);
  if (run.outcome.raised()) {
    const bool is_constant = run.outcome.results.size() >= function.program.lines.size() &&
                             !run.outcome.results[function.result].requires_grad;
    return is_constant ? function : second;
  }
  Sum sum(second.program, 1);
  for (const std::size_t gradient : gradients) {
    const std::optional<Snapshot>& value = run.outcome.results[gradient].value;
    if (value) sum.add(gradient, value->shape);
  }
  if (!sum.total()) return function;
  second.result = *sum.total();
  return second;
}

}  // namespace gradbook::numerical
