#include "reference/accuracy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "engine/parity.hpp"

// The accuracy report: errors in ulps of known cases, and that nothing is left out.

namespace gradbook::reference {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double ulp_of_1 = 0x1p-23;

using Results = std::vector<Accuracy>;
using Worst = std::vector<std::pair<std::string, double>>;

template <class Program>
Trace traced(const Program& program) {
  Trace trace;
  const TraceScope scope(trace);
  program();
  return trace;
}

/// Moves element `index` of what the first step of this kind gave by `error`.
template <class Kind>
Trace with_error(Trace trace, std::size_t index, double error) {
  for (std::size_t i = 0; i < trace.steps().size(); ++i) {
    Snapshot value;
    if (const auto* step = std::get_if<Kind>(&trace.steps()[i])) {
      if constexpr (std::is_same_v<Kind, Trace::Operation>) {
        value = trace.values().at(step->output).snapshot;
      } else {
        value = step->result;
      }
      value.values.at(index) += error;
      trace.plant(i, value);
      return trace;
    }
  }
  ADD_FAILURE() << "no such step";
  return trace;
}

Accuracy result_of(const Results& results, const std::string& operation,
                   const std::string& vjp_of = "") {
  for (const Accuracy& result : results) {
    if (result.operation == operation && result.vjp_of == vjp_of) return result;
  }
  ADD_FAILURE() << "no " << operation << ", " << vjp_of;
  return {};
}

/// x * 2 and its vjp, exact in any precision.
Trace doubled() {
  return traced([] {
    const Tensor x({1, 1.5, -0.75}, requires_grad);
    (x * 2).backward(Tensor({1, 0.625, 1}));
  });
}

TEST(Accuracy, WhatIsExactHasNoErrorAndNoWorstInput) {
  const Results results = accuracy_of(doubled());
  ASSERT_EQ(results.size(), 2U);
  for (const Accuracy& result : results) {
    EXPECT_EQ(result.operation, "mul");
    EXPECT_EQ(result.elements, 3U);
    EXPECT_EQ(result.by_class, 0U);
    EXPECT_EQ(result.engine_ulps, 0);
    EXPECT_EQ(result.libtorch_ulps, 0);
    EXPECT_TRUE(result.worst.empty());
    EXPECT_TRUE(result.ok);
  }
}

TEST(Accuracy, APlantedErrorOfThreeUlpsIsReportedAsThreeUlps) {
  // The result is 3, in [2, 4): its ulp is that of 2.
  const Results results = accuracy_of(with_error<Trace::Operation>(doubled(), 1, 3 * 2 * ulp_of_1));
  const Accuracy forward = result_of(results, "mul");
  EXPECT_EQ(forward.engine_ulps, 3);
  EXPECT_EQ(forward.libtorch_ulps, 0);
  EXPECT_EQ(forward.worst, (Worst{{"x", 1.5}, {"c", 2}}));
  EXPECT_TRUE(forward.ok);
  EXPECT_EQ(result_of(results, "mul", "x").engine_ulps, 0);
}

TEST(Accuracy, AnErrorInAVjpIsReportedThereWithTheArrivingGradient) {
  const Results results = accuracy_of(with_error<Trace::Gradient>(doubled(), 1, -3 * ulp_of_1));
  const Accuracy vjp = result_of(results, "mul", "x");
  EXPECT_EQ(vjp.engine_ulps, 3);
  EXPECT_EQ(vjp.worst, (Worst{{"x", 1.5}, {"c", 2}, {"g", 0.625}}));
  EXPECT_EQ(result_of(results, "mul").engine_ulps, 0);
}

TEST(Accuracy, TheVerdictAllowsSixteenUlpsWhereLibTorchIsExactAndNotMore) {
  const auto with_ulps = [](double ulps) {
    return result_of(accuracy_of(with_error<Trace::Operation>(doubled(), 0, ulps * 2 * ulp_of_1)),
                     "mul");
  };
  EXPECT_TRUE(with_ulps(16).ok);
  EXPECT_EQ(with_ulps(16).reason, "");
  EXPECT_FALSE(with_ulps(17).ok);
  EXPECT_EQ(with_ulps(17).engine_ulps, 17);
  EXPECT_NE(with_ulps(17).reason, "");
}

TEST(Accuracy, TheTwoColumnsAreIndependent) {
  const Trace exp = traced([] {
    std::vector<float> values;
    for (int i = 0; i < 500; ++i) values.push_back(static_cast<float>(i) / 100);
    Tensor({500}, values).exp();
  });
  const Accuracy as_it_is = result_of(accuracy_of(exp), "exp");
  EXPECT_GT(as_it_is.engine_ulps, 0.4) << "a function is rounded";
  EXPECT_LT(as_it_is.engine_ulps, 2);
  EXPECT_GT(as_it_is.libtorch_ulps, 0.4);
  EXPECT_LT(as_it_is.libtorch_ulps, 2);
  EXPECT_NE(as_it_is.engine_ulps, as_it_is.libtorch_ulps)
      << "the C library's exp and LibTorch's vector exp round differently";

  const Accuracy planted =
      result_of(accuracy_of(with_error<Trace::Operation>(exp, 0, 5 * ulp_of_1)), "exp");
  EXPECT_EQ(planted.engine_ulps, 5);
  EXPECT_EQ(planted.libtorch_ulps, as_it_is.libtorch_ulps);
  EXPECT_EQ(planted.worst, (Worst{{"x", 0}}));
}

TEST(Accuracy, OfASumTheUlpIsThatOfWhatWasSummed) {
  const Trace cancels = traced([] { Tensor({{1000, -1000, 0.5}, {1, 2, 4}}).sum({1}); });
  const double ulp_of_2000 = 1024 * ulp_of_1;
  const Accuracy result =
      result_of(accuracy_of(with_error<Trace::Operation>(cancels, 0, 3 * ulp_of_2000)), "sum");
  EXPECT_EQ(result.engine_ulps, 3);
  EXPECT_EQ(result.worst, (Worst{{"terms", 3}, {"result", 0.5}}));
  // 64 terms: twice the scale, by the square root of 64 / 16.
  const Trace many = traced([] { Tensor::ones({64}).sum(); });
  EXPECT_EQ(result_of(accuracy_of(with_error<Trace::Operation>(many, 0, 128 * ulp_of_1)), "sum")
                .engine_ulps,
            1);
}

TEST(Accuracy, TheWorstElementIsNamedByItsOwnInputsAlsoWhereTheyBroadcast) {
  const Trace trace = traced([] {
    const Tensor a({{1, 2, 3}, {4, 5, 6}});
    const Tensor b({{10}, {20}});
    const Tensor y = a + b;
  });
  const Results results = accuracy_of(with_error<Trace::Operation>(trace, 5, 3 * 16 * ulp_of_1));
  EXPECT_EQ(result_of(results, "add").worst, (Worst{{"a", 6}, {"b", 20}}));
  EXPECT_EQ(result_of(results, "add").engine_ulps, 3);
}

TEST(Accuracy, WhereLibTorchIsNotFiniteTheClassDecides) {
  const Trace exp = traced([] { Tensor({89, 0}).exp(); });
  const Accuracy sound = result_of(accuracy_of(exp), "exp");
  EXPECT_EQ(sound.by_class, 1U);
  EXPECT_EQ(sound.engine_ulps, 0);
  const Accuracy wrong = result_of(accuracy_of(with_error<Trace::Operation>(exp, 0, -inf)), "exp");
  EXPECT_FALSE(wrong.ok);
  EXPECT_EQ(wrong.engine_ulps, inf);
  EXPECT_EQ(wrong.libtorch_ulps, 0);
  EXPECT_EQ(wrong.worst, (Worst{{"x", 89}}));
}

TEST(Accuracy, AnOverflowWithinRoundingOfTheLargestNumberIsNoError) {
  const double half = 0x1p127;
  const Trace trace = traced([&] { Tensor({half}) + Tensor({half * (1 + 4 * ulp_of_1)}); });
  const Accuracy result = result_of(accuracy_of(trace), "add");
  EXPECT_TRUE(result.ok);
  EXPECT_EQ(result.engine_ulps, 0);
  EXPECT_EQ(result.libtorch_ulps, 0);
}

TEST(Accuracy, EqualStepsAreTakenTogether) {
  const Trace trace = traced([] {
    const Tensor x({1, 2}, requires_grad);
    ((x * 2) * 4).backward(Tensor({1, 1}));
  });
  const Results results = accuracy_of(with_error<Trace::Operation>(trace, 0, 2 * ulp_of_1));
  EXPECT_EQ(results.size(), 2U);
  EXPECT_EQ(result_of(results, "mul").elements, 4U);
  EXPECT_EQ(result_of(results, "mul", "x").elements, 4U);
  EXPECT_EQ(result_of(results, "mul").engine_ulps, 1);
}

TEST(Accuracy, AnOperationWithoutCounterpartFails) {
  const Trace trace = traced([] { Tensor({1, 2}).exp(); });
  for (const Trace::Step& step : trace.steps()) {
    if (const auto* exp = std::get_if<Trace::Operation>(&step)) {
      const_cast<Trace::Operation*>(exp)->name = "expm1";
    }
  }
  const Accuracy result = result_of(accuracy_of(trace), "expm1");
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.reason, "no LibTorch counterpart for 'expm1'");
}

// --- The report
// --------------------------------------------------------------------------------------

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
    EXPECT_TRUE(std::isfinite(result.engine_ulps)) << result.written;
    EXPECT_TRUE(std::isfinite(result.libtorch_ulps)) << result.written;
    EXPECT_EQ(result.engine_ulps > 0, !result.worst.empty()) << result.written;
  }
}

TEST(AccuracyReport, ReachesTheEdgesAndWhatIsNotExact) {
  const std::set<std::string> exact{"neg",     "gate",  "relu",  "transpose",
                                    "reshape", "copy_", "zero_", "expand"};
  for (const Accuracy& result : small_report()) {
    if (!result.vjp_of.empty()) continue;
    EXPECT_EQ(result.engine_ulps > 0, !exact.contains(result.operation)) << result.operation;
    EXPECT_EQ(result.by_class > 0, result.operation != "zero_") << result.operation;
  }
}

TEST(AccuracyReport, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto figures = [](std::uint32_t seed) {
    std::vector<Worst> worst;
    for (const Accuracy& result : measure_accuracy({.seed = seed, .samples = 32})) {
      worst.push_back(result.worst);
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
