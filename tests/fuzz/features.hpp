#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>

#include "reference/program.hpp"
#include "tests/fuzz/compare.hpp"
#include "tests/fuzz/run_engine.hpp"

namespace gradbook::fuzz {

/// An operation, and a feature that it came together with.
using Covered = std::pair<std::string, Feature>;

/// Each operation of the lines that ran with the features of one of its own lines. What they mean:
/// README.md. `trace` is of the engine's run.
std::set<Covered> covered(const reference::Program& program, const EngineRun& engine,
                          const Trace& trace);

}  // namespace gradbook::fuzz
