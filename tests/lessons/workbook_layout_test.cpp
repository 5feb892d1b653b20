// Paragraphs, tables and numbers as text.
#include <gtest/gtest.h>

#include <limits>

#include "lessons/workbook/numbers.hpp"
#include "lessons/workbook/terminal.hpp"
#include "lessons/workbook/text_layout.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

using Lines = std::vector<std::string>;
using reference::Precision;

TEST(WorkbookPrintable, HasAQuestionMarkForEachOtherCharacter) {
  EXPECT_EQ(printable("a=4 ~"), "a=4 ~");
  EXPECT_EQ(printable("\x1b[2J\t\x7f"), "?[2J??");
  EXPECT_EQ(printable("f\xc3\xbcr \xe2\x88\x92"), "f?r ?");
  EXPECT_EQ(printable("\xff\xfe\xc2"), "???") << "no characters at all";
  EXPECT_EQ(printable("\x80z\x80"), "?z?") << "bytes that begin none";
}

TEST(WorkbookReflow, FillsLinesUpToTheWidth) {
  EXPECT_EQ(reflow("one two three four", 9), (Lines{"one two", "three", "four"}));
  EXPECT_EQ(reflow("one\n  two\t three ", 80), (Lines{"one two three"}));
  EXPECT_EQ(reflow("", 80), Lines{});
  const std::string exactly(80, 'x');
  EXPECT_EQ(reflow(exactly + " y"), (Lines{exactly, "y"}));
}

TEST(WorkbookReflow, NoLineIsTooWide) {
  std::string text;
  for (std::size_t i = 1; i < 120; ++i)
    text += std::string(i % 13 + 1, 'a') + (i % 7 == 0 ? " ∂·² " : " ");
  text += std::string(300, 'w');
  for (std::size_t width = 1; width < 90; ++width) {
    for (const std::string& line : reflow(text, width)) EXPECT_LE(display_width(line), width);
  }
}

TEST(WorkbookReflow, CountsCharactersNotBytes) {
  EXPECT_EQ(display_width("∂c/∂x = 2·b"), 11U);
  EXPECT_EQ(display_width("\x1b[32mok\x1b[0m"), 2U);
  EXPECT_EQ(reflow("∂∂∂∂ ∂∂∂∂", 9).size(), 1U);
  EXPECT_EQ(reflow("∂∂∂∂∂", 2), (Lines{"∂∂", "∂∂", "∂"}));
}

TEST(WorkbookReflow, KeepsCodeTogether) {
  EXPECT_EQ(reflow("see `a + b * c` here", 14), (Lines{"see", "`a + b * c`", "here"}));
  EXPECT_EQ(reflow("a lone ` tick stays", 80), (Lines{"a lone ` tick stays"}));
}

TEST(WorkbookReflow, CutsWithAMark) {
  EXPECT_EQ(clipped("abcdef", 6), "abcdef");
  EXPECT_EQ(clipped("abcdef", 4), "abc…");
}

TEST(WorkbookTable, AlignsNumbersRightAndTextLeft) {
  EXPECT_EQ(aligned_table({"step", "what"}, {{"0", "start"}, {"100", "end"}}),
            (Lines{"step  what", "----  -----", "   0  start", " 100  end"}));
  EXPECT_EQ(aligned_table({"x"}, {{"-1.5"}, {"nan"}, {""}}),
            (Lines{"   x", "----", "-1.5", " nan", ""}));
}

TEST(WorkbookTable, WrapsCellsToTheWidth) {
  const std::string words = "a sentence that is rather longer than the table has room for";
  const Lines lines = aligned_table({"name", "text"}, {{"first", words}, {"second", "short"}}, 30);
  EXPECT_GT(lines.size(), 4U);
  for (const std::string& line : lines) EXPECT_LE(display_width(line), 30U) << line;
  EXPECT_EQ(lines.back(), "second  short");
  EXPECT_EQ(lines[3].substr(0, 8), std::string(8, ' ')) << "a cell goes on in its own column";
}

TEST(WorkbookTable, BreaksNoWordWhereWrappingIsEnough) {
  EXPECT_EQ(aligned_table({"a", "b"}, {{"so many words", "abcdefghijkl"}}, 22),
            (Lines{"a         b", "--------  ------------", "so many   abcdefghijkl", "words"}));
}

TEST(WorkbookTable, BreaksWordsWhereItMust) {
  for (const std::string& line :
       aligned_table({"a", "b"}, {{std::string(70, 'x'), std::string(70, 'y')}})) {
    EXPECT_LE(display_width(line), 80U);
  }
}

TEST(WorkbookTable, ARowOfAnotherLengthIsAnError) {
  Page page;
  EXPECT_THROW(page.table({.columns = {"a", "b"}, .rows = {{"1"}}}), std::logic_error);
}

