// Every lesson as its own process: it passes, its JSON is as documented, and its figures are those
// of the curriculum.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lessons/workbook/by_hand.hpp"
#include "lessons/workbook/process.hpp"
#include "tests/lessons/curriculum.hpp"
#include "tests/lessons/json_fields.hpp"

namespace gradbook::workbook {
namespace {

using nlohmann::json;

std::string binary(int lesson) {
  return std::string(GRADBOOK_BIN_DIR) + (lesson < 10 ? "/lesson_0" : "/lesson_") +
         std::to_string(lesson);
}

/// Numbers, nested arrays of them, and the texts that stand for what is not finite.
void flatten(const json& value, std::vector<double>& values) {
  if (value.is_array()) {
    for (const json& element : value) flatten(element, values);
  } else {
    values.push_back(value.is_number() ? value.get<double>() : std::nan(""));
  }
}

Snapshot snapshot_of(const json& value) {
  Snapshot result;
  result.values.clear();
  for (const json* level = &value; level->is_array(); level = &level->front()) {
    result.shape.push_back(level->size());
  }
  flatten(value, result.values);
  return result;
}

class EveryLesson : public testing::TestWithParam<int> {};

TEST_P(EveryLesson, PassesWithDocumentedJsonAndTheFiguresOfTheCurriculum) {
  const ProcessResult run = run_process({binary(GetParam()), "--json"});
  ASSERT_TRUE(run.found) << binary(GetParam());
  ASSERT_EQ(run.exit_code, 0) << run.err << run.out.substr(0, 2000);
  const json page = json::parse(run.out);
  EXPECT_EQ(page.at("lesson"), GetParam());
  EXPECT_EQ(page.at("passed"), true);
  EXPECT_EQ(page.at("checks").at("made"), page.at("checks").at("declared"));
  EXPECT_GT(page.at("checks").at("made"), 0);

  const auto tables = documented();
  EXPECT_EQ(produced(page, {"figures", "blocks"}), tables.at("lesson_NN --json"));
  for (const json& block : page.at("blocks")) {
    const Fields fields = produced(block);
    const Fields& known = tables.at(block.at("type"));
    EXPECT_TRUE(std::includes(known.begin(), known.end(), fields.begin(), fields.end()))
        << block.at("type");
  }

  std::size_t figures = 0;
  for (const Figure& figure : curriculum()) {
    if (figure.lesson != GetParam()) continue;
    ++figures;
    SCOPED_TRACE(figure.name);
    ASSERT_TRUE(page.at("figures").contains(figure.name));
    const json& found = page.at("figures").at(figure.name);
    if (const auto* printed = std::get_if<Printed>(&figure.expected)) {
      EXPECT_EQ(disagreement(parse_by_hand(printed->figure),
                             Quantity(snapshot_of(found), Precision::float32)),
                "");
    } else if (const auto* text = std::get_if<std::string>(&figure.expected)) {
      EXPECT_EQ(found, *text);
    } else {
      EXPECT_EQ(found, std::get<bool>(figure.expected));
    }
  }
  EXPECT_GT(figures, 0U) << "the curriculum has figures for every lesson";
}

INSTANTIATE_TEST_SUITE_P(Lessons, EveryLesson, testing::Range(1, 24));

TEST(BrokenRule, ALessonOnAnEngineWithAWrongRuleExitsWith1) {
  for (const std::string number : {"03", "09"}) {
    const std::string sound = std::string(GRADBOOK_BIN_DIR) + "/lesson_" + number;
    const std::string broken = std::string(GRADBOOK_BIN_DIR) + "/broken_lesson_" + number;
    EXPECT_EQ(run_process({sound, "--quiet"}).exit_code, 0);
    const ProcessResult run = run_process({broken, "--json"});
    EXPECT_EQ(run.exit_code, 1) << broken;
    EXPECT_EQ(json::parse(run.out).at("passed"), false);
  }
}

/// The text between the first two ``` lines of the README's section `title`.
std::string block_of(const std::string& readme, const std::string& title) {
  const std::size_t section = readme.find("## " + title + "\n");
  const std::size_t open = readme.find("```\n", section) + 4;
  return readme.substr(open, readme.find("```\n", open) - open);
}

TEST(Readme, ShowsALessonAsItPrintsItself) {
  const std::string readme = read_text(std::string(GRADBOOK_SOURCE_DIR) + "/README.md");
  const std::string shown = block_of(readme, "What a lesson looks like");
  ASSERT_TRUE(shown.starts_with("Lesson 17")) << shown;
  EXPECT_TRUE(run_process({binary(17)}).out.starts_with(shown)) << shown;
}

TEST(Readme, MapsTheLessonsByTheirOwnTitlesAndQuestions) {
  const std::string readme = read_text(std::string(GRADBOOK_SOURCE_DIR) + "/README.md");
  for (int lesson = 1; lesson <= 23; ++lesson) {
    const json about = json::parse(run_process({binary(lesson), "--about"}).out);
    const std::string row = (lesson < 10 ? "| 0" : "| ") + std::to_string(lesson) + " | " +
                            about.at("title").get<std::string>() + " | " +
                            about.at("question").get<std::string>() + " |";
    EXPECT_NE(readme.find(row), std::string::npos) << row;
  }
}

TEST(Lesson12, TakesAAndBFromTheCommandLine) {
  const ProcessResult run = run_process({binary(12), "--json", "--a", "4", "--b", "-1"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out).at("figures").at("c"), -3.0);
}

TEST(Lesson12, AMalformedNumberIsWrongUsage) {
  const ProcessResult run = run_process({binary(12), "--a", "two"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(count_lines(run.err), 1U) << run.err;
}

TEST(Lesson12, AnswersLinesThatDoNotParseAndEndsWithItsInput) {
  const ProcessResult run = run_process({binary(12)}, "a=4\nnonsense\nb=x\na=1 b=2\n");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("expected"), std::string::npos);
  EXPECT_NE(run.out.find("nonsense"), std::string::npos);
}

}  // namespace
}  // namespace gradbook::workbook
