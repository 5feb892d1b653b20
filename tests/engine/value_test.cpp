// The scalar engine: one number, what it came from, and its gradient.
#include "engine/value.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include "engine/errors.hpp"
#include "engine/grad_mode.hpp"
#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

TEST(Value, RemembersHowItWasComputed) {
  const Value a(2.0, "a");
  const Value b(3.0);
  const Value c = a * b;
  EXPECT_EQ(c.data(), 6.0);
  EXPECT_EQ(c.operation(), "mul");
  EXPECT_FALSE(c.is_leaf());
  ASSERT_EQ(c.parents().size(), 2U);
  EXPECT_TRUE(c.parents()[0].is_same(a));
  EXPECT_TRUE(c.parents()[1].is_same(b));
  EXPECT_EQ(c.parents()[0].label(), "a");
  EXPECT_EQ(b.label(), "");
  EXPECT_TRUE(a.is_leaf());
  EXPECT_EQ(a.operation(), "");
  EXPECT_TRUE(a.parents().empty());
}

TEST(Value, PrintsDataAndGradientAsPythonDoes) {
  const Value a(2.0);
  EXPECT_EQ(a.to_string(), "Value(data=2.0, grad=0.0)");
  (a * 3).backward();
  EXPECT_EQ(a.to_string(), "Value(data=2.0, grad=3.0)");
  EXPECT_EQ(Value(-0.5).to_string(), "Value(data=-0.5, grad=0.0)");
  EXPECT_EQ(number_text(1e-7), "1e-07");
  EXPECT_EQ(number_text(1e22), "1e+22");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(-3), "-3.0");
  EXPECT_EQ(number_text(inf), "inf");
  EXPECT_EQ(number_text(-inf), "-inf");
  EXPECT_EQ(number_text(std::nan("")), "nan");
}

TEST(Value, IsAHandleCopiesAreTheSameNumber) {
  const Value a(2.0);
  const Value copy = a;
  (copy * 5).backward();
  EXPECT_EQ(a.grad(), 5.0);
  EXPECT_TRUE(copy.is_same(a));
  EXPECT_FALSE(Value(2.0).is_same(Value(2.0))) << "equal numbers are still two numbers";
}

// x = 2: a = 3x = 6, b = a + 1 = 7, c = b² = 49; dc/db = 2b = 14, dc/da = 14, dc/dx = 42.
TEST(Value, CarriesGradientsThroughAChain) {
  const Value x(2.0);
  const Value a = 3 * x;
  const Value b = a + 1;
  const Value c = b.pow(2);
  EXPECT_EQ(c.data(), 49.0);
  c.backward();
  EXPECT_EQ(c.grad(), 1.0);
  EXPECT_EQ(b.grad(), 14.0);
  EXPECT_EQ(a.grad(), 14.0);
  EXPECT_EQ(x.grad(), 42.0);
}

// c = (a + b) b: dc/da = b, dc/db = a + 2b.
TEST(Value, UsedTwiceReceivesTheSumOfBothPaths) {
  const Value a(2.0);
  const Value b(3.0);
  const Value sum = a + b;
  const Value c = sum * b;
  c.backward();
  EXPECT_EQ(sum.data(), 5.0);
  EXPECT_EQ(c.data(), 15.0);
  EXPECT_EQ(a.grad(), 3.0);
  EXPECT_EQ(b.grad(), 8.0);
}

// The long path to a must be complete before a's own gradient moves on to x.
TEST(Value, DiamondsAreVisitedInTopologicalOrder) {
  const Value x(3.0);
  const Value a = x * x;
  const Value b = a * 2;
  const Value c = b * b;
  const Value d = c + a;  // d = 4x⁴ + x²: d' = 16x³ + 2x
  d.backward();
  EXPECT_EQ(x.grad(), 16 * 27 + 6);
  EXPECT_EQ(a.grad(), 8 * 9 + 1);
}

