#pragma once

#include <string>
#include <vector>

#include "engine/snapshot.hpp"
#include "reference/results.hpp"

namespace gradbook::reference {

// The model of the error of one step. Nothing here was tuned until something passed.

/// What LibTorch may be off, even where it happens to be exact for the numbers at hand: its vector
/// math (SLEEF) promises one ulp for a function, and the longest row of the table of derivatives
/// rounds three times more. A rounding is off by at most half an ulp of its own result, which is at
/// most one ulp at the scale of the step. So: one ulp four times.
inline constexpr double ulps_of_a_step = 4;

/// How much worse than LibTorch a correct engine may be: the longest row rounds four times, where a
/// LibTorch that fuses all of it rounds once.
inline constexpr double times_the_peer = 4;

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
///
///   |engine - truth| <= 4 max(|peer - truth|, 4 ulp(magnitude))
///
/// where `magnitude` is the scale of the finite terms that were summed, of the same shape, or
/// |truth| if that is larger. The scale of n terms is the sum of their magnitudes times
/// max(1, sqrt(n) / 4), which the caller has multiplied in (growth() in replay_table_internal.hpp):
/// n roundings add up like a random walk, and up to 16 terms the 4 ulps have room for that. Where
/// the peer (or else truth) is not finite, the engine must be of the same class: NaN, +inf or -inf;
/// unless finite terms overflow that cancel in the sum, which may give any, or that stand beside an
/// infinity, which may give NaN (in float64 any: truth itself overflows there). Shapes must agree.
/// A zero that was made of zeros alone (its magnitude is 0) must have LibTorch's sign if truth and
/// peer agree on it; any other zero may have either.
Verdict judge(const Snapshot& engine, const Snapshot& truth, const Snapshot& peer,
              Precision precision, const Snapshot* magnitude = nullptr);

/// One element as judge() sees it. Errors are those against truth, in units in the last place at
/// the element's scale; a truth too large for `precision` counts as infinity.
struct ElementErrors {
  double engine = 0;
  double peer = 0;
  /// Judged by class, for LibTorch has NaN or an infinity: no error of the peer, and of the engine
  /// none or an infinite one.
  bool by_class = false;
  bool ok = true;
};

/// The elements behind judge()'s verdict on the same arguments; none where shapes do not agree.
std::vector<ElementErrors> element_errors(const Snapshot& engine, const Snapshot& truth,
                                          const Snapshot& peer, Precision precision,
                                          const Snapshot* magnitude = nullptr);

}  // namespace gradbook::reference
