// The digits of a figure by hand decide how near the engine must be.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "lessons/workbook/by_hand.hpp"

namespace gradbook::workbook {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

bool agrees(std::string_view by_hand, const Quantity& engine) {
  return disagreement(parse_by_hand(by_hand), engine).empty();
}

TEST(WorkbookByHand, ARoundedFigureAllowsHalfAUnitOfItsLastDigit) {
  EXPECT_TRUE(agrees("0.2689", 0.26894142));
  EXPECT_TRUE(agrees("0.2689", 0.26885001));
  EXPECT_TRUE(agrees("0.2689", 0.26894999));
  EXPECT_FALSE(agrees("0.2689", 0.26895001));
  EXPECT_FALSE(agrees("0.2689", 0.26884999));
  EXPECT_FALSE(agrees("0.26890", 0.26894142)) << "one more digit asks for more";
  EXPECT_TRUE(agrees("-0.0691", -0.06913215));
  EXPECT_FALSE(agrees("-0.0691", 0.06913215));
}

TEST(WorkbookByHand, AnExponentMovesTheLastDigit) {
  EXPECT_TRUE(agrees("6.6e14", 6.64e14));
  EXPECT_FALSE(agrees("6.6e14", 6.66e14));
  EXPECT_TRUE(agrees("1.50e-3", 0.001504));
  EXPECT_FALSE(agrees("1.50e-3", 0.001506));
  EXPECT_TRUE(agrees("1.5E+3", 1540));
}

TEST(WorkbookByHand, AWholeNumberIsExact) {
  EXPECT_TRUE(agrees("42", 42));
  EXPECT_FALSE(agrees("42", 42.000001));
  EXPECT_FALSE(agrees("42", 42.4)) << "it does not stand for what rounds to it";
  EXPECT_TRUE(agrees("-0", 0.0));
  EXPECT_FALSE(agrees("0", 1e-12));
  EXPECT_TRUE(agrees("0.0000", 1e-12));
}

TEST(WorkbookByHand, FourUnitsInTheLastPlaceOfTheEnginesPrecision) {
  float near = 42;
  for (int i = 0; i < 4; ++i) near = std::nextafter(near, 50.0F);
  EXPECT_TRUE(agrees("42", near));
  EXPECT_FALSE(agrees("42", static_cast<double>(near))) << "a float64 must be nearer";
  EXPECT_FALSE(agrees("42", std::nextafter(near, 50.0F)));
  EXPECT_TRUE(agrees("0.16666667", 1.0F / 6.0F));
}

TEST(WorkbookByHand, NaNAndInfinitiesMustBeTheSame) {
  EXPECT_TRUE(agrees("nan", nan));
  EXPECT_FALSE(agrees("nan", 1.0));
  EXPECT_FALSE(agrees("1.0", nan));
  EXPECT_FALSE(agrees("1", inf));
  EXPECT_TRUE(agrees("inf", inf));
  EXPECT_FALSE(agrees("inf", -inf));
  EXPECT_TRUE(agrees("-inf", -inf));
  EXPECT_FALSE(agrees("inf", 1e308));
}

TEST(WorkbookByHand, ArraysAreHeldElementByElement) {
  const Quantity engine = Snapshot({2, 2}, {19, 22, 43, 50});
  EXPECT_TRUE(agrees("[[19, 22], [43, 50]]", engine));
  EXPECT_TRUE(agrees("[[19,22],[43.0,5e1]]", engine));
  EXPECT_FALSE(agrees("[[19, 22], [43, 51]]", engine));
  EXPECT_NE(disagreement(parse_by_hand("[[19, 22], [43, 51]]"), engine).find("element 3"),
            std::string::npos);
}

TEST(WorkbookByHand, TheShapeMustBeTheEngines) {
  EXPECT_FALSE(agrees("[3, 3]", Snapshot({2, 1}, {3, 3})));
  EXPECT_FALSE(agrees("[3]", 3.0));
  EXPECT_FALSE(agrees("3", Snapshot({1}, {3})));
  EXPECT_FALSE(agrees("[3, 3]", std::vector<double>{3, 3, 3}));
  EXPECT_TRUE(agrees("[]", std::vector<double>{}));
  EXPECT_TRUE(agrees("[[], []]", Snapshot({2, 0}, {})));
}

TEST(WorkbookByHand, WhatIsNoFigureIsRefused) {
  for (const char* text :
       {"", "x", "1,5", "1 2", "[1, 2", "1]", "[1, [2]]", "[[1], 2]", "[[1, 2], [3]]", "[[], 3]",
        "[1,]", "0x10", "1e999", "1/6", "[[[[[[[[[1]]]]]]]]]", "infinity"}) {
    EXPECT_THROW(parse_by_hand(text), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace gradbook::workbook
