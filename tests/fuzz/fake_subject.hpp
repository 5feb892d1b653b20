// Programs that know their number, and engines that fail where a test wants it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>

#include "tests/fuzz/alone.hpp"
#include "tests/fuzz/build_program.hpp"

namespace gradbook::fuzz {

/// x1 = mul(x0, x0); x2 = sum(x1), and a bystander. x0 holds the number of the program.
inline reference::Program numbered_program(std::uint64_t, std::uint64_t index) {
  ProgramBuilder p;
  const auto x = p.leaf({2}, {static_cast<double>(index), 0.5}, true);
  const auto y = p.line("sum", {p.line("mul", {x, x})});
  p.line("exp", {y});
  return p.program();
}

/// -1 where the program is no longer one of numbered_program().
inline std::int64_t number_of(const reference::Program& program) {
  const bool numbered = !program.lines.empty() && program.lines[0].op == "leaf" &&
                        program.lines[0].data.values.size() == 2;
  return numbered ? static_cast<std::int64_t>(program.lines[0].data.values[0]) : -1;
}

inline bool has_op(const reference::Program& program, std::string_view op) {
  return std::ranges::find(program.lines, op, &reference::Line::op) != program.lines.end();
}

/// All is well with a program: figures as a real campaign would have them, and "program N" among
/// the intended differences, so that a report tells which programs have run.
inline Comparison healthy(const reference::Program& program) {
  const std::int64_t number = number_of(program);
  return {.intended = {{fmt::format("program {}", number), 1}},
          .operations = 12 + static_cast<std::size_t>(number % 5),
          .raised = number % 10 == 0,
          .refusal = number % 10 == 0 ? "ShapeError" : "",
          .gradient_not_zero = number % 20 != 0,
          .ill_conditioned = number % 1500 == 7,
          .worst_ratio = static_cast<double>(number % 7) / 10,
          .covered = {{"mul", number % 2 == 0 ? "shared" : "in place"}, {"sum", "shared"}}};
}

/// The numbers of the programs that a report has counted.
inline std::set<std::uint64_t> programs_in(const Counts& counts) {
  std::set<std::uint64_t> programs;
  for (const auto& [name, hits] : counts.intended) {
    if (hits != 1) throw std::logic_error(name + " ran more than once");
    programs.insert(std::stoull(name.substr(std::string("program ").size())));
  }
  return programs;
}

/// A subject whose programs are all well but for what `trouble` does with one.
inline Subject fake_subject(
    std::function<void(const reference::Program&, Comparison&)> trouble = {}) {
  return {.generate = numbered_program,
          .compare =
              [trouble = std::move(trouble)](const reference::Program& program) {
                Comparison comparison = healthy(program);
                if (trouble) trouble(program, comparison);
                return comparison;
              },
          .evaluate = nullptr,
          .operations = {"mul", "sum"},
          .features = {"shared", "in place"},
          .libtorch = "1.13.1",
          .commit = "1234abc"};
}

/// Disagrees, on programs that are 5 more than a multiple of 30, as long as there is a mul.
inline Subject disagreeing_subject() {
  return fake_subject([](const reference::Program& program, Comparison& comparison) {
    const bool fails = number_of(program) % 30 == 5 || number_of(program) == -1;
    if (fails && has_op(program, "mul"))
      comparison.disagreement =
          fmt::format("line 1, mul: element [0] is {}, in LibTorch 3", number_of(program));
  });
}

}  // namespace gradbook::fuzz
