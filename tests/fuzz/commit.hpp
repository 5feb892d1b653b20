#pragma once

#include <string>

namespace gradbook::fuzz {

/// The commit that the program `fuzz` was built from, as `git describe --always --dirty` names it;
/// "unknown" outside of a checkout. Only in that program (commit.cmake).
std::string commit();

}  // namespace gradbook::fuzz
