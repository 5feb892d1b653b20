#pragma once

#include <map>
#include <string>

#include "engine/snapshot.hpp"

namespace gradbook::reference {

/// What a computation was done in: float32 as Tensor, float64 as Tensor64 and Value.
enum class Precision { float32, float64 };

/// Named values and gradients of a twin.
using Results = std::map<std::string, Snapshot>;

/// A twin's results in both precisions.
struct TwinRun {
  Results truth;  ///< float64: what the figures are
  Results peer;   ///< float32: how far LibTorch itself is from them
};

/// Runs `twin`, a function from a Precision to Results, in both precisions.
template <class Twin>
TwinRun run_twin(Twin twin) {
  return {twin(Precision::float64), twin(Precision::float32)};
}

}  // namespace gradbook::reference
