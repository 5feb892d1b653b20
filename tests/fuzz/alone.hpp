#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/fuzz/report.hpp"
#include "tests/fuzz/shrink.hpp"

namespace gradbook::fuzz {

/// What a campaign puts to the test: the two engines, or a fake.
struct Subject {
  std::function<reference::Program(std::uint64_t seed, std::uint64_t index)> generate;
  std::function<Comparison(const reference::Program&)> compare;
  /// What the lines of a program come to in the engine; only asked for programs that both engines
  /// have run.
  Evaluate evaluate;
  /// What programs are made of: a pair that never comes up is to be seen in the report too, and so
  /// is an intended difference that explains nothing.
  std::vector<std::string> operations = {};
  std::set<Feature> features = {};
  std::set<std::string> intended = {};
  std::string libtorch = {};       ///< its version
  std::string commit = "unknown";  ///< of the engine
  /// Longer than any program takes: one that runs so long hangs.
  std::chrono::seconds patience{120};
};

/// The engine and LibTorch.
Subject both_engines();

/// How a program that takes longer than Subject::patience is reported.
std::string did_not_end(const Subject& subject);

/// Makes a program and compares it; an exception on the way becomes a disagreement that says so.
Comparison compare_or_say_why(const Subject& subject,
                              const std::function<reference::Program()>& make);

/// Program `index` of the campaign `seed`; nothing where making it ends a child process.
std::optional<reference::Program> make_safely(const Subject& subject, std::uint64_t seed,
                                              std::uint64_t index);

/// What is wrong with a program, found out in a child process; empty: nothing.
std::string failure_of(const Subject& subject, const reference::Program& program);

/// What stays of a failure's description when the program gets smaller: its words, without numbers.
std::string kind_of(const std::string& found);

/// Runs the program of `finding` again by itself, and shrinks it, in child processes. Where it does
/// not fail by itself, Finding::found says so. Ends with what it has when *stop becomes other than
/// 0.
void shrink_finding(Finding& finding, const Subject& subject, std::uint64_t seed,
                    const volatile std::sig_atomic_t* stop);

}  // namespace gradbook::fuzz
