#include "reference/accuracy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

// Errors in ulps of known cases, which the accuracy report is made of.

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
    EXPECT_EQ(result.largest.engine, 0);
    EXPECT_EQ(result.largest.libtorch, 0);
    EXPECT_TRUE(result.largest.worst.empty());
    EXPECT_TRUE(result.ok);
  }
}

TEST(Accuracy, APlantedErrorOfThreeUlpsIsReportedAsThreeUlps) {
  // The result is 3, in [2, 4): its ulp is that of 2.
  const Results results = accuracy_of(with_error<Trace::Operation>(doubled(), 1, 3 * 2 * ulp_of_1));
  const Accuracy forward = result_of(results, "mul");
  EXPECT_EQ(forward.largest.engine, 3);
  EXPECT_EQ(forward.largest.libtorch, 0);
  EXPECT_EQ(forward.largest.worst, (Worst{{"x", 1.5}, {"c", 2}}));
  EXPECT_TRUE(forward.ok);
  EXPECT_EQ(result_of(results, "mul", "x").largest.engine, 0);
}

TEST(Accuracy, AnErrorInAVjpIsReportedThereWithTheArrivingGradient) {
  const Results results = accuracy_of(with_error<Trace::Gradient>(doubled(), 1, -3 * ulp_of_1));
  const Accuracy vjp = result_of(results, "mul", "x");
  EXPECT_EQ(vjp.largest.engine, 3);
  EXPECT_EQ(vjp.largest.worst, (Worst{{"x", 1.5}, {"c", 2}, {"g", 0.625}}));
  EXPECT_EQ(result_of(results, "mul").largest.engine, 0);
}

TEST(Accuracy, TheVerdictAllowsSixteenUlpsWhereLibTorchIsExactAndNotMore) {
  const auto with_ulps = [](double ulps) {
    return result_of(accuracy_of(with_error<Trace::Operation>(doubled(), 0, ulps * 2 * ulp_of_1)),
                     "mul");
  };
  EXPECT_TRUE(with_ulps(16).ok);
  EXPECT_EQ(with_ulps(16).reason, "");
  EXPECT_FALSE(with_ulps(17).ok);
  EXPECT_EQ(with_ulps(17).largest.engine, 17);
  EXPECT_NE(with_ulps(17).reason, "");
}

TEST(Accuracy, TheTwoColumnsAreIndependent) {
  const Trace exp = traced([] {
    std::vector<float> values;
    for (int i = 0; i < 500; ++i) values.push_back(static_cast<float>(i) / 100);
    Tensor({500}, values).exp();
  });
  const Accuracy as_it_is = result_of(accuracy_of(exp), "exp");
  EXPECT_GT(as_it_is.largest.engine, 0.4) << "a function is rounded";
  EXPECT_LT(as_it_is.largest.engine, 2);
  EXPECT_GT(as_it_is.largest.libtorch, 0.4);
  EXPECT_LT(as_it_is.largest.libtorch, 2);
  EXPECT_NE(as_it_is.largest.engine, as_it_is.largest.libtorch)
      << "the C library's exp and LibTorch's vector exp round differently";

  const Accuracy planted =
      result_of(accuracy_of(with_error<Trace::Operation>(exp, 0, 5 * ulp_of_1)), "exp");
  EXPECT_EQ(planted.largest.engine, 5);
  EXPECT_EQ(planted.largest.libtorch, as_it_is.largest.libtorch);
  EXPECT_EQ(planted.largest.worst, (Worst{{"x", 0}}));
}

TEST(Accuracy, OfASumTheUlpIsThatOfWhatWasSummed) {
  const Trace cancels = traced([] { Tensor({{1000, -1000, 0.5}, {1, 2, 4}}).sum({1}); });
  const double ulp_of_2000 = 1024 * ulp_of_1;
  const Accuracy result =
      result_of(accuracy_of(with_error<Trace::Operation>(cancels, 0, 3 * ulp_of_2000)), "sum");
  EXPECT_EQ(result.largest.engine, 3);
  EXPECT_EQ(result.largest.worst, (Worst{{"terms", 3}, {"result", 0.5}}));
  // 64 terms: twice the scale, by the square root of 64 / 16.
  const Trace many = traced([] { Tensor::ones({64}).sum(); });
  EXPECT_EQ(result_of(accuracy_of(with_error<Trace::Operation>(many, 0, 128 * ulp_of_1)), "sum")
                .largest.engine,
            1);
}

