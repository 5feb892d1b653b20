#pragma once

#include <cstddef>
#include <set>

#include "reference/program.hpp"
#include "tests/fuzz/compare.hpp"

namespace gradbook::fuzz {

/// What the lines of a program that ran use besides their operations. `outcome` is the engine's.
std::set<Feature> features_of(const reference::Program& program, const reference::Outcome& outcome);

}  // namespace gradbook::fuzz
