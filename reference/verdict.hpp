#pragma once

#include <string>

#include "engine/snapshot.hpp"
#include "reference/results.hpp"

namespace gradbook::reference {

/// Is the engine close enough to LibTorch?
struct Verdict {
  bool ok = true;
  double error = 0;      ///< the largest |engine - truth|; infinite where classes differ
  double allowance = 0;  ///< what was allowed for that element; always finite
  double ratio = 0;      ///< the largest error over its allowance: at most 1 when ok
  std::string reason;    ///< empty when ok, else the worst element and its numbers
};

/// Holds `engine`, computed in `precision`, against LibTorch: `truth` is float64, `peer` is
/// LibTorch in `precision` (not looked at for float64, where truth is its own peer). Per element
/// (derivation in verdict.cpp)
///
///   |engine - truth| <= 4 max(|peer - truth|, 4 ulp(magnitude))
///
/// where `magnitude` is the scale of what was summed, of the same shape; without one it is |truth|.
/// Where the peer (or else truth) is not finite, the engine must be of the same class: NaN, +inf or
/// -inf; unless terms overflow that cancel in the sum, which may give any. Shapes must agree. -0.0
/// equals 0.0.
Verdict judge(const Snapshot& engine, const Snapshot& truth, const Snapshot& peer,
              Precision precision, const Snapshot* magnitude = nullptr);

}  // namespace gradbook::reference