TEST(Accuracy, TheWorstElementIsNamedByItsOwnInputsAlsoWhereTheyBroadcast) {
  const Trace trace = traced([] {
    const Tensor a({{1, 2, 3}, {4, 5, 6}});
    const Tensor b({{10}, {20}});
    const Tensor y = a + b;
  });
  const Results results = accuracy_of(with_error<Trace::Operation>(trace, 5, 3 * 16 * ulp_of_1));
  EXPECT_EQ(result_of(results, "add").largest.worst, (Worst{{"a", 6}, {"b", 20}}));
  EXPECT_EQ(result_of(results, "add").largest.engine, 3);
}

TEST(Accuracy, WhereLibTorchIsNotFiniteTheClassDecides) {
  const Trace exp = traced([] { Tensor({89, 0}).exp(); });
  const Accuracy sound = result_of(accuracy_of(exp), "exp");
  EXPECT_EQ(sound.by_class, 1U);
  EXPECT_EQ(sound.largest.engine, 0);
  const Accuracy wrong = result_of(accuracy_of(with_error<Trace::Operation>(exp, 0, -inf)), "exp");
  EXPECT_FALSE(wrong.ok);
  EXPECT_EQ(wrong.largest.engine, inf);
  EXPECT_EQ(wrong.largest.libtorch, 0);
  EXPECT_EQ(wrong.largest.worst, (Worst{{"x", 89}}));
}

// float32 LibTorch makes 1 / (1 + exp(88.75)) 0, for exp(88.75) is infinite; truth is subnormal.
TEST(Accuracy, WhereLibTorchIsFarOffItsErrorIsMeasuredLikeAnyOther) {
  const Trace sigmoid = traced([] { Tensor({-88.75, 0.5}).sigmoid(); });
  const double error = 1 / (1 + std::exp(88.75)) / 0x1p-149;
  const Accuracy as_it_is = result_of(accuracy_of(sigmoid), "sigmoid");
  EXPECT_GT(error, 1e6);
  EXPECT_NEAR(as_it_is.largest.libtorch, error, 1e-6 * error);
  EXPECT_EQ(as_it_is.by_peer, 1U);
  EXPECT_LE(as_it_is.within.libtorch, 1) << "of the other element alone";

  const Accuracy planted =
      result_of(accuracy_of(with_error<Trace::Operation>(sigmoid, 0, 0x1p-126)), "sigmoid");
  EXPECT_GT(planted.largest.engine, 0x1p22);
  EXPECT_EQ(planted.largest.worst, (Worst{{"x", -88.75}}));
  EXPECT_EQ(planted.largest.libtorch, as_it_is.largest.libtorch);
  EXPECT_EQ(planted.within.engine, as_it_is.within.engine);
  EXPECT_EQ(planted.within.worst, as_it_is.within.worst);
}

TEST(Accuracy, TheFiguresWhereLibTorchIsWithinFourUlpsNameTheirOwnWorstInput) {
  const Trace sigmoid = traced([] { Tensor({-88.75, 0.5, 1}).sigmoid(); });
  const Accuracy planted =
      result_of(accuracy_of(with_error<Trace::Operation>(sigmoid, 2, 4 * ulp_of_1)), "sigmoid");
  EXPECT_NEAR(planted.within.engine, 8, 1);
  EXPECT_EQ(planted.within.worst, (Worst{{"x", 1}}));
  EXPECT_EQ(planted.largest.worst, (Worst{{"x", -88.75}}));
}

// The one that fails is off by less: LibTorch is far off at the other one.
TEST(Accuracy, TheElementThatFailsIsTheWorstWhateverTheErrorsOfOthers) {
  const Trace sigmoid = traced([] { Tensor({-88.75, 1}).sigmoid(); });
  const Accuracy failing =
      result_of(accuracy_of(with_error<Trace::Operation>(sigmoid, 1, 100 * ulp_of_1)), "sigmoid");
  EXPECT_FALSE(failing.ok);
  EXPECT_GT(failing.largest.engine, 1e6);
  EXPECT_EQ(failing.largest.worst, (Worst{{"x", 1}}));
}

TEST(Accuracy, AnOverflowWithinRoundingOfTheLargestNumberIsNoError) {
  const double half = 0x1p127;
  const Trace trace = traced([&] { Tensor({half}) + Tensor({half * (1 + 4 * ulp_of_1)}); });
  const Accuracy result = result_of(accuracy_of(trace), "add");
  EXPECT_TRUE(result.ok);
  EXPECT_EQ(result.largest.engine, 0);
  EXPECT_EQ(result.largest.libtorch, 0);
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
  EXPECT_EQ(result_of(results, "mul").largest.engine, 1);
  EXPECT_EQ(result_of(results, "mul").within.engine, 1);
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

}  // namespace
}  // namespace gradbook::reference
