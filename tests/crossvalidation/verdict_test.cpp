#include "reference/verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradbook::reference {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::nan("");
constexpr double float_ulp_of_1 = 0x1p-23;
constexpr double double_ulp_of_1 = 0x1p-52;
constexpr double largest_float = std::numeric_limits<float>::max();

Verdict in_float32(double engine, double truth, double peer) {
  return judge(engine, truth, peer, Precision::float32);
}

TEST(Verdict, EqualResultsAgree) {
  const Snapshot x({2, 2}, {1, -2, 0, 3e38});
  const Verdict verdict = judge(x, x, x, Precision::float32);
  EXPECT_TRUE(verdict.ok);
  EXPECT_EQ(verdict.error, 0);
  EXPECT_EQ(verdict.ratio, 0);
  EXPECT_EQ(verdict.reason, "");
}

// The model is 4 max(|peer - truth|, 4 ulp): sixteen ulps where the peer is exact.
TEST(Verdict, AllowsSixteenUlpsWhereThePeerIsExactAndNotMore) {
  const double edge = 16 * float_ulp_of_1;
  EXPECT_TRUE(in_float32(1 + edge, 1, 1).ok);
  EXPECT_DOUBLE_EQ(in_float32(1 + edge, 1, 1).ratio, 1);
  EXPECT_FALSE(in_float32(1 + edge + float_ulp_of_1, 1, 1).ok);
  EXPECT_FALSE(in_float32(1 - edge - float_ulp_of_1, 1, 1).ok);
}

TEST(Verdict, AllowsFourTimesTheErrorOfThePeerAndNotMore) {
  const double peer = 1 + 100 * float_ulp_of_1;
  EXPECT_TRUE(in_float32(1 + 400 * float_ulp_of_1, 1, peer).ok);
  EXPECT_FALSE(in_float32(1 + 401 * float_ulp_of_1, 1, peer).ok);
  EXPECT_FALSE(in_float32(1 - 401 * float_ulp_of_1, 1, peer).ok);
}

TEST(Verdict, UsesTheSameFormulaInFloat64WithoutAPeer) {
  const auto in_float64 = [](double engine) {
    return judge(engine, 1.0, 1000.0, Precision::float64).ok;
  };
  EXPECT_TRUE(in_float64(1 + 16 * double_ulp_of_1));
  EXPECT_FALSE(in_float64(1 + 17 * double_ulp_of_1));
  EXPECT_FALSE(in_float64(1 + 17 * float_ulp_of_1));
}

TEST(Verdict, TheScaleIsThatOfTheSummedTerms) {
  // 1000 - 1000 + 1e-3: an error of an ulp of 1000 is fine, without the scale it is not.
  const double error = 0x1p-14;
  EXPECT_FALSE(in_float32(1e-3 + error, 1e-3, 1e-3).ok);
  const Snapshot scale = 1000.0;
  EXPECT_TRUE(judge(1e-3 + error, 1e-3, 1e-3, Precision::float32, &scale).ok);
  EXPECT_FALSE(judge(1e-3 + 17 * error, 1e-3, 1e-3, Precision::float32, &scale).ok);
}

TEST(Verdict, TheScaleIsNeverLessThanTheTruth) {
  const Snapshot scale = 0.0;
  EXPECT_TRUE(judge(1 + float_ulp_of_1, 1, 1, Precision::float32, &scale).ok);
}

TEST(Verdict, WhereThePeerIsNotFiniteTheClassMustMatch) {
  for (const double libtorch : {inf, -inf, nan}) {
    for (const double engine : {inf, -inf, nan, 1.0}) {
      const bool same = std::isnan(engine) ? std::isnan(libtorch) : engine == libtorch;
      EXPECT_EQ(in_float32(engine, libtorch, libtorch).ok, same) << engine << " " << libtorch;
      EXPECT_EQ(judge(engine, libtorch, libtorch, Precision::float64).ok, same);
      // float64 holds what float32 cannot: there the peer says what the engine must do.
      EXPECT_EQ(in_float32(engine, 1.0, libtorch).ok, same) << engine << " " << libtorch;
      EXPECT_EQ(in_float32(engine, inf, libtorch).ok, same) << engine << " " << libtorch;
    }
  }
}

