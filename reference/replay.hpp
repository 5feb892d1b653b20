#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/trace.hpp"
#include "engine/value.hpp"

namespace gradbook::reference {

/// One step in which the engine and LibTorch differ by more than the model of verdict.hpp allows.
struct Disagreement {
  std::size_t step = 0;   ///< index into Trace::steps(); for Values, the node's place in the graph
  std::string operation;  ///< "mul", "vjp of mul", "backward", ...
  std::string what;       ///< the element and its numbers, or what else differs
};

/// "step 3, mul: element [0, 1] is 2, LibTorch has 3, ...".
std::string to_text(const Disagreement& disagreement);

/// What running a computation again in LibTorch has shown.
struct ReplayReport {
  std::size_t steps = 0;       ///< everything that was judged
  std::size_t operations = 0;  ///< of these, forward operations, those of backward passes included
  std::size_t gradients = 0;   ///< of these, vjps and sums of gradients
  double worst_ratio = 0;    ///< of error to allowance over all steps; at most 1 where all is well
  double largest_error = 0;  ///< the largest absolute error of any one step
  double end_to_end_error = 0;  ///< of the whole program, relative to the scale of each result
  std::vector<Disagreement> disagreements;

  bool ok() const { return disagreements.empty(); }
  /// One line for people, with the first disagreement where there is one.
  std::string summary() const;
};

/// Runs a recorded computation again in LibTorch, twice. Step by step: every operation, every vjp
/// and every sum of gradients on the engine's own recorded inputs, so that errors do not pile up
/// and a wrong step is named. And end to end: the whole program as one LibTorch graph of its own,
/// with its in-place writes, grad mode and backward calls, where the flags must agree and the
/// difference of the values is reported as a figure.
ReplayReport replay(const Trace& trace);

/// Builds the graph of `root` again in LibTorch (float64), runs backward there, and compares data
/// and gradient of every node. Gradients must stem from one root.backward(), run when all were 0.
ReplayReport replay(const Value& root);

/// The names of all operations that replay(trace) can run.
std::vector<std::string> replayable_operations();

}  // namespace gradbook::reference
