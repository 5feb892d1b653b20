// The passes of shrink(): each tries one kind of change wherever it is possible.
#pragma once

#include <set>
#include <string>

#include "tests/fuzz/shrink.hpp"

namespace gradbook::fuzz {

/// The smallest failing program so far, and what has been tried.
class Search {
 public:
  Search(const reference::Program& program, const StillFails& still_fails,
         const ShrinkOptions& options);

  const reference::Program& best() const { return best_; }
  const std::vector<reference::Line>& lines() const { return best_.lines; }
  /// Keeps `candidate` if it still fails. False also for one that was tried before, and when all
  /// tries are used up.
  bool accept(const reference::Program& candidate);
  /// What the lines of best() came to; empty without an evaluation.
  const std::vector<reference::LineResult>& results();
  bool used_up() const { return tries_left_ == 0; }
  std::size_t accepted() const { return accepted_; }

 private:
  reference::Program best_;
  const StillFails& still_fails_;
  const Evaluate& evaluate_;
  std::size_t tries_left_;
  std::size_t accepted_ = 0;
  std::set<std::string> tried_;
  std::optional<std::vector<reference::LineResult>> results_;
};

void drop_lines(Search& search);
void use_inputs_for_results(Search& search);
void use_leaves_for_results(Search& search);
void switch_features_off(Search& search);
void shrink_shapes(Search& search);
void simplify_values(Search& search);

/// How far a number is from simple: 0, 1, 2, -1, small integers, integers, one decimal, the rest.
int complexity(double value);
/// Simpler numbers to try for `value`, the simplest first.
std::vector<double> simpler(double value);

}  // namespace gradbook::fuzz