TEST(Value, OperatorsTakeNumbersOnEitherSide) {
  const auto check = [](const Value& result, const Value& a, double data, double gradient) {
    a.backward();  // leaves gradient 1 behind ...
    result.backward();
    EXPECT_DOUBLE_EQ(result.data(), data);
    EXPECT_DOUBLE_EQ(a.grad(), 1 + gradient);  // ... to which this one is added
  };
  const auto with = [&](const std::function<Value(const Value&)>& f, double data, double gradient) {
    const Value a(4.0);
    check(f(a), a, data, gradient);
  };
  with([](const Value& a) { return a + 2; }, 6, 1);
  with([](const Value& a) { return 2 + a; }, 6, 1);
  with([](const Value& a) { return a - 2; }, 2, 1);
  with([](const Value& a) { return 2 - a; }, -2, -1);
  with([](const Value& a) { return a * 2; }, 8, 2);
  with([](const Value& a) { return 2 * a; }, 8, 2);
  with([](const Value& a) { return a / 2; }, 2, 0.5);
  with([](const Value& a) { return 2 / a; }, 0.5, -0.125);
  with([](const Value& a) { return -a; }, -4, -1);
}

TEST(Value, CompoundAssignmentMovesTheHandleOn) {
  const Value x(3.0);
  Value y = x;
  y += 1;  // 4
  y *= x;  // 12
  y -= x;  // 9
  y /= 2;  // 4.5
  EXPECT_EQ(y.data(), 4.5);
  EXPECT_EQ(x.data(), 3.0) << "the first number is unchanged";
  y.backward();
  EXPECT_EQ(x.grad(), 3.0);  // y = ((x + 1) x - x) / 2 = x² / 2
}

TEST(Value, EveryFunctionHasTheDerivativeOfItsDifferences) {
  const struct {
    const char* name;
    std::function<Value(const Value&)> f;
    std::vector<double> at;
  } cases[] = {
      {"exp", [](const Value& x) { return x.exp(); }, {-3, -0.5, 0, 1.2}},
      {"log", [](const Value& x) { return x.log(); }, {0.7, 1, 5}},
      {"sqrt", [](const Value& x) { return x.sqrt(); }, {0.7, 1, 5}},
      {"tanh", [](const Value& x) { return x.tanh(); }, {-2, -0.5, 0, 2}},
      {"sigmoid", [](const Value& x) { return x.sigmoid(); }, {-2, -0.5, 0, 2}},
      {"relu", [](const Value& x) { return x.relu(); }, {-2, -0.5, 0.5, 2}},
      {"pow 3", [](const Value& x) { return x.pow(3); }, {-2, 0, 1.5}},
      {"pow -1.5", [](const Value& x) { return x.pow(-1.5); }, {0.7, 1.5}},
      {"quotient", [](const Value& x) { return (1 + x) / (3 + x * x); }, {-2, 0, 1.5}},
      {"nested", [](const Value& x) { return (x * 2 + 1).tanh().exp() - x; }, {-1, 0, 0.3}},
  };
  for (const auto& c : cases) {
    for (const double at : c.at) {
      const Value x(at);
      c.f(x).backward();
      const double numeric = central_difference([&](double v) { return c.f(v).data(); }, at);
      EXPECT_NEAR(x.grad(), numeric, kDifferenceAllowance) << c.name << " at " << at;
    }
  }
}

TEST(Value, EdgesFollowLibTorch) {
  const auto gradient_at = [](double at, const std::function<Value(const Value&)>& f) {
    const Value x(at);
    f(x).backward();
    return x.grad();
  };
  EXPECT_EQ(gradient_at(0, [](const Value& x) { return x.relu(); }), 0);
  EXPECT_EQ(gradient_at(0, [](const Value& x) { return x.log(); }), inf);
  EXPECT_EQ(gradient_at(0, [](const Value& x) { return x.sqrt(); }), inf);
  EXPECT_EQ(gradient_at(0, [](const Value& x) { return x.pow(0); }), 0);
  EXPECT_EQ(gradient_at(0, [](const Value& x) { return x.pow(1); }), 1);
  EXPECT_EQ(gradient_at(-1, [](const Value& x) { return x.relu() * inf; }), 0)
      << "an infinite gradient stops at a closed relu";
  EXPECT_EQ(Value(0.0).pow(0).data(), 1);
  EXPECT_EQ(Value(0.0).log().data(), -inf);
}

TEST(Value, SecondBackwardAddsToLeavesAndComputesTheRestAfresh) {
  const Value x(3.0);
  const Value y = x * x;
  const Value z = y * 2;
  z.backward();
  EXPECT_EQ(x.grad(), 12.0);
  EXPECT_EQ(y.grad(), 2.0);
  z.backward();
  EXPECT_EQ(x.grad(), 24.0);
  EXPECT_EQ(y.grad(), 2.0) << "an intermediate gradient must not pile up";
  EXPECT_EQ(z.grad(), 1.0);
}

