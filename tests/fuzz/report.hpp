#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/fuzz/compare.hpp"

namespace gradbook::fuzz {

/// Shard `number` of `of`, counted from 1, runs programs number - 1, number - 1 + of, ...: together
/// all shards run every program of a campaign once.
struct Shard {
  std::uint64_t number = 1;
  std::uint64_t of = 1;

  /// How many of `programs` it runs.
  std::uint64_t size(std::uint64_t programs) const;
  /// The program at `position` among its own.
  std::uint64_t index(std::uint64_t position) const { return number - 1 + position * of; }

  friend bool operator==(const Shard&, const Shard&) = default;
};

/// What is counted over programs, so that counts of disjoint programs add up.
struct Counts {
  std::uint64_t programs = 0;
  std::map<std::size_t, std::uint64_t> operations = {};  ///< how many programs had how many
  std::uint64_t gradient_not_zero = 0;
  std::uint64_t raised = 0;
  std::uint64_t ill_conditioned = 0;  ///< with values that were compared step by step only
  std::map<std::string, std::uint64_t> refusals = {};  ///< by class of the engine's exception
  /// Programs in which operation and feature came together: [operation][feature].
  std::map<std::string, std::map<Feature, std::uint64_t>> pairs = {};
  std::map<std::string, std::uint64_t> intended = {};  ///< by name of the difference
  double worst_ratio = 0;                              ///< of error to allowance ...
  std::optional<std::uint64_t> worst_program = {};     ///< ... and the first program that had it

  void add(const Comparison& comparison, std::uint64_t index);
  void add(const Counts& other);
  /// The middle of all programs' numbers of operations; of an even number the lower one.
  std::size_t median_operations() const;

  friend bool operator==(const Counts&, const Counts&) = default;
};

/// A failing program made smaller.
struct Shrunk {
  std::string found = {};     ///< the disagreement that is left
  std::string text = {};      ///< the program, line by line
  std::string engine = {};    ///< as C++ for the engine
  std::string libtorch = {};  ///< as C++ for LibTorch

  friend bool operator==(const Shrunk&, const Shrunk&) = default;
};

/// A program on which the engines do not agree, or that ended the process that ran it.
struct Finding {
  std::uint64_t index = 0;
  std::string found = {};
  std::optional<Shrunk> shrunk = {};

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// What a campaign, or one shard of it, has shown.
struct Report {
  static constexpr std::size_t most_findings = 1000;  ///< that are kept; all are counted
  static constexpr std::size_t most_shrunk = 10;      ///< the first of them

  std::uint64_t seed = 1;
  std::uint64_t programs = 0;  ///< of the whole campaign
  Shard shard = {};
  std::string libtorch = {};  ///< its version
  std::string commit = {};    ///< of the engine
  std::uint64_t done = 0;     ///< the first so many programs of the shard have run
  Counts counts = {};
  std::uint64_t disagreements = 0;
  std::vector<Finding> findings = {};  ///< by index
  double seconds = 0;

  bool complete() const { return done == shard.size(programs); }
  /// The program it would go on with, where it is not complete.
  std::uint64_t next() const { return shard.index(done); }
  void add(Finding finding);
};

/// One condition that makes a campaign worth its name.
struct Condition {
  std::string name;
  std::string wanted;
  std::string value;
  bool judged = false;  ///< are there enough programs to tell?
  bool holds = true;
};

/// The median number of operations is at least 12; at least 90 % of the programs have a gradient
/// that is not zero; 5 to 20 % are refused; at most 1 % are ill-conditioned: all from 1,000
/// programs on. Every pair of an operation and a feature comes up in at least 1,000 of a million
/// programs: from 20,000 on (20 times), below a million with three standard deviations of a rare
/// count to spare.
std::vector<Condition> conditions(const Report& report);

/// A disagreement, or a condition that can be judged and does not hold. What has run so far is
/// enough to know that.
bool failed(const Report& report);
/// Complete, without a disagreement, and every condition is judged and holds. Where neither this
/// nor failed(), too little has run to tell.
bool passed(const Report& report);

/// Operation and feature with the number of programs they came together in.
struct PairHits {
  std::string operation;
  Feature feature;
  std::uint64_t hits = 0;
};
/// The pair that came up least; nothing where there is no pair.
std::optional<PairHits> least_hit(const Counts& counts);
/// All pairs that came up less than 1,000 times in a million, the rarest first.
std::vector<PairHits> rare_pairs(const Counts& counts);

/// The same as JSON, for programs; format and version are the first two fields.
std::string to_json(const Report& report);
/// Throws std::invalid_argument, with what was expected, for text that to_json() did not write.
Report report_from_json(const std::string& text);

}  // namespace gradbook::fuzz
