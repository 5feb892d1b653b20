#pragma once

#include <optional>
#include <string>
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

/// What `program` computes that can be differentiated, in float64, summed up to one number with
/// random weights. Left out are backward passes that are not themselves recorded and what was made
/// of their gradients, no-grad regions and detach() (both act as if they were not there), and lines
/// that raise. Inputs are rounded to multiples of 2^-20. Nothing where no number is left, or where
/// an input is not finite.
std::optional<SmoothProgram> smooth_part(const reference::Program& program);

/// A random sum of the gradients of a program's result with respect to its leaves, as a program.
/// Nothing where they are constant.
std::optional<SmoothProgram> gradients_of(const SmoothProgram& function);

/// Why a program was not compared; empty: it was.
using Skipped = std::string;

/// What became of the comparison of a program's gradients with central differences.
struct ProgramComparison {
  Skipped skipped = {};
  std::string failure = {};  ///< the direction and its numbers; empty: all is well
  std::size_t directions = 0;
  double largest_ratio = 0;  ///< of error to allowance
};

/// Compares the gradients of a program's result with central differences: along single elements of
/// every leaf, and along a diagonal through all of them at once. Skipped is what raises in
/// backward, is not finite, has a kink of relu or gate within reach, is too steep for differences,
/// or has gradients that are all 0.
ProgramComparison compare_program(const SmoothProgram& function);

}  // namespace gradbook::numerical
