#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "reference/program.hpp"

namespace gradbook::fuzz {

/// What the engine makes of the program in another precision.
using EngineIn = std::function<reference::Outcome(reference::Precision)>;

/// Where and how the values of two runs differ.
struct ValueDifference {
  bool at_end;       ///< in what became of the result, or in its gradient; else when the line ran
  bool in_gradient;  ///< looked at last
  std::size_t line;
  std::string text;
};

/// Compares the values of whole programs: of every line when it ran, and of every result and
/// gradient at the end. This is not about rounding, which the step-local verdict judges, but about
/// which values a line works with: the right tensor, in the right state. A difference counts if it
/// is larger than half of the digits, is as large in float64, and is not what LibTorch itself shows
/// when the leaves change by a few units in the last place. Empty if there is none, else the line
/// and what differs.
///
/// `with_end`: did both come to the same end, so that finals and gradients can be compared?
std::optional<ValueDifference> end_to_end_difference(const reference::Program& program,
                                                     const reference::Outcome& engine,
                                                     const reference::Outcome& libtorch,
                                                     bool with_end,
                                                     const reference::Concessions& concessions,
                                                     const EngineIn& engine_in);

}  // namespace gradbook::fuzz
