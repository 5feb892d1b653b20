#pragma once

#include <cstddef>
#include <set>
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

/// All entries that intended_difference() and copies_that_matter() can name.
std::set<std::string> explained_differences();

/// "gradient of a larger shape": did the engine refuse the line for being given one?
bool is_gradient_of_larger_shape(const reference::Program& program, const EngineRun& engine);

/// Entries about copies, "transpose copies" and "expand copies". reference::run_in_libtorch()
/// always copies too, so that they make no difference; these can have made one: the copy or what
/// was copied has been written to later.
std::set<std::string> copies_that_matter(const reference::Program& program, const Trace& trace,
                                         const EngineRun& engine);

}  // namespace gradbook::fuzz
