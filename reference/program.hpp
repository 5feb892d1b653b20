#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/trace.hpp"
#include "reference/results.hpp"

namespace gradbook::reference {

/// One line of a Program: `x5 = mul(x1, x4)`. Its place in the program is the name of its result.
///
/// `op` is the engine's name of an operation as a Trace has it ("mul", "add_", "sum", "detach"), with the
/// constants a program would write ("dims" may be negative or out of range); or one of
///
///   leaf             a new leaf from `data`; requires_grad 0 or 1
///   backward         of inputs[0], with the gradient inputs[1] if given; retain_graph, create_graph
///   grad             of inputs[0] with respect to inputs[1], grad_output inputs[2] if given;
///                    retain_graph, create_graph, allow_unused
///   grad_of          the accumulated gradient of inputs[0], as a tensor
///   zero_grad        of inputs[0]
///   retain_grad      of inputs[0]
///   requires_grad_   of inputs[0]; wanted 0 or 1
///   no_grad          recording is off from here ...
///   end_no_grad      ... to here
///   argmax           of inputs[0]; dim. Its result is numbers, no tensor to go on with
struct Line {
  std::string op;
  std::vector<std::size_t> inputs = {};  ///< earlier lines whose results this one uses
  Attributes attributes = {};            ///< constants by name: dims, keepdim, scalar, shape, dim0, ...
  Snapshot data = {};                    ///< of a leaf, or what argmax gave
};

/// A program over tensors as plain data, which both engines can run.
struct Program {
  Precision precision = Precision::float32;
  std::vector<Line> lines;
};

/// What a line came to.
struct LineResult {
  std::optional<Snapshot> value;  ///< nothing where the line has no result, or an undefined one
  bool requires_grad = false;
  bool is_leaf = false;
};

/// What running a program came to. It ends at the first line that raises.
struct Outcome {
  std::vector<LineResult> results;  ///< of the lines that ran
  std::string error;                ///< what the next line raised; empty: none did
  /// For each line that ran: the gradient that its result holds at the end, if there is one.
  std::vector<std::optional<Snapshot>> gradients;

  bool raised() const { return !error.empty(); }
};

/// Runs a program in LibTorch. Where engine/parity.md says that the engine copies what LibTorch views
/// (transpose, expand), it copies too.
Outcome run_in_libtorch(const Program& program);

}  // namespace gradbook::reference
