#pragma once

namespace gradbook::rules {

/// What a vjp reads besides g, as bit flags: only this is saved for the backward pass.
using Reads = unsigned;
inline constexpr Reads kNothing = 0;
inline constexpr Reads kA = 1;       ///< the first (or only) input
inline constexpr Reads kB = 2;       ///< the second input
inline constexpr Reads kResult = 4;  ///< the result
inline constexpr Reads kOnlyG = 8;   ///< none of them: the gradient is g itself, without a copy

/// Stands in for a value that the row did not declare to read: a formula that uses it anyway does
/// not compile.
struct Unread {};

}  // namespace gradbook::rules
