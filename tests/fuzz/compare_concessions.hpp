// What the engine and LibTorch are meant to do differently, where LibTorch can be made to do as the
// engine does.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reference/program.hpp"
#include "tests/fuzz/run_engine.hpp"

namespace gradbook::fuzz {

/// One way of LibTorch that can be made the engine's.
struct Concession {
  std::string difference;  ///< entry of parity::differences()
  std::function<void(reference::Concessions&)> make;
};

/// The entries of parity::differences() that concessions are about.
std::set<std::string> conceded_differences();

/// Those that can matter in this program, but for those that are `made` already.
std::vector<Concession> possible_concessions(const reference::Program& program,
                                             const reference::Concessions& made);

/// For a difference at the end of `line` where both engines refused a backward pass on its way:
/// LibTorch may have accumulated gradients by then. If the engine found the graph freed, or was
/// given a gradient of a larger shape, it has not begun, and nothing may have changed in LibTorch;
/// if it found a saved value changed, then this gradient was not yet in its turn. No other refusal
/// excuses a difference.
std::optional<Concession> refused_pass_concession(const reference::Program& program,
                                                  const EngineRun& engine,
                                                  const reference::Concessions& made,
                                                  std::size_t line);

}  // namespace gradbook::fuzz
