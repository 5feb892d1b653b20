#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reference/program.hpp"

/// Random programs as functions to differentiate.
namespace gradbook::numerical {

/// A program that computes one number, and the leaves whose function it is.
struct SmoothProgram {
  reference::Program program;
  std::vector<std::size_t> leaves;  ///< lines: those that require grad and have elements
  std::size_t result = 0;           ///< the line of the number, of shape ()

  /// Lines that compute a tensor from tensors.
  std::size_t operations() const;
};

/// Is a refusal one that random programs bring about, or that comes of what smooth_part() leaves
/// out: an error of class `error_class` at line `at`, where the line and those before it can be to
/// blame for an error of that class? Any other is the engine's mistake.
bool is_intended_refusal(const reference::Program& program, std::size_t at,
                         std::string_view error_class);

/// What `program` computes that can be differentiated, in float64, summed up to one number with
/// random weights, be it constant or not. Left out are backward passes that are not themselves
/// recorded and what was made of their gradients, no-grad regions and detach() (both act as if they
/// were not there), and lines whose refusal is intended. Inputs are rounded to multiples of 2^-20.
/// Nothing where no number is left, where no leaf requires grad, or where an input is not finite. A
/// program whose refusal is not intended stays as it is: compare_program() fails it.
std::optional<SmoothProgram> smooth_part(const reference::Program& program);

/// A random sum of the gradients of a program's result with respect to its leaves, as a program.
/// Where the engine says that there are none it is the program itself, and where it refuses the
/// program that it refuses: compare_program() holds it to either.
SmoothProgram gradients_of(const SmoothProgram& function);

/// Why a program was not compared; empty: it was.
using Skipped = std::string;

/// What became of the comparison of a program's gradients with central differences.
struct ProgramComparison {
  std::string failure = {};  ///< the direction and its numbers; empty: all is well
  Skipped skipped = {};      ///< only where nothing failed
  std::size_t directions = 0;
  double largest_ratio = 0;  ///< of error to allowance
};

/// Compares the gradients of a program's result with central differences: along single elements of
/// every leaf, and along a diagonal through all of them at once. Skipped is what
///
///   is refused as intended,
///   has a result that is not finite,
///   has gradients that are not finite, if differences show why: they have no limit there,
///   has a kink of relu or gate within reach, or is too steep for differences, in some direction,
///   has gradients that are all 0, as differences are too.
///
/// What the engine says decides none of it: an error that is not intended, a gradient that is not
/// finite or 0 where differences are something else, and a failure in any direction are failures.
ProgramComparison compare_program(const SmoothProgram& function);

}  // namespace gradbook::numerical
