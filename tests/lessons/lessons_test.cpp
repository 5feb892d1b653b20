// Every lesson as its own process: it passes, its JSON is as documented, and its figures are those
// of the curriculum.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <variant>

#include "engine/random.hpp"
#include "lessons/12_explore/prompt.hpp"
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

std::string list_text(const std::vector<double>& values) { return json(values).dump(); }

/// Why `found`, a figure of a lesson's JSON, is not what is expected; empty where it is.
struct Judge {
  const json& found;

  std::string operator()(const Printed& printed) const {
    return disagreement(parse_by_hand(printed.figure),
                        Quantity(snapshot_of(found), Precision::float32));
  }
  std::string operator()(const Near& near) const {
    const std::vector<double> values = snapshot_of(found).values;
    bool is_near = values.size() == near.values.size();
    for (std::size_t i = 0; is_near && i < values.size(); ++i) {
      is_near = std::abs(values[i] - near.values[i]) <= near.within;  // false for NaN
    }
    return is_near ? ""
                   : list_text(values) + " is not within " + std::to_string(near.within) + " of " +
                         list_text(near.values);
  }
  std::string operator()(const OfShape& expected) const {
    const Shape shape = snapshot_of(found).shape;
    return shape == Shape(expected.shape.begin(), expected.shape.end())
               ? ""
               : "it has shape " + to_string(shape);
  }
  std::string operator()(const std::string& text) const {
    return found == text ? "" : found.dump() + " is not " + text;
  }
  std::string operator()(bool truth) const {
    return found == truth ? "" : found.dump() + " is not " + (truth ? "true" : "false");
  }
};

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
  using Departures = std::vector<std::string>;
  EXPECT_EQ(departures_from(tables.at("lesson_NN --json"), page, {"figures", "blocks"}),
            Departures{});
  for (const json& block : page.at("blocks")) {
    EXPECT_EQ(departures_from(tables.at(block.at("type")), block), Departures{})
        << block.at("type");
  }
  for (const auto& [name, figure] : page.at("figures").items()) {
    EXPECT_TRUE(is_figure(figure)) << name;
  }

  std::size_t figures = 0;
  for (const Figure& figure : curriculum()) {
    if (figure.lesson != GetParam()) continue;
    ++figures;
    SCOPED_TRACE(figure.name);
    ASSERT_TRUE(page.at("figures").contains(figure.name));
    EXPECT_EQ(std::visit(Judge{page.at("figures").at(figure.name)}, figure.expected), "");
  }
  EXPECT_GT(figures, 0U) << "the curriculum has figures for every lesson";
}

INSTANTIATE_TEST_SUITE_P(Lessons, EveryLesson, testing::Range(1, 24));

TEST(Figures, AnExpectedNanIsNoOtherText) {
  for (const char* other : {"inf", "-inf", "42"}) {
    const json found = other;
    const bool is_number = number_in(found).has_value();
    if (is_number) {
      EXPECT_NE(Judge{found}(Printed{"nan"}), "") << other;
    } else {
      EXPECT_THROW(Judge{found}(Printed{"nan"}), std::invalid_argument) << other;
    }
  }
  EXPECT_EQ(Judge{json("nan")}(Printed{"nan"}), "");
  EXPECT_NE(Judge{json("nan")}(Near{{2}, 0.25}), "");
  EXPECT_NE(Judge{json(2.3)}(Near{{2}, 0.25}), "");
  EXPECT_EQ(Judge{json(2.2)}(Near{{2}, 0.25}), "");
  EXPECT_NE(Judge{json({1, 2})}(OfShape{{2, 1}}), "");
}

/// What the program says on standard error, in lines, when its output goes to a full disk.
ProcessResult on_a_full_disk(const std::string& command) {
  return run_process({"/bin/sh", "-c", GRADBOOK_BIN_DIR "/" + command + " >/dev/full"});
}

TEST(FullDisk, OutputThatCannotBeWrittenIsSaidAndExitsWith1) {
  for (const std::string command :
       {"lesson_01 --json", "lesson_02", "lesson_02 --quiet", "lesson_01 --about",
        "lesson_01 --help", "lesson_01 --source twin", "gradbook list", "gradbook run 1 --json",
        "gradbook run 1", "gradbook show 1", "gradbook parity",
        "gradbook verify --samples 1 --json"}) {
    const ProcessResult run = on_a_full_disk(command);
    EXPECT_EQ(run.exit_code, 1) << command;
    EXPECT_EQ(count_lines(run.err), 1U) << command << ": " << run.err;
    EXPECT_NE(run.err.find("cannot write all of the output"), std::string::npos) << run.err;
  }
  EXPECT_EQ(on_a_full_disk("lesson_01 --nonsense").exit_code, 2) << "wrong usage stays that";
}

/// The masks that lesson 21 draws, as it documents them: 0 or 2, by one random number each.
std::vector<double> mask_of(RandomState& random) {
  std::vector<double> mask;
  for (int i = 0; i < 4; ++i) mask.push_back(random.random_sample() < 0.5 ? 0 : 2);
  return mask;
}

TEST(Lesson21, HoldsForEverySeedAndDrawsFromIt) {
  const auto figures = [](std::uint32_t seed) {
    const ProcessResult run = run_process({binary(21), "--json", "--seed", std::to_string(seed)});
    EXPECT_EQ(run.exit_code, 0) << seed << run.err;
    return json::parse(run.out).at("figures");
  };
  for (const std::uint32_t seed : {0U, 7U, 4294967295U}) {
    RandomState random(seed);
    const json found = figures(seed);
    EXPECT_EQ(found.at("naive: y"), json(mask_of(random))) << seed;
    EXPECT_EQ(found.at("naive: gradient"), json(mask_of(random))) << seed;
  }
  // A seed that gives the same mask twice at first: nothing could go wrong with those.
  for (std::uint32_t seed = 0;; ++seed) {
    RandomState random(seed);
    if (mask_of(random) != mask_of(random)) continue;
    const json found = figures(seed);
    EXPECT_NE(found.at("naive: y"), found.at("naive: gradient")) << seed;
    break;
  }
}

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

TEST(Lesson12, ALineThatGivesANumberTwiceDoesNotParse) {
  const explore::Point from{2, 3};
  for (const char* line : {"a=4 a=5", "b=1, b=1", "a=4 b=1 a=4", "a=x a=4"}) {
    EXPECT_FALSE(explore::parse_point(line, from)) << line;
  }
  const auto both = explore::parse_point("b = -1, a=4", from);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->a, 4);
  EXPECT_EQ(both->b, -1);
  EXPECT_EQ(explore::parse_point("b=-1", from)->a, 2) << "what is not given stays";
  EXPECT_EQ(explore::parse_point("", from)->b, 3);

  const ProcessResult run = run_process({binary(12)}, "a=4 a=5\n");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("expected a=NUMBER, b=NUMBER or both, help or quit, not 'a=4 a=5'"),
            std::string::npos);
}

TEST(Lesson12, ShowsNothingOfALineThatATerminalCouldTakeForMore) {
  const ProcessResult run = run_process({binary(12)}, "a=\xff~\xc3_\n\x1b[2J\n");
  EXPECT_NE(run.out.find("not 'a=?~?_'"), std::string::npos);
  EXPECT_NE(run.out.find("not '?[2J'"), std::string::npos);
  EXPECT_EQ(run.out.find_first_of("\xff\x1b"), std::string::npos) << "nor in the transcript";
}

}  // namespace
}  // namespace gradbook::workbook
