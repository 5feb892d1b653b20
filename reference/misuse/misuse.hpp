#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/snapshot.hpp"

namespace gradbook::reference {

/// A wrong, or merely doubtful, use of LibTorch. `run` gives the result, or throws std::exception
/// where LibTorch refuses.
struct Misuse {
  std::string name;
  std::function<Snapshot()> run;
  /// Part of LibTorch's message where it refuses, so that a slip in `run` does not count as a
  /// refusal; empty: it gives a result. Short, since other releases word some of it differently.
  std::string refusal = {};
};

/// The LibTorch half of the misuse table: the engine's half, in
/// tests/crossvalidation/misuse_rows_*.cpp, has a row of each name.
std::vector<Misuse> misuses();

}  // namespace gradbook::reference
