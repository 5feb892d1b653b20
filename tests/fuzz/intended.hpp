#pragma once

#include <cstddef>
#include <string>

#include "reference/program.hpp"
#include "tests/fuzz/run_engine.hpp"

namespace gradbook::fuzz {

/// A line that one engine refused and the other ran.
struct OneSidedRefusal {
  const reference::Program& program;
  const Trace& trace;  ///< of the engine
  const EngineRun& engine;
  const reference::Outcome& libtorch;
  std::size_t line;
  bool engine_refused;  ///< otherwise LibTorch did
};

/// The entry of parity::differences() that says why, each by a predicate that looks at this very
/// line and the reason of the refusal. Empty: no entry does, and it is a disagreement.
std::string intended_difference(const OneSidedRefusal& refusal);

}  // namespace gradbook::fuzz