TEST(Verdict, WhereThePeerIsFiniteTheEngineMustBe) {
  for (const double engine : {inf, -inf, nan}) {
    EXPECT_FALSE(in_float32(engine, 1, 1).ok) << engine;
    EXPECT_FALSE(judge(engine, 1.0, 1.0, Precision::float64).ok) << engine;
    EXPECT_EQ(in_float32(engine, 1, 1).ratio, inf);
  }
}

TEST(Verdict, WhereOnlyTheTruthIsNotFiniteTheEngineMustBeLikeIt) {
  EXPECT_TRUE(in_float32(inf, inf, 1).ok);
  EXPECT_FALSE(in_float32(1, inf, 1).ok);
  EXPECT_FALSE(in_float32(1, nan, 1).ok);
}

TEST(Verdict, WithinRoundingOfTheLargestNumberAnOverflowIsNoError) {
  EXPECT_TRUE(in_float32(inf, largest_float, largest_float).ok);
  EXPECT_TRUE(in_float32(largest_float, largest_float, inf).ok);
  EXPECT_FALSE(in_float32(-inf, largest_float, largest_float).ok);
  EXPECT_FALSE(in_float32(nan, largest_float, largest_float).ok);
  EXPECT_FALSE(in_float32(-inf, 1e40, inf).ok);
  EXPECT_FALSE(in_float32(largest_float, 1e40, inf).ok);
  EXPECT_TRUE(in_float32(inf, 1e40, inf).ok);
  EXPECT_FALSE(in_float32(inf, 0.99 * largest_float, 0.99 * largest_float).ok);
}

// 3e38 + 3e38 - 6e38 is 0, inf or NaN in float32, as the order of summation wants it.
TEST(Verdict, TermsThatOverflowAndCancelMayGiveAnything) {
  const Snapshot scale = 1.2e39;
  for (const double engine : {0.0, inf, -inf, nan}) {
    for (const double peer : {0.0, inf, -inf, nan}) {
      EXPECT_TRUE(judge(engine, 0.0, peer, Precision::float32, &scale).ok) << engine << " " << peer;
      EXPECT_FALSE(judge(1e36, 0.0, peer, Precision::float32, &scale).ok) << peer;
    }
  }
  // Nothing cancels where all terms have one sign.
  EXPECT_FALSE(judge(nan, 1.2e39, inf, Precision::float32, &scale).ok);
  EXPECT_FALSE(judge(-inf, 1.2e39, inf, Precision::float32, &scale).ok);
}

// -inf + 3e38 * 3e38 is -inf if the product is fused with the sum, and NaN if it overflows first.
TEST(Verdict, FiniteTermsThatOverflowBesideAnInfinityMayGiveNaN) {
  const Snapshot overflowing = 9e76;
  const Snapshot harmless = 1e38;
  for (const double peer : {-inf, nan}) {
    EXPECT_TRUE(judge(-inf, -inf, peer, Precision::float32, &overflowing).ok) << peer;
    EXPECT_TRUE(judge(nan, -inf, peer, Precision::float32, &overflowing).ok) << peer;
    EXPECT_FALSE(judge(inf, -inf, peer, Precision::float32, &overflowing).ok) << peer;
    EXPECT_FALSE(judge(1.0, -inf, peer, Precision::float32, &overflowing).ok) << peer;
    EXPECT_FALSE(judge(-inf, nan, nan, Precision::float32, &overflowing).ok) << "NaN stays NaN";
  }
  EXPECT_FALSE(judge(nan, -inf, -inf, Precision::float32, &harmless).ok);
  // Nor can truth tell whether 1e77 - 3.4e38 overflows only once.
  const Snapshot absorbing = 1.2e77;
  EXPECT_TRUE(judge(nan, 1.2e77, inf, Precision::float32, &absorbing).ok);
  // float64 has no wider format to ask: where its terms overflow, truth says nothing.
  const Snapshot endless = inf;
  for (const double truth : {-inf, nan}) {
    for (const double engine : {-inf, nan, 1.0}) {
      EXPECT_TRUE(judge(engine, truth, truth, Precision::float64, &endless).ok) << truth;
      EXPECT_EQ(judge(engine, truth, truth, Precision::float64, &harmless).ok,
                std::isnan(truth) ? std::isnan(engine) : engine == truth);
    }
  }
}

