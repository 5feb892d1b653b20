#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "reference/program.hpp"

namespace gradbook::fuzz {

/// Does a program fail in the way that is being looked for? Asked again and again, of programs that
/// may be refused by both engines. Must not throw.
using StillFails = std::function<bool(const reference::Program&)>;

/// What each line of a program came to, as far as it ran; may be shorter than the program.
using Evaluate =
    std::function<std::vector<reference::LineResult>(const reference::Program& program)>;

struct ShrinkOptions {
  /// For replacing results by leaves of their value; without it none are.
  Evaluate evaluate = nullptr;
  /// Programs that `still_fails` is asked about at most.
  std::size_t most_tries = 2000;
};

/// A smaller program that fails in the same way: without the lines that it takes no part of,
/// results replaced by inputs or by leaves of their value, flags off, dimensions dropped or of size
/// 1, values 0, 1, 2 or other small integers, float32. `program` itself must fail. Each change that
/// still fails is kept, until none does; the same program gives the same result every time.
reference::Program shrink(const reference::Program& program, const StillFails& still_fails,
                          const ShrinkOptions& options = {});

}  // namespace gradbook::fuzz
