#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// The product ab at a = 2, b = 3; operators with a number on either side, at a = 2; and the
/// diamond d = (a + 1) + 3a with a = 2x, at x = 1.
Results value_engine(Precision precision);

}  // namespace gradbook::reference::twins