// A single result that overflows is no sum: magnitude is 0 there.
TEST(Verdict, WhereNothingIsSummedAnOverflowIsAnInfinity) {
  const Snapshot none = 0.0;
  EXPECT_TRUE(judge(inf, 1.2e77, inf, Precision::float32, &none).ok);
  EXPECT_FALSE(judge(nan, 1.2e77, inf, Precision::float32, &none).ok);
  EXPECT_FALSE(judge(nan, inf, inf, Precision::float64, &none).ok);
}

TEST(Verdict, AllowancesAreFinite) {
  const Snapshot endless = inf;
  const Snapshot unknown = nan;
  for (const double libtorch : {0.0, 1.0, 1e38, inf, -inf, nan}) {
    for (const Snapshot* scale : {&endless, &unknown, static_cast<const Snapshot*>(nullptr)}) {
      const Verdict verdict = judge(1.0, libtorch, libtorch, Precision::float32, scale);
      EXPECT_TRUE(std::isfinite(verdict.allowance)) << libtorch;
      EXPECT_GT(verdict.allowance, 0) << libtorch;
    }
  }
}

TEST(Verdict, AZeroMadeOfZerosHasTheSignOnWhichLibTorchAgrees) {
  const Verdict verdict = in_float32(0.0, -0.0, -0.0);
  EXPECT_FALSE(verdict.ok);
  EXPECT_EQ(verdict.reason,
            "the value is 0, LibTorch has -0 (-0 in float32): a zero of the other sign");
  EXPECT_FALSE(in_float32(-0.0, 0.0, 0.0).ok);
  EXPECT_TRUE(in_float32(-0.0, -0.0, -0.0).ok);
  EXPECT_TRUE(in_float32(-0.0, 0.0, -0.0).ok) << "they do not agree";
  EXPECT_TRUE(in_float32(0.0, -0.0, 0.0).ok) << "they do not agree";
  EXPECT_TRUE(in_float32(-0x1p-149, 0.0, 0.0).ok) << "no zero: within rounding";
}

TEST(Verdict, AZeroThatIsLeftOfACancellationMayHaveEitherSign) {
  const Snapshot scale = 1.0;
  EXPECT_TRUE(judge(-0.0, 0.0, 0.0, Precision::float32, &scale).ok);
}

TEST(Verdict, NextToZeroTheUnitIsTheSmallestNumber) {
  const double smallest = 0x1p-149;
  EXPECT_TRUE(in_float32(16 * smallest, 0, 0).ok);
  EXPECT_FALSE(in_float32(17 * smallest, 0, 0).ok);
}

TEST(Verdict, ShapesMustAgree) {
  const Snapshot row({1, 2}, {1, 2});
  const Snapshot column({2, 1}, {1, 2});
  const Verdict verdict = judge(row, column, column, Precision::float32);
  EXPECT_FALSE(verdict.ok);
  EXPECT_NE(verdict.reason.find("(1, 2)"), std::string::npos) << verdict.reason;
  EXPECT_NE(verdict.reason.find("(2, 1)"), std::string::npos) << verdict.reason;
}

TEST(Verdict, NothingToCompareAgrees) {
  const Snapshot nothing({0, 3}, {});
  EXPECT_TRUE(judge(nothing, nothing, nothing, Precision::float32).ok);
}

TEST(Verdict, TheReasonNamesTheWorstElementAndItsNumbers) {
  const Snapshot truth({2, 2}, {1, 2, 3, 4});
  const Snapshot engine({2, 2}, {1, 2.5, 13, 4});
  const Verdict verdict = judge(engine, truth, truth, Precision::float32);
  EXPECT_FALSE(verdict.ok);
  EXPECT_EQ(verdict.error, 10);
  EXPECT_EQ(verdict.reason,
            "element [1, 0] is 13, LibTorch has 3 (3 in float32): an error of 10 where 3.81e-06 is "
            "allowed");
}

}  // namespace
}  // namespace gradbook::reference
