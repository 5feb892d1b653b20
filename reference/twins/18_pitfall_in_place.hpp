#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// Writes in place: how versions count, what is refused ("refused: a leaf": 1 or 0), for eight
/// operations whether a write to their input or result is, the gradients of what is not refused,
/// and the wrong gradient after a write through data(), which nothing guards.
Results pitfall_in_place(Precision precision);

}  // namespace gradbook::reference::twins