TEST(Value, TwoLossesAddUpOnTheirLeaves) {
  const Value x(2.0);
  (x * x).backward();
  (x * 3).backward();
  EXPECT_EQ(x.grad(), 7.0);
}

TEST(Value, ZeroGradStartsFromNothing) {
  Value x(2.0);
  const Value y = x * x;
  y.backward();
  x.zero_grad();
  EXPECT_EQ(x.grad(), 0.0);
  y.backward();
  EXPECT_EQ(x.grad(), 4.0);
}

TEST(Value, BackwardFromALeafIsOne) {
  const Value x(2.0);
  x.backward();
  x.backward();
  EXPECT_EQ(x.grad(), 2.0);
}

TEST(Value, BackwardLeavesOtherBranchesAlone) {
  const Value x(2.0);
  const Value y = x * 3;
  const Value aside = y * y;
  y.backward();
  EXPECT_EQ(x.grad(), 3.0);
  EXPECT_EQ(aside.grad(), 0.0);
}

TEST(Value, OnlyLeavesCanBeSet) {
  Value x(2.0);
  Value y = x * 3;
  const std::string message = message_of<InPlaceError>([&] { y.set_data(1); });
  expect_mentions(message, {"set_data", "mul", "leaf"});
  EXPECT_EQ(y.data(), 6.0);
  x.set_data(5);
  EXPECT_EQ(x.data(), 5.0);
}

TEST(Value, ALeafChangedAfterUseIsRefusedWhereADerivativeReadsIt) {
  Value x(2.0);
  const Value w(3.0);
  const Value y = x * w;
  x.set_data(5);
  const std::string message = message_of<SavedTensorChangedError>([&] { y.backward(); });
  expect_mentions(message, {"mul", "input a", "set_data"});
  EXPECT_EQ(x.grad(), 0.0) << "nothing may be accumulated by a backward that is refused";
  EXPECT_EQ(w.grad(), 0.0);
}

TEST(Value, ALeafChangedAfterUseIsFineWhereNoDerivativeReadsIt) {
  Value x(2.0);
  const Value sum = x + 3;
  const Value power = x.exp();  // its derivative reads the result
  x.set_data(100);
  sum.backward();
  EXPECT_EQ(x.grad(), 1.0);
  power.backward();
  EXPECT_EQ(x.grad(), 1.0 + std::exp(2.0));
}

TEST(Value, NothingIsRecordedUnderNoGradGuard) {
  const Value x(2.0);
  const std::uint64_t before = recorded_values();
  {
    const NoGradGuard no_grad;
    const Value y = x * 3;
    EXPECT_EQ(y.data(), 6.0);
    EXPECT_TRUE(y.is_leaf());
    EXPECT_TRUE(y.parents().empty());
  }
  EXPECT_EQ(recorded_values(), before);
  EXPECT_FALSE((x * 3).is_leaf());
}

TEST(Value, ADotProductOfAThousandTermsRecords1999Operations) {
  const std::vector<Value> a(1000, Value(1.0));
  const std::vector<Value> b(1000, Value(2.0));
  const std::uint64_t before = recorded_values();
  Value dot = a[0] * b[0];
  for (std::size_t i = 1; i < a.size(); ++i) dot += a[i] * b[i];
  EXPECT_EQ(dot.data(), 2000.0);
  EXPECT_EQ(recorded_values() - before, 1999U);
}

// Published figures of the run: y at steps 0, 4, 8 and the weights after their update.
TEST(Value, TrainsANeuron) {
  Value w(0.3);
  Value b(0.1);
  const auto rounded = [](double x) { return std::round(x * 1e4) / 1e4; };
  double y = 0;
  for (int step = 0; step < 20; ++step) {
    const Value out = (w * 2 + b).tanh();
    (out - 0.8).pow(2).backward();
    y = out.data();
    for (Value* parameter : {&w, &b}) {
      parameter->set_data(parameter->data() - 0.5 * parameter->grad());
      parameter->zero_grad();
    }
    if (step == 0) {
      EXPECT_EQ(rounded(y), 0.6044);
      EXPECT_EQ(rounded(w.data()), 0.5484);
      EXPECT_EQ(rounded(b.data()), 0.2242);
    } else if (step == 4) {
      EXPECT_EQ(rounded(y), 0.8121);
      EXPECT_EQ(rounded(w.data()), 0.4650);
      EXPECT_EQ(rounded(b.data()), 0.1825);
    }
  }
  EXPECT_EQ(rounded(y), 0.8);
}

}  // namespace
}  // namespace gradbook
