#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/parity.hpp"
#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/compare.hpp"

// What random programs are like, and that both engines agree on some hundreds of them.

namespace gradbook::fuzz {
namespace {

using reference::Line;
using reference::Program;

bool same(const Line& a, const Line& b) {
  const auto same_number = [](double x, double y) {
    return x == y || (std::isnan(x) && std::isnan(y));
  };
  return a.op == b.op && a.inputs == b.inputs && a.attributes == b.attributes &&
         a.data.shape == b.data.shape &&
         std::equal(a.data.values.begin(), a.data.values.end(), b.data.values.begin(),
                    b.data.values.end(), same_number);
}

bool same(const Program& a, const Program& b) {
  return a.precision == b.precision &&
         std::equal(a.lines.begin(), a.lines.end(), b.lines.begin(), b.lines.end(),
                    [](const Line& x, const Line& y) { return same(x, y); });
}

TEST(RandomProgram, DependsOnSeedAndIndexAlone) {
  const Program fresh = random_program(7, 42);
  for (std::uint64_t i = 0; i < 20; ++i) random_program(7, 40 + i);
  EXPECT_TRUE(same(random_program(7, 42), fresh));
}

TEST(RandomProgram, DiffersFromItsNeighbours) {
  const Program one = random_program(7, 42);
  EXPECT_FALSE(same(random_program(7, 43), one));
  EXPECT_FALSE(same(random_program(8, 42), one));
  EXPECT_FALSE(same(random_program(8, 41), one));
}

// These very bits, on every machine: a seed in a report has to mean the same everywhere.
TEST(RandomProgram, IsTheSameEverywhere) {
  std::uint64_t hash = 14695981039346656037U;
  const auto mix = [&](std::string_view bytes) {
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  };
  const auto mix_numbers = [&](const std::vector<double>& numbers) {
    for (const double number : numbers) {
      if (std::isnan(number)) continue;
      mix({reinterpret_cast<const char*>(&number), sizeof(number)});
    }
  };
  for (std::uint64_t i = 0; i < 200; ++i) {
    for (const Line& line : random_program(1, i).lines) {
      mix(line.op);
      for (const std::size_t input : line.inputs) mix_numbers({static_cast<double>(input)});
      for (const auto& [name, numbers] : line.attributes) mix_numbers(numbers);
      mix_numbers(line.data.values);
    }
  }
  EXPECT_EQ(hash, 651127593216800962U);
}

TEST(RandomProgram, IsWellFormed) {
  for (std::uint64_t i = 0; i < 500; ++i) {
    EXPECT_NO_THROW(reference::check_well_formed(random_program(2, i))) << i;
  }
}

/// What 2,000 programs are like. Slow enough to be done once.
struct Sample {
  static constexpr std::size_t programs = 2000;
  std::vector<std::size_t> operations;
  std::size_t with_gradient = 0;
  std::size_t raised = 0;
  std::set<std::string> refusals;
  std::map<std::string, std::size_t> intended;
  std::set<std::pair<std::string, Feature>> covered;
  std::vector<std::string> disagreements;

  Sample() {
    for (std::uint64_t i = 0; i < programs; ++i) {
      const Comparison comparison = compare(random_program(20, i));
      operations.push_back(comparison.operations);
      if (comparison.gradient_not_zero) ++with_gradient;
      if (comparison.raised) ++raised;
      if (comparison.raised) refusals.insert(comparison.refusal);
      for (const auto& [name, count] : comparison.intended) intended[name] += count;
      covered.insert(comparison.covered.begin(), comparison.covered.end());
      if (comparison.disagreement.empty()) continue;
      disagreements.push_back("program " + std::to_string(i) + ": " + comparison.disagreement);
    }
    std::sort(operations.begin(), operations.end());
  }
};

const Sample& sample() {
  static const Sample taken;
  return taken;
}

TEST(RandomPrograms, AgreeInBothEngines) {
  for (const std::string& disagreement : sample().disagreements) ADD_FAILURE() << disagreement;
}

TEST(RandomPrograms, AreRealOnes) {
  EXPECT_GE(sample().operations[Sample::programs / 2], 15U);
  EXPECT_LE(sample().operations.back(), 60U);
}

TEST(RandomPrograms, MostlyHaveAGradient) {
  EXPECT_GE(sample().with_gradient, Sample::programs * 9 / 10);
}

TEST(RandomPrograms, SometimesRaise) {
  EXPECT_GE(sample().raised, Sample::programs / 20);
  EXPECT_LE(sample().raised, Sample::programs / 5);
  const std::set<std::string> all = {
      "UndefinedTensorError", "ShapeError",   "DimensionError",    "BackwardError",
      "GraphFreedError",      "InPlaceError", "RequiresGradError", "SavedTensorChangedError"};
  EXPECT_EQ(sample().refusals, all);
}

TEST(RandomPrograms, UseEveryOperationAndFeature) {
  std::set<std::string> operations;
  std::set<Feature> features;
  for (const auto& [operation, feature] : sample().covered) {
    operations.insert(operation);
    features.insert(feature);
  }
  for (const parity::OperationFacts& facts : parity::operation_facts()) {
    if (facts.name == "checkpoint") continue;  // of a function, which a line cannot hold
    EXPECT_EQ(operations.count(facts.name), 1U) << facts.name;
  }
  for (const std::string& op : reference::line_operations()) {
    if (reference::computes_a_tensor(op)) operations.erase(op);
  }
  EXPECT_TRUE(operations.empty()) << *operations.begin();
  EXPECT_EQ(features, all_features());
}

TEST(RandomProgram, CanBeMadeWhereNothingIsSmallEnoughToBeDivided) {
  EXPECT_FALSE(random_program(1, 822594).lines.empty());
}

TEST(RandomPrograms, MeetIntendedDifferencesSeldom) {
  std::size_t all = 0;
  const std::set<std::string> known = all_intended();
  for (const auto& [name, count] : sample().intended) {
    EXPECT_EQ(known.count(name), 1U) << name;
    // These make no difference: LibTorch copies too.
    if (name != "transpose copies" && name != "expand copies") all += count;
  }
  EXPECT_GE(sample().intended.size(), 5U);
  EXPECT_LE(all, Sample::programs / 20);
}

}  // namespace
}  // namespace gradbook::fuzz
