#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "engine/parity.hpp"
#include "reference/accuracy.hpp"

// The accuracy report itself: that nothing is left out, and that nobody is worse than allowed.

namespace gradbook::reference {
namespace {

using Results = std::vector<Accuracy>;
using Worst = std::vector<std::pair<std::string, double>>;

const Results& small_report() {
  static const Results report = measure_accuracy({.seed = 3, .samples = 3200});
  return report;
}

/// How often each operation is there: add has a form with a constant, too.
std::multiset<std::string> operations_measured() {
  std::set<std::pair<std::string, std::string>> forms;
  for (const Accuracy& result : small_report()) forms.insert({result.operation, result.written});
  std::multiset<std::string> operations;
  for (const auto& [operation, written] : forms) operations.insert(operation);
  return operations;
}

TEST(AccuracyReport, HasEveryOperationOfTheEngine) {
  std::multiset<std::string> operations;
  for (const parity::OperationFacts& facts : parity::operation_facts()) {
    operations.insert(facts.name);
  }
  EXPECT_EQ(operations_measured(), operations)
      << "a new one belongs into reference/accuracy_cases.cpp";
}

TEST(AccuracyReport, HasTheValueAndTheVjpOfEachInput) {
  std::map<std::string, std::set<std::string>> results;
  for (const Accuracy& result : small_report()) results[result.written].insert(result.vjp_of);
  for (const auto& [written, found] : results) {
    const std::set<std::string> of_two{"", "a", "b"};
    const std::set<std::string> of_one{"", "x"};
    const bool has_two = written.ends_with("b") || written.ends_with("b)");
    EXPECT_EQ(found, has_two ? of_two : of_one) << written;
  }
}

TEST(AccuracyReport, TheEngineIsNowhereWorseThanTheStatedMultipleOfLibTorch) {
  for (const Accuracy& result : small_report()) {
    EXPECT_TRUE(result.ok) << result.written << ", " << result.vjp_of << ": " << result.reason;
    EXPECT_GE(result.elements, 100U) << result.written;
    EXPECT_TRUE(std::isfinite(result.largest.engine)) << result.written;
    EXPECT_TRUE(std::isfinite(result.largest.libtorch)) << result.written;
    EXPECT_EQ(result.largest.engine > 0, !result.largest.worst.empty()) << result.written;
  }
}

// Where something on the way leaves the range of float32, whatever the processor.
TEST(AccuracyReport, HasTheLargestErrorOfLibTorchHoweverLarge) {
  std::set<std::string> far_off;
  for (const Accuracy& result : small_report()) {
    if (result.largest.libtorch > 1e5) far_off.insert(result.written + ", " + result.vjp_of);
  }
  for (const char* name : {"a / b, b", "x.reciprocal(), x", "x.sigmoid(), "}) {
    EXPECT_EQ(far_off.count(name), 1U) << name;
  }
  EXPECT_EQ(far_off.count("a * b, "), 0U);
}

TEST(AccuracyReport, HasFiguresOfTheirOwnWhereLibTorchIsWithinFourUlps) {
  for (const Accuracy& result : small_report()) {
    SCOPED_TRACE(result.written + ", " + result.vjp_of);
    EXPECT_LE(result.within.libtorch, 4);
    EXPECT_LE(result.within.engine, result.largest.engine);
    EXPECT_EQ(result.largest.libtorch > 4, result.by_peer > 0);
    EXPECT_EQ(result.within.engine > 0, !result.within.worst.empty());
    if (result.by_peer > 0) continue;
    EXPECT_EQ(result.within.libtorch, result.largest.libtorch);
    EXPECT_EQ(result.within.engine, result.largest.engine);
    EXPECT_EQ(result.within.worst, result.largest.worst);
  }
}

TEST(AccuracyReport, ReachesTheEdgesAndWhatIsNotExact) {
  const std::set<std::string> exact{"neg",     "gate",  "relu",  "transpose",
                                    "reshape", "copy_", "zero_", "expand"};
  for (const Accuracy& result : small_report()) {
    if (!result.vjp_of.empty()) continue;
    EXPECT_EQ(result.largest.engine > 0, !exact.contains(result.operation)) << result.operation;
    EXPECT_EQ(result.by_class > 0, result.operation != "zero_") << result.operation;
  }
}

TEST(AccuracyReport, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto figures = [](std::uint32_t seed) {
    std::vector<Worst> worst;
    for (const Accuracy& result : measure_accuracy({.seed = seed, .samples = 32})) {
      worst.push_back(result.largest.worst);
    }
    return worst;
  };
  const auto first = figures(1);
  EXPECT_EQ(figures(1), first);
  EXPECT_NE(figures(2), first);
}

TEST(AccuracyReport, SaysHowFarItIsAndStopsWhereItIsTold) {
  std::set<std::string> told;
  std::size_t last = 0;
  const Results results = measure_accuracy(
      {.samples = 1}, [&](const std::string& written, std::size_t number, std::size_t count) {
        told.insert(written);
        EXPECT_GE(number, last);
        EXPECT_LT(number, count);
        last = number;
        return number < 2;
      });
  EXPECT_EQ(told.size(), 3U);
  std::set<std::string> measured;
  for (const Accuracy& result : results) measured.insert(result.written);
  EXPECT_EQ(measured.size(), 2U) << "what was measured until then is kept";
}

}  // namespace
}  // namespace gradbook::reference
