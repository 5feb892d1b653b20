// The code that a page shows is the lesson's own source.
#include <gtest/gtest.h>

#include <stdexcept>

#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/page.hpp"
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

}  // namespace
}  // namespace gradbook::workbook