TEST(WorkbookNumbers, HaveOneStyle) {
  EXPECT_EQ(number(0.60437, 4), "0.6044");
  EXPECT_EQ(number(-0.00001, 4), "0.0000") << "no minus before a zero";
  EXPECT_EQ(number(49.0), "49");
  EXPECT_EQ(number(1.0 / 6), "0.16666667");
  EXPECT_EQ(number(1e-12), "1e-12");
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN(), 2), "nan");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(error_text(0), "0");
  EXPECT_EQ(error_text(1.23e-7), "1.2e-07");
  EXPECT_EQ(error_text(0.5), "0.5");
  EXPECT_EQ(bytes_text(980), "980 B");
  EXPECT_EQ(bytes_text(5000), "4.9 KiB");
  EXPECT_EQ(bytes_text(12U << 20U), "12 MiB");
  EXPECT_EQ(seconds_text(0.0008), "0.8 ms");
  EXPECT_EQ(seconds_text(0.31), "310 ms");
  EXPECT_EQ(seconds_text(3.44), "3.4 s");
  EXPECT_EQ(seconds_text(125), "2 min 05 s");
}

TEST(WorkbookNumbers, AFloat32HasItsOwnDigits) {
  EXPECT_EQ(array_text(static_cast<double>(0.8F), Precision::float32), "0.8");
  EXPECT_EQ(array_text(static_cast<double>(0.8F), Precision::float64), "0.80000001");
  EXPECT_EQ(array_text(Snapshot({2, 2}, {1, 2, 3, 4.5}), Precision::float32), "[[1, 2], [3, 4.5]]");
  EXPECT_EQ(array_text(Snapshot({0}, {}), Precision::float32), "[]");
}

// The lines of a page of one comparison.
std::string comparison(const Snapshot& value, const std::string& by_hand = {}) {
  Page page;
  page.checks(twin_of({{"quantity", value}})).compare("quantity", value, by_hand);
  return TerminalRenderer(false).blocks(page);
}

TEST(WorkbookChecks, ShowSmallArraysInline) {
  const std::string text = comparison(Snapshot({4}, {3, 3, 3, 3}), "[3, 3, 3, 3]");
  EXPECT_EQ(text,
            "quantity  by hand       engine        LibTorch      error  verdict\n"
            "--------  ------------  ------------  ------------  -----  -------\n"
            "quantity  [3, 3, 3, 3]  [3, 3, 3, 3]  [3, 3, 3, 3]      0  ok\n\n");
}

TEST(WorkbookChecks, ShowMatricesRowByRowWhereALineIsTooShort) {
  const std::string text = comparison(Snapshot({2, 2}, {11, 15, 11, 15}), "[[11, 15], [11, 15]]");
  EXPECT_EQ(text,
            "quantity  by hand     engine      LibTorch    error  verdict\n"
            "--------  ----------  ----------  ----------  -----  -------\n"
            "quantity  [[11, 15],  [[11, 15],  [[11, 15],      0  ok\n"
            "           [11, 15]]   [11, 15]]   [11, 15]]\n\n");
}

TEST(WorkbookChecks, ShowLargeArraysAsTheirShape) {
  const std::string text = comparison(Snapshot({64, 10}, std::vector<double>(640, 0.5)));
  EXPECT_TRUE(contains(text, "(64, 10)  (64, 10)")) << text;
  EXPECT_FALSE(contains(text, "0.5"));
}

TEST(WorkbookChecks, GiveUpDigitsBeforeTheArray) {
  const std::string text = comparison(Snapshot({3}, {1.0 / 3, 2.0 / 3, 1.0 / 7}));
  EXPECT_TRUE(contains(text, "[0.3333, 0.6667, 0.1429]")) << text;
}

TEST(WorkbookChecks, StayWithinThePage) {
  const std::string long_name(60, 'q');
  Page page;
  auto& checks =
      page.checks(twin_of({{long_name, Snapshot({3, 3}, std::vector<double>(9, 1.0 / 3))}}));
  checks.compare(long_name, Snapshot({3, 3}, std::vector<double>(9, 1.0 / 3)),
                 "[[0.3333, 0.3333, 0.3333], [0.3333, 0.3333, 0.3333], [0.3333, 0.3333, 0.3333]]");
  page.claim(long_name + " and more words", false, std::string(90, 'd'));
  const std::string text = TerminalRenderer(false).blocks(page);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80U) << line;
}

TEST(WorkbookChecks, ClaimsNextToEachOtherAreOneTable) {
  Page page;
  page.claim("first", true);
  page.claim("second", true);
  page.prose("between");
  page.claim("third", true);
  EXPECT_EQ(page.blocks().size(), 3U);
  EXPECT_EQ(page.tally().made, 3);
}

TEST(WorkbookChecks, ATableStandsWhereItWasBegun) {
  Page page;
  auto& checks = page.checks(twin_of({{"x", 1.0}, {"y", 2.0}}));
  checks.compare("x", 1.0);
  page.prose("after");
  checks.compare("y", 2.0);
  ASSERT_EQ(page.blocks().size(), 2U);
  EXPECT_EQ(std::get<Comparisons>(page.blocks().front()).rows.size(), 2U);
}

}  // namespace
}  // namespace gradbook::workbook
