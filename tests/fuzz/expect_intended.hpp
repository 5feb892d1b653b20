// Which intended difference compare() is expected to name.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "engine/parity.hpp"
#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/compare.hpp"

namespace gradbook::fuzz {

/// The engines differ in the program by what the page calls by that name, and by nothing else.
inline void expect_intended(const ProgramBuilder& b, const std::string& name) {
  const Comparison comparison = compare(b.program());
  EXPECT_EQ(comparison.disagreement, "");
  EXPECT_EQ(comparison.intended, (std::map<std::string, std::size_t>{{name, 1}}));
  const auto all = parity::differences();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const auto& d) { return d.name == name; }))
      << name;
  EXPECT_TRUE(all_intended().contains(name)) << name;
}

/// A planted fault was found, though the difference of that name had been conceded by then.
inline void expect_found_beside(const std::string& name, const Comparison& comparison) {
  EXPECT_NE(comparison.disagreement, "") << "the fault is not seen beside " << name;
  EXPECT_EQ(comparison.intended, (std::map<std::string, std::size_t>{{name, 1}}));
}

}  // namespace gradbook::fuzz
