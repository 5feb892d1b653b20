// How one line of a program is written. Internal to print.cpp.
#pragma once

#include <string>

#include "reference/program.hpp"

namespace gradbook::fuzz {

enum class Engine { ours, libtorch };

/// The expression or call for `line`, without its result and without the semicolon: "x1 + x4".
/// Throws std::invalid_argument for an operation that cannot be written.
std::string code_of(const reference::Program& program, const reference::Line& line, Engine engine);

}  // namespace gradbook::fuzz
