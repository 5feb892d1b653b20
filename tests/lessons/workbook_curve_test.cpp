// Curves in text: where the dots are, which scale, and what is not finite.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lessons/workbook/curve.hpp"
#include "lessons/workbook/curve_axis.hpp"
#include "lessons/workbook/page.hpp"
#include "lessons/workbook/text_layout.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

std::string drawn(const Series& series) {
  const std::vector<std::string> lines = draw_curves(series);
  EXPECT_LE(lines.size(), 14U);
  std::string text;
  for (const std::string& line : lines) {
    EXPECT_LE(display_width(line), 70U) << line;
    text += line + '\n';
  }
  return text;
}

// The line of `text` that holds `part`, from the column where the plot begins.
std::string line_with(const std::string& text, const std::string& part) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (contains(line, part)) return line;
  }
  return {};
}

TEST(WorkbookCurve, FallsFromTopLeftToBottomRight) {
  const std::vector<std::string> lines =
      draw_curves({.y_label = "loss", .lines = {{"", {1, 0.5, 0}}}});
  EXPECT_EQ(lines[0], "loss");
  EXPECT_TRUE(lines[1].starts_with("  1 ┤⠉")) << lines[1];
  EXPECT_TRUE(lines[5].starts_with("0.5 ┤ ")) << lines[5];
  EXPECT_TRUE(lines[9].starts_with("  0 ┤ ")) << lines[9];
  EXPECT_EQ(display_width(lines[9]), 70U) << "the last point stands at the right edge";
}

TEST(WorkbookCurve, AConstantLiesInTheMiddle) {
  const std::string text = drawn({.lines = {{"", {2, 2, 2}}}});
  EXPECT_TRUE(contains(line_with(text, " 2 ┤"), "⠒⠒⠒") || contains(line_with(text, " 2 ┤"), "⠤⠤⠤"))
      << text;
}

TEST(WorkbookCurve, TheScaleIsLogarithmicOverThreeDecades) {
  EXPECT_TRUE(
      contains(drawn({.y_label = "loss", .lines = {{"", {1, 0.01, 0.001}}}}), "loss (log scale)"));
  EXPECT_FALSE(
      contains(drawn({.y_label = "loss", .lines = {{"", {1, 0.01, 0.0011}}}}), "log scale"));
  EXPECT_FALSE(contains(drawn({.y_label = "loss", .lines = {{"", {1000, 0.1, -1}}}}), "log scale"));
  EXPECT_FALSE(
      contains(drawn({.y_label = "loss", .lines = {{"", {1, 0.001}}}, .y_scale = Scale::linear}),
               "log scale"));
  EXPECT_TRUE(
      contains(drawn({.x_label = "h", .lines = {{"", {1, 2}, {1e-8, 1e-1}}}}), "h (log scale)"));
  EXPECT_FALSE(contains(drawn({.x_label = "h", .lines = {{"", std::vector<double>(5000, 1)}}}),
                        "log scale"));
}

TEST(WorkbookCurve, PlacesOnBothScales) {
  const Axis linear({0, 10}, Scale::automatic, true);
  EXPECT_DOUBLE_EQ(linear.place(2.5), 0.25);
  const Axis logarithmic({1e-4, 1}, Scale::automatic, true);
  EXPECT_DOUBLE_EQ(logarithmic.place(1e-2), 0.5);
  const Axis zeros({0, 1e-4, 1}, Scale::automatic, true);
  EXPECT_TRUE(zeros.logarithmic());
  EXPECT_EQ(zeros.place(0), 0);
  const Axis huge({-1.5e308, 1.5e308}, Scale::automatic, true);
  EXPECT_DOUBLE_EQ(huge.place(0), 0.5);
}

TEST(WorkbookCurve, MarksWhatIsNotFinite) {
  const std::string text =
      drawn({.x_label = "step", .y_label = "loss", .lines = {{"lr 0.5", {1, 2, inf, nan, nan}}}});
  EXPECT_TRUE(contains(text, "! 3 of 5 points not finite, the first (inf) at 2")) << text;
  EXPECT_TRUE(contains(line_with(text, "└"), "!")) << text;
  EXPECT_TRUE(contains(line_with(text, " 2 ┤"), "^")) << text;
  const std::string down = drawn({.lines = {{"", {1, -inf, 2}}}});
  EXPECT_TRUE(contains(line_with(down, " 1 ┤"), "v")) << down;
}

TEST(WorkbookCurve, DoesNotBridgeAGap) {
  std::vector<double> values(100, nan);
  values.front() = 1;
  values.back() = 1;
  const std::string text = drawn({.lines = {{"", values}}});
  EXPECT_LT(display_width(line_with(text, "⠒") + line_with(text, "⠤")), 141U);
  EXPECT_FALSE(contains(text, "⠒⠒⠒")) << text;
  EXPECT_FALSE(contains(text, "⠤⠤⠤")) << text;
}

TEST(WorkbookCurve, NothingFiniteIsSaid) {
  const std::string text = drawn({.y_label = "loss", .lines = {{"a", {nan, nan}}}});
  EXPECT_TRUE(contains(text, "no point is finite")) << text;
  EXPECT_TRUE(contains(text, "2 of 2 points not finite"));
  EXPECT_TRUE(contains(drawn({}), "no point is finite"));
}

TEST(WorkbookCurve, SeveralCurvesHaveMarksAndALegend) {
  const std::string text = drawn({.lines = {{"up", {0, 1}}, {"down", {1, 0}}}});
  EXPECT_TRUE(contains(text, "o up   + down")) << text;
  EXPECT_TRUE(contains(line_with(text, " 1 ┤"), "+"));
  EXPECT_TRUE(contains(line_with(text, "0.5 ┤"), "#")) << "where they meet";
  const std::string same = drawn({.lines = {{"a", {0, 1}}, {"b", {0, 1}}}});
  EXPECT_FALSE(contains(line_with(same, " 1 ┤"), "+")) << same;
  const std::string again = drawn({.lines = {{"a", {1, 1, 0}}, {"b", {1, 1, 0}}}});
  EXPECT_FALSE(contains(line_with(again, " 1 ┤"), "+")) << "also where b comes by twice" << again;
}

TEST(WorkbookCurve, ManyCurvesStillFit) {
  Series series;
  for (int i = 0; i < 40; ++i) {
    series.lines.push_back({"neighbour number " + std::to_string(i), {1.0 * i, nan}});
  }
  drawn(series);
}

TEST(WorkbookCurve, ALineNeedsAFiniteXForEachValue) {
  Page page;
  EXPECT_THROW(page.series({.lines = {{"", {1, 2}, {1}}}}), std::logic_error);
  EXPECT_THROW(page.series({.lines = {{"", {1}, {nan}}}}), std::logic_error);
}

}  // namespace
}  // namespace gradbook::workbook
