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
};

/// The LibTorch half of the misuse table: the engine's half, in
/// tests/crossvalidation/misuse_test.cpp, has a row of each name.
std::vector<Misuse> misuses();

}  // namespace gradbook::reference
