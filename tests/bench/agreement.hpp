#pragma once

#include <string>

#include "reference/results.hpp"

namespace gradbook::bench {

/// How far two sides' results for one row may be apart: each element by this much of the largest
/// element of its array. Some 80 roundings of float32: enough for any order of adding, far too
/// little for another formula.
inline constexpr double tolerance = 1e-5;

/// What is wrong between the two sides' results; empty when they computed the same. Results that
/// are all zeros, or not finite, count as wrong: there, two different programs would agree.
std::string disagreement(const reference::Results& engine, const reference::Results& libtorch);

}  // namespace gradbook::bench
