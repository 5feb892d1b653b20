#pragma once

#include <vector>

#include "engine/storage.hpp"

namespace gradbook::kernels {

/// Sums of `x` over the dimensions flagged in `reduced`, into a fresh array of `shape` (that of the
/// result, with or without the reduced dimensions). Rows are added in pairs, so that the rounding
/// error grows with the logarithm of their number (Higham, The accuracy of floating point
/// summation, 1993).
template <class T>
Array<T> sum(const Array<T>& x, const std::vector<bool>& reduced, const Shape& shape);

}  // namespace gradbook::kernels
