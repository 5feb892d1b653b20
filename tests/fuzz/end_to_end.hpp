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

/// What comparing the values of two runs has shown.
struct EndToEnd {
  std::optional<ValueDifference> difference = {};  ///< the first that counts
  /// Somewhere the runs differ, and it does not count: there only the step-local verdict tells.
  bool ill_conditioned = false;
};

/// Compares the values of whole programs: of every line when it ran, and of every result and
/// gradient at the end. This is not about rounding, which the step-local verdict judges, but about
/// which values a line works with: the right tensor, in the right state.
///
/// Two values differ if an element of one is finite and that of the other is not, or if elements
/// differ by more than both
///   - the root of epsilon, half of the digits, times the largest finite element of both values
///     (3.5e-4 of it in float32, 1.5e-8 in float64);
///   - 1000 epsilon times the largest finite number that LibTorch's run has come across (1.2e-4 of
///     it, 2.2e-13).
///
/// A program in float64 (35 % of the random ones) is compared as it ran. One in float32 is compared
/// in float32 first; only if something differs does it run again in float64, and what differs there
/// is what may count. It does unless it is ill-conditioned: unless LibTorch, by the same measure,
/// differs from itself at this place in one of eight runs for which every number of the leaves was
/// changed by 2^-40 or 2^-44 of itself. Each place is judged by itself.
///
/// `with_end`: did both come to the same end, so that finals and gradients can be compared?
EndToEnd compare_end_to_end(const reference::Program& program, const reference::Outcome& engine,
                            const reference::Outcome& libtorch, bool with_end,
                            const reference::Concessions& concessions, const EngineIn& engine_in);

}  // namespace gradbook::fuzz
