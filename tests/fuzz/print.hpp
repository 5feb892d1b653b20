#pragma once

#include <cstdint>
#include <string>

#include "reference/program.hpp"

namespace gradbook::fuzz {

/// Where a program comes from, for the comment above it.
struct Origin {
  std::uint64_t seed = 0;
  std::uint64_t index = 0;
  bool shrunk = false;
};

/// "fuzz --seed 1 --only 17": the command that runs the program again.
std::string command(const Origin& origin);

/// `program` as a C++ file of its own that runs it in the engine and prints every result and
/// gradient it ends with. The comment above it says where it comes from and what was `found`.
/// Throws std::invalid_argument for an operation that it cannot write.
std::string engine_source(const reference::Program& program, const Origin& origin,
                          const std::string& found);

/// The same in LibTorch, with the same output: the two can be compared with diff. Where
/// engine/parity.md says that the engine copies, it copies.
std::string libtorch_source(const reference::Program& program, const Origin& origin,
                            const std::string& found);

}  // namespace gradbook::fuzz
