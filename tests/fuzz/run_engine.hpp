#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/trace.hpp"
#include "reference/program.hpp"

namespace gradbook::fuzz {

/// What running a program in the engine came to.
struct EngineRun {
  reference::Outcome outcome;
  /// Class of what the last line raised: "ShapeError"; empty if it raised nothing, or something
  /// that is none of the engine's errors.
  std::string error_class = {};
  /// Where that line was to write in place: are there other tensors over the same storage, one of
  /// them made by reshape?
  bool shares_storage_with_reshape = false;
  /// For each line that began: the step of the trace at which it did.
  std::vector<std::size_t> first_step = {};

  /// The line during which a step of the trace was made.
  std::size_t line_of(std::size_t step) const;
};

/// Runs a program in the engine; under `trace`, if there is one. Throws std::invalid_argument as
/// reference::check_well_formed() does.
EngineRun run_engine(const reference::Program& program, Trace* trace = nullptr);

}  // namespace gradbook::fuzz
