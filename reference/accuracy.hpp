#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/trace.hpp"

namespace gradbook::reference {

/// The largest error of each engine among some elements, in ulps.
struct LargestErrors {
  double engine = 0;
  double libtorch = 0;  ///< of LibTorch in the same precision
  /// The engine's worst of these elements, one that fails before all others: the inputs that it was
  /// computed from by name, "c" for a constant and "g" for the arriving gradient; or, where it sums
  /// many, how many "terms" and the true "result". Empty where the engine is exact.
  std::vector<std::pair<std::string, double>> worst = {};
};

/// How exact one result of an operation is: its value, or its vjp for one of its inputs. Errors are
/// those against float64 LibTorch, in ulps: units in the last place at the scale of the truth or,
/// where numbers were summed, of these (times a quarter of the square root of their number where
/// they are more than 16). The same scale as in verdict.hpp.
struct Accuracy {
  std::string operation;  ///< as in a trace: "mul"
  std::string written;    ///< how a program writes it: "a * b"
  std::string vjp_of;     ///< "a", "b", or "x" of an operation with one input; empty: its value
  std::size_t elements = 0;
  /// Of these, where LibTorch has NaN or an infinity, so that there is no error to measure and the
  /// engine must have the same: an error of it is infinite.
  std::size_t by_class = 0;
  /// Of these, where LibTorch is off by more than a step of it may be (ulps_of_a_step), so that its
  /// own error is the measure. Mostly since something on the way was too large or too small for
  /// float32: then the digits that are left are chance, down to none at 1.7e+07 ulps.
  std::size_t by_peer = 0;
  LargestErrors largest;  ///< of all elements
  LargestErrors within;   ///< of those that are in neither `by_class` nor `by_peer`
  bool ok = true;         ///< by the verdict of verdict.hpp on each element
  std::string reason;     ///< empty when ok
};

/// Every operation and every vjp in `trace`, the same ones taken together; but not the operations
/// that a vjp is made of. `written` is empty.
std::vector<Accuracy> accuracy_of(const Trace& trace);

struct AccuracyOptions {
  std::uint32_t seed = 42;       ///< of the random inputs
  std::size_t samples = 100000;  ///< random elements or, in sums, terms for each operation; >= 1
};

/// Is asked before each step what to do next, and told: operation `number` (from 0) out of `count`
/// is at work. False ends the measurement.
using Progress =
    std::function<bool(const std::string& written, std::size_t number, std::size_t count)>;

/// Measures every operation of the engine (parity::operation_facts()) in float32, on random inputs
/// over the ranges where it is interesting, and on its edges: infinities, NaN, zeros, the largest
/// and the smallest numbers.
std::vector<Accuracy> measure_accuracy(const AccuracyOptions& options,
                                       const Progress& progress = {});

}  // namespace gradbook::reference
