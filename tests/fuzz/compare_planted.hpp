// Comparisons with a fault planted between the two engines.
#pragma once

#include <functional>
#include <string>

#include "tests/fuzz/compare_internal.hpp"

namespace gradbook::fuzz {

/// compare() with what has already come of the program.
inline Comparison compare_runs(const reference::Program& program, const Runs& runs) {
  return fuzz::compare(program, runs, [&](reference::Precision precision) {
    reference::Program other = program;
    other.precision = precision;
    return run_engine(other).outcome;
  });
}

/// compare() when `fault` has changed what the engine makes of the program, in any precision.
inline Comparison compare_with_fault(const reference::Program& program,
                                     const std::function<void(reference::Outcome&)>& fault) {
  Runs runs = run_both(program);
  fault(runs.engine.outcome);
  return fuzz::compare(program, runs, [&](reference::Precision precision) {
    reference::Program other = program;
    other.precision = precision;
    reference::Outcome outcome = run_engine(other).outcome;
    fault(outcome);
    return outcome;
  });
}

/// What is found then.
inline std::string found_with_fault(const reference::Program& program,
                                    const std::function<void(reference::Outcome&)>& fault) {
  return compare_with_fault(program, fault).disagreement;
}

/// compare() when the engine runs another program than LibTorch: as if it took a line for another.
inline Comparison compare_when_engine_runs(const reference::Program& program,
                                           const reference::Program& other) {
  Runs runs;
  runs.engine = run_engine(other, &runs.trace);
  runs.libtorch = reference::run_in_libtorch(program);
  // In float64 the same fault would be there.
  return fuzz::compare(program, runs, [&](reference::Precision precision) {
    reference::Program in_precision = other;
    in_precision.precision = precision;
    return run_engine(in_precision).outcome;
  });
}

/// What is found then.
inline std::string found_when_engine_runs(const reference::Program& program,
                                          const reference::Program& other) {
  return compare_when_engine_runs(program, other).disagreement;
}

}  // namespace gradbook::fuzz
