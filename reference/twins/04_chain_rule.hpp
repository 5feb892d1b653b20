#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// c = (a + b) b at a = 2, b = 3; the recurrence h = w h, four times from h = 1 with w = 3; and
/// 10 and 40 doublings x + x of x = 1.
Results chain_rule(Precision precision);

}  // namespace gradbook::reference::twins
