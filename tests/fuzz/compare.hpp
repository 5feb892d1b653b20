#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "reference/program.hpp"

/// Random programs, run in both engines.
namespace gradbook::fuzz {

/// Program number `index` of the campaign `seed`: the same on every machine, whatever else is run.
reference::Program random_program(std::uint64_t seed, std::uint64_t index);

/// What a program uses besides its operations: "broadcast", "shared", "in place", "create_graph",
/// ...
using Feature = std::string;

/// What running a program in both engines has shown.
struct Comparison {
  std::string disagreement = {};  ///< the line and what differs there; empty: the engines agree
  /// Entries of parity::differences() that explain what else would be a disagreement, or (about
  /// copies, which LibTorch is always made to make) that can have: 1 each.
  std::map<std::string, std::size_t> intended = {};
  std::size_t operations = 0;      ///< lines that ran and computed a tensor from tensors
  bool raised = false;             ///< both refused a line
  std::string refusal = {};        ///< class of the engine's exception, where it refused
  bool gradient_not_zero = false;  ///< some gradient had an element that is not zero
  /// Somewhere both runs differ by what is rounding in an ill-conditioned program (end_to_end.hpp):
  /// there only the steps were compared.
  bool ill_conditioned = false;
  double worst_ratio = 0;  ///< of error to allowance over all steps (reference/verdict.hpp)
  /// Operations that ran, with the features of their lines and of the program: features.hpp.
  std::set<std::pair<std::string, Feature>> covered = {};
};

/// Runs `program` in the engine and in LibTorch. They must agree on every value and gradient, step
/// by step (reference/replay.hpp), on what requires grad, on which gradients exist, and on which
/// line is refused.
Comparison compare(const reference::Program& program);

/// All intended differences that compare() can report. The others of parity::differences() are
/// about what a program has no line for.
std::set<std::string> all_intended();

/// All features that compare() can report, for a report to name those that never came up.
std::set<Feature> all_features();

}  // namespace gradbook::fuzz
