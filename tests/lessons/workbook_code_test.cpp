// The code that a page shows is the lesson's own source.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/page.hpp"
#include "lessons/workbook/result.hpp"
#include "lessons/workbook/runner.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

constexpr std::string_view source = R"(
void build() {
  // [code: forward]

  Value x(2.0);
  if (x.data() > 0) {

    x = 3 * x;
  }
  // [/code]
  // [code: back ward]
  x.backward();
  // [/code]
}
)";

std::string message_of(const std::string& text) {
  try {
    code_regions(text);
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return {};
}

TEST(WorkbookCode, ShowsARegionDedented) {
  Page page(source);
  page.code("forward");
  page.code("back ward");
  EXPECT_EQ(std::get<Code>(page.blocks()[0]).text,
            "Value x(2.0);\nif (x.data() > 0) {\n\n  x = 3 * x;\n}");
  EXPECT_EQ(std::get<Code>(page.blocks()[1]).text, "x.backward();");
}

TEST(WorkbookCode, AnUnknownRegionIsAnErrorThatNamesIt) {
  Page page(source);
  try {
    page.code("sideways");
    FAIL();
  } catch (const std::logic_error& error) {
    EXPECT_TRUE(contains(error.what(), "'sideways'")) << error.what();
  }
}

TEST(WorkbookCode, MalformedMarkersAreErrorsWithTheirLine) {
  EXPECT_TRUE(contains(message_of("// [code: a]\nx\n"), "'a' is never closed"));
  EXPECT_TRUE(contains(message_of("x\n// [/code]\n"), "line 2"));
  EXPECT_TRUE(contains(message_of("// [code: a]\nx\n// [code: b]\n"), "'a' is still open"));
  EXPECT_TRUE(
      contains(message_of("// [code: a]\nx\n// [/code]\n// [code: a]\nx\n// [/code]\n"), "second"));
  EXPECT_TRUE(contains(message_of("// [code: ]\nx\n// [/code]\n"), "line 1"));
  EXPECT_TRUE(contains(message_of("// [code: a\nx\n// [/code]\n"), "line 1"));
  EXPECT_TRUE(contains(message_of("// [code: a]\n\n// [/code]\n"), "empty"));
}

TEST(WorkbookCode, ABlockFitsThePage) {
  const auto region = [](const std::string& line, int times) {
    std::string text = "// [code: a]\n";
    for (int i = 0; i < times; ++i) text += line + "\n";
    return text + "// [/code]\n";
  };
  const auto show = [](const std::string& text) { Page(text).code("a"); };
  EXPECT_NO_THROW(show(region(std::string(76, 'x'), 10)));
  EXPECT_THROW(show(region("x", 11)), std::logic_error);
  EXPECT_THROW(show(region(std::string(77, 'x'), 1)), std::logic_error);
}

TEST(WorkbookCode, ATwinIsWhatItsNamespaceHolds) {
  EXPECT_EQ(twin_function("#include \"x\"\n\nnamespace gradbook::reference::twins {\n\nResults f() "
                          "{\n  return {};\n}\n"
                          "\n}  // namespace gradbook::reference::twins\n"),
            "Results f() {\n  return {};\n}");
  EXPECT_EQ(twin_function("\nint f();\n\n"), "int f();");
  EXPECT_EQ(twin_function(""), "");
}

TEST(WorkbookCode, KnowsAMarkFromOtherLines) {
  EXPECT_EQ(opened_region("  // [code: to be]"), "to be");
  EXPECT_EQ(opened_region("// [code:a]\r"), "a");
  for (const char* line : {"", "// code", "x = 1;  // [code: a]", "// [code: a", "// [/code]"}) {
    EXPECT_EQ(opened_region(line), std::nullopt) << line;
  }
  EXPECT_TRUE(closes_region("    // [/code]"));
  EXPECT_FALSE(closes_region("// [code: a]"));
}

/// What stands left and right of the bar in each row below the titles.
using Rows = std::vector<std::pair<std::string, std::string>>;
Rows rows_of(std::string_view engine, std::string_view twin) {
  const std::string text =
      engine_and_twin(engine, twin, side_by_side_from, TerminalRenderer(false));
  Rows rows;
  for (const std::string& line : split_lines(text)) {
    const std::size_t bar = line.find(" │");
    const std::string left = line.substr(0, bar);
    const std::string right = line.substr(bar + std::string_view(" │").size());
    rows.emplace_back(left.substr(0, left.find_last_not_of(' ') + 1),
                      right.empty() ? "" : right.substr(1));
  }
  rows.erase(rows.begin());
  return rows;
}

TEST(WorkbookCode, RegionsOfOneNameStartInOneRow) {
  EXPECT_EQ(rows_of("// [code: a]\na1\na2\na3\n\n// [code: b]\nb1\n",
                    "f() {\n  // [code: a]\n  t1\n  // [/code]\n  more\n  // [code: b]\n  t2\n  "
                    "// [/code]\n}\n"),
            (Rows{{"", "f() {"},
                  {"// a", "  // a"},
                  {"a1", "  t1"},
                  {"a2", "  more"},
                  {"a3", ""},
                  {"", ""},
                  {"// b", "  // b"},
                  {"b1", "  t2"},
                  {"", "}"}}));
}

TEST(WorkbookCode, RegionsThatAreNotInBothColumnsMoveNothing) {
  EXPECT_EQ(rows_of("// [code: a]\na1\n// [code: b]\nb1\n", "// [code: b]\nt1\n"),
            (Rows{{"// a", ""}, {"a1", ""}, {"// b", "// b"}, {"b1", "t1"}}));
  EXPECT_EQ(rows_of("// [code: a]\na1\n", "t1\nt2\n"), (Rows{{"// a", "t1"}, {"a1", "t2"}}));
}

TEST(WorkbookCode, RegionsInAnotherOrderStayWhereTheyAre) {
  EXPECT_EQ(
      rows_of("// [code: a]\na1\n// [code: b]\nb1\n", "// [code: b]\ntb\n// [code: a]\nta\n"),
      (Rows{{"", "// b"}, {"", "tb"}, {"// a", "// a"}, {"a1", "ta"}, {"// b", ""}, {"b1", ""}}));
}

TEST(WorkbookCode, OneAboveTheOtherShowsNoMarksEither) {
  EXPECT_EQ(engine_and_twin("// [code: a]\na1\n", "  // [code: a]\n  t1\n  // [/code]\n",
                            side_by_side_from - 1, TerminalRenderer(false)),
            "engine\n------\n// a\na1\n\nLibTorch\n--------\n  // a\n  t1\n");
}

/// The text of the one file of the repository's `folder` that starts with `start`.
std::string text_of_the_one(const std::string& folder, const std::string& start,
                            const std::string& then = "") {
  for (const auto& entry : std::filesystem::directory_iterator(GRADBOOK_SOURCE_DIR + folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(start) || name.ends_with(".hpp")) continue;
    return read_text(entry.path().string() + then);
  }
  throw std::logic_error(folder + " has no " + start);
}

// `gradbook show` can bring all of them together then.
TEST(WorkbookCode, EveryTwinHasRegionsOfItsLessonInTheSameOrder) {
  for (int lesson = 1; lesson <= 23; ++lesson) {
    SCOPED_TRACE(lesson);
    const std::string start = two_digits(lesson) + "_";
    const auto engine = code_regions(text_of_the_one("/lessons", start, "/lesson.cpp"));
    const auto twin = code_regions(text_of_the_one("/reference/twins", start));
    EXPECT_FALSE(twin.empty());
    auto at = engine.begin();
    for (const CodeRegion& region : twin) {
      at = std::find_if(at, engine.end(),
                        [&](const CodeRegion& other) { return other.name == region.name; });
      ASSERT_NE(at, engine.end()) << region.name;
    }
  }
}

}  // namespace
}  // namespace gradbook::workbook
