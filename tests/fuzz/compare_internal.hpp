// The parts of compare(), for tests that plant faults between them.
#pragma once

#include "engine/trace.hpp"
#include "reference/program.hpp"
#include "tests/fuzz/compare.hpp"
#include "tests/fuzz/end_to_end.hpp"
#include "tests/fuzz/run_engine.hpp"

namespace gradbook::fuzz {

/// A program run in both engines.
struct Runs {
  Trace trace;
  EngineRun engine;
  reference::Outcome libtorch;
};

Runs run_both(const reference::Program& program);

/// Compares what came of it.
Comparison compare(const reference::Program& program, const Runs& runs, const EngineIn& engine_in);

}  // namespace gradbook::fuzz
