#pragma once

#include <string>
#include <vector>

#include "reference/program.hpp"

/// Holds a call against LibTorch given the constants that the program wrote. A trace has them as
/// the engine took them: dimensions counted from the front, a vector made a matrix. That LibTorch
/// gives the same for those says nothing about how the engine came by them.
namespace gradbook::grid {

/// A call as the engine ran it.
struct Ran {
  std::vector<Snapshot> inputs;
  Snapshot cotangent;
  Snapshot result;
  std::vector<Snapshot> gradients;  ///< of the inputs; none where nothing is recorded
};

/// What is wrong with it; empty where all is well. `line` is the same call, its inputs by their
/// places among those of the call: a function that is linear in each of them and takes no
/// differences, so that its value at their magnitudes is the scale of what it sums.
std::string differs_from_line(const reference::Line& line, reference::Precision precision,
                              const Ran& engine);

}  // namespace gradbook::grid
