// What all interpreters are expected to make of a program.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "reference/program.hpp"
#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/run_engine.hpp"

namespace gradbook::fuzz {

/// How the engine and LibTorch run a program.
struct Interpreter {
  const char* name;
  reference::Outcome (*run)(const reference::Program&);
};

inline const Interpreter interpreters[] = {
    {"engine", [](const reference::Program& program) { return run_engine(program).outcome; }},
    {"traced",
     [](const reference::Program& program) {
       Trace trace;
       return run_engine(program, &trace).outcome;
     }},
    {"LibTorch",
     [](const reference::Program& program) { return reference::run_in_libtorch(program); }},
};

/// Calls `check` with what each interpreter makes of the program, in each precision.
inline void for_each_outcome(const ProgramBuilder& builder,
                             const std::function<void(const reference::Outcome&)>& check) {
  for (const auto precision : {reference::Precision::float32, reference::Precision::float64}) {
    for (const Interpreter& interpreter : interpreters) {
      SCOPED_TRACE(std::string(interpreter.name) +
                   (precision == reference::Precision::float32 ? " float32" : " float64"));
      const reference::Outcome outcome = interpreter.run(builder.in(precision));
      EXPECT_EQ(outcome.finals.size(), outcome.results.size());
      ASSERT_EQ(outcome.gradients.size(), outcome.results.size());
      check(outcome);
    }
  }
}

inline void expect_runs(const ProgramBuilder& builder,
                        const std::function<void(const reference::Outcome&)>& check) {
  for_each_outcome(builder, [&](const reference::Outcome& outcome) {
    ASSERT_FALSE(outcome.raised()) << outcome.error;
    ASSERT_EQ(outcome.results.size(), builder.program().lines.size());
    check(outcome);
  });
}

/// The last line is refused, and no other.
inline void expect_last_line_refused(const ProgramBuilder& builder) {
  for_each_outcome(builder, [&](const reference::Outcome& outcome) {
    EXPECT_TRUE(outcome.raised());
    EXPECT_EQ(outcome.results.size(), builder.program().lines.size() - 1) << outcome.error;
  });
}

}  // namespace gradbook::fuzz
