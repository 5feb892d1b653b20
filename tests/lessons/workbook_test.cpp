// A lesson as its reader and a script meet it: what is printed, and the exit code.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "engine/draw.hpp"
#include "lessons/workbook/terminal.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Lesson passing_lesson() {
  return fake_lesson(2, [](Page& page, const Options&) {
    page.prose("Text.");
    auto& checks = page.checks(twin_of({{"x", 6.0}}));
    checks.compare("x", 6.0, "6");
    page.claim("it holds", true);
  });
}

TEST(WorkbookLesson, PassesWhenEveryDeclaredCheckHolds) {
  const Outcome outcome = run(passing_lesson());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(contains(outcome.out, "lesson 07: passed, 2 of 2 checks hold")) << outcome.out;
  EXPECT_EQ(outcome.err, "");
}

TEST(WorkbookLesson, AMissingCheckFails) {
  Lesson lesson = passing_lesson();
  lesson.info.checks = 3;
  const Outcome outcome = run(lesson, {"--quiet"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, "FAILED")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "2 made but 3 declared")) << outcome.out;
}

TEST(WorkbookLesson, ASurplusCheckFails) {
  Lesson lesson = passing_lesson();
  lesson.info.checks = 1;
  EXPECT_EQ(run(lesson).code, 1);
}

TEST(WorkbookLesson, ALessonWithoutChecksFails) {
  EXPECT_EQ(run(fake_lesson(0, [](Page&, const Options&) {})).code, 1);
}

TEST(WorkbookLesson, AWrongFigureByHandFails) {
  const Outcome outcome = run(fake_lesson(1, [](Page& page, const Options&) {
    page.checks(twin_of({{"x", 6.0}})).compare("x", 6.0, "7");
  }));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, "x: by hand 7, the engine says 6")) << outcome.out;
}

TEST(WorkbookLesson, AnEngineApartFromLibTorchFails) {
  const Outcome outcome = run(fake_lesson(1, [](Page& page, const Options&) {
    page.checks(twin_of({{"x", 6.0}})).compare("x", 6.5);
  }));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, "FAIL"));
}

TEST(WorkbookLesson, ANameTheTwinDoesNotHaveFails) {
  const Outcome outcome = run(fake_lesson(1, [](Page& page, const Options&) {
    page.checks(twin_of({{"x", 6.0}})).compare("y", 6.0, "6");
  }));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, "the LibTorch twin gives no 'y'")) << outcome.out;
}

TEST(WorkbookLesson, AFalseClaimFails) {
  EXPECT_EQ(
      run(fake_lesson(1, [](Page& page, const Options&) { page.claim("no", false, "seen"); })).code,
      1);
}

TEST(WorkbookLesson, NaNAgainstNaNPassesAndAgainstANumberFails) {
  const auto lesson = [](double engine, double libtorch) {
    return fake_lesson(1, [=](Page& page, const Options&) {
      page.checks(twin_of({{"x", libtorch}})).compare("x", engine);
    });
  };
  EXPECT_EQ(run(lesson(nan, nan)).code, 0);
  EXPECT_EQ(run(lesson(nan, 1)).code, 1);
  EXPECT_EQ(run(lesson(1, nan)).code, 1);
  EXPECT_TRUE(contains(run(lesson(nan, nan)).out, "nan"));
}

TEST(WorkbookLesson, ThePrecisionOfAComparisonCanBeStated) {
  // 0.1f against 0.1: right in float32, wrong in float64.
  const auto lesson = [](Precision precision) {
    return fake_lesson(1, [=](Page& page, const Options&) {
      const reference::TwinRun run = {{{"x", 0.1}}, {{"x", static_cast<double>(0.1F)}}};
      page.checks(run).compare("x", static_cast<double>(0.1F), precision, "0.1");
    });
  };
  EXPECT_EQ(run(lesson(Precision::float32)).code, 0);
  EXPECT_EQ(run(lesson(Precision::float64)).code, 1);
}

TEST(WorkbookLesson, AnEscapedExceptionIsOneLineAndFails) {
  const Lesson lesson = fake_lesson(1, [](Page& page, const Options&) {
    page.claim("it holds", true);
    throw std::runtime_error("shapes (2,)\nand (3,)");
  });
  const Outcome outcome = run(lesson);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "lesson_07 fake: stopped by an error: shapes (2,) and (3,)\n");
  EXPECT_TRUE(contains(outcome.out, "it holds")) << "the page up to the error is shown";

  const Outcome json = run(lesson, {"--json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_EQ(nlohmann::json::parse(json.out).at("error"), "shapes (2,) and (3,)");
}

TEST(WorkbookLesson, AnExceptionOfAnyTypeIsCaught) {
  const Outcome outcome = run(fake_lesson(1, [](Page&, const Options&) { throw 1; }));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(count_lines(outcome.err), 1U);
}

TEST(WorkbookLesson, OneNameForTwoFiguresIsAnError) {
  const Outcome twice = run(fake_lesson(1, [](Page& page, const Options&) {
    page.figure("lr", 0.1);
    page.claim("it holds", true);
    page.figure("lr", 0.5);
  }));
  EXPECT_EQ(twice.code, 1);
  EXPECT_TRUE(contains(twice.err, "figure 'lr' is given twice")) << twice.err;
  const Outcome same = run(fake_lesson(1, [](Page& page, const Options&) {
    page.figure("x", nan);
    page.figure("x", nan);
    page.claim("it holds", true);
  }));
  EXPECT_EQ(same.code, 0) << same.err;
}

TEST(WorkbookLesson, SaysNoMoreThanAsked) {
  const Outcome quiet = run(passing_lesson(), {"--quiet"});
  EXPECT_EQ(count_lines(quiet.out), 1U) << quiet.out;
  const Outcome json = run(passing_lesson(), {"--json"});
  EXPECT_EQ(count_lines(json.out), 1U);
  EXPECT_TRUE(nlohmann::json::parse(json.out).at("passed"));
}

TEST(WorkbookLesson, ColourNeedsATerminalAndNoRefusal) {
  const std::string escape = "\x1b[";
  EXPECT_FALSE(contains(run(passing_lesson()).out, escape));
  EXPECT_TRUE(contains(run(passing_lesson(), {}, {.terminal = true}).out, escape));
  EXPECT_FALSE(
      contains(run(passing_lesson(), {}, {.terminal = true, .no_color = "1"}).out, escape));
  EXPECT_TRUE(contains(run(passing_lesson(), {}, {.terminal = true, .no_color = ""}).out, escape));
  EXPECT_FALSE(
      contains(run(passing_lesson(), {"--color", "never"}, {.terminal = true}).out, escape));
  EXPECT_TRUE(
      contains(run(passing_lesson(), {"--color", "always"}, {.no_color = "1"}).out, escape));
}

TEST(WorkbookLesson, ColourIsAQuestionOfTheTerminalUnlessChosen) {
  EXPECT_TRUE(use_color(ColorChoice::automatic, true, nullptr, "xterm"));
  EXPECT_TRUE(use_color(ColorChoice::automatic, true, nullptr, nullptr));
  EXPECT_FALSE(use_color(ColorChoice::automatic, true, nullptr, "dumb"));
  EXPECT_TRUE(use_color(ColorChoice::always, false, "1", "dumb"));
  EXPECT_FALSE(use_color(ColorChoice::never, true, nullptr, "xterm"));
}

TEST(WorkbookLesson, ColourMovesNothing) {
  const std::string colored = run(passing_lesson(), {"--color", "always"}).out;
  std::string stripped;
  for (std::size_t at = 0; at < colored.size(); ++at) {
    if (colored[at] == '\x1b') {
      at = colored.find('m', at);
    } else {
      stripped += colored[at];
    }
  }
  EXPECT_EQ(stripped, run(passing_lesson()).out);
}

TEST(WorkbookLesson, WrongUsageIsOneLineAndExitCode2) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--nonsense"},     {"stray"},           {"--seed"},           {"--seed", "-1"},
      {"--seed", "1.5"},  {"--seed", "0x10"},  {"--seed", "12a"},    {"--seed", "4294967296"},
      {"--seed", ""},     {"--color", "blue"}, {"--graph", "a.png"}, {"--json", "--quiet"},
      {"--source", "it"},
  };
  for (const auto& arguments : wrong) {
    const Outcome outcome = run(passing_lesson(), arguments);
    EXPECT_EQ(outcome.code, 2) << arguments.front();
    EXPECT_EQ(count_lines(outcome.err), 1U) << outcome.err;
    EXPECT_EQ(outcome.out, "") << arguments.front();
    EXPECT_TRUE(contains(outcome.err, "; see --help")) << outcome.err;
  }
  EXPECT_TRUE(
      contains(run(passing_lesson(), {"--seed", "-1"}).err, "whole number from 0 to 4294967295"));
}

TEST(WorkbookLesson, WrongUsageNamesWhatWasExpected) {
  const auto said = [](const std::vector<std::string>& arguments) {
    return run(passing_lesson(), arguments).err;
  };
  const std::string end = "; see --help\n";
  const std::string all =
      "--help, --json, --quiet, --seed N, --color WHEN, --graph FILE, --source WHICH or --about";
  EXPECT_EQ(said({"abc", "--width"}), "lesson_07: unexpected 'abc': expected " + all + end);
  EXPECT_EQ(said({"--json", "-x"}), "lesson_07: unexpected '-x': expected " + all + end);
  EXPECT_EQ(said({"--seed"}),
            "lesson_07: --seed: expected a whole number from 0 to 4294967295 after it" + end);
  EXPECT_EQ(said({"--color"}), "lesson_07: --color: expected auto, always or never after it" + end);
  EXPECT_EQ(said({"--graph="}),
            "lesson_07: --graph: expected a file ending in .dot or .svg after it" + end);
  EXPECT_EQ(said({"--seed", "1", "--seed", "2"}),
            "lesson_07: --seed: expected once, not 2 times" + end);
  EXPECT_EQ(said({"--json", "--quiet"}), "lesson_07: expected --json or --quiet, not both" + end);
  EXPECT_EQ(said({"--json=abc"}), "lesson_07: --json: expected alone, without a value" + end);
}

TEST(WorkbookLesson, OutputThatCannotBeWrittenIsSaidAndExitsWith1) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--json"}, {"--quiet"}, {"--help"}}) {
    std::istringstream in;
    std::ofstream full("/dev/full");
    std::ostringstream err;
    Console console{.in = in, .out = full, .err = err};
    std::vector<const char*> argv = {"lesson"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    EXPECT_EQ(run_lesson(passing_lesson(), static_cast<int>(argv.size()), argv.data(), console), 1);
    EXPECT_EQ(count_lines(err.str()), 1U) << err.str();
    EXPECT_TRUE(contains(err.str(), "lesson_07: cannot write all of the output")) << err.str();
  }
}

TEST(WorkbookLesson, HelpNamesEveryOption) {
  const Outcome outcome = run(passing_lesson(), {"--help"});
  EXPECT_EQ(outcome.code, 0);
  for (const char* option :
       {"--json", "--quiet", "--seed", "--color", "--graph", "--source", "--about"}) {
    EXPECT_TRUE(contains(outcome.out, option)) << option;
  }
}

TEST(WorkbookLesson, TheSeedReachesTheLesson) {
  std::uint64_t seen = 0;
  const Lesson lesson = fake_lesson(1, [&](Page&, const Options& options) { seen = options.seed; });
  run(lesson);
  EXPECT_EQ(seen, 42U);
  run(lesson, {"--seed", "010"});
  EXPECT_EQ(seen, 10U) << "decimal, whatever the leading zero";
  run(lesson, {"--seed", "4294967295"});
  EXPECT_EQ(seen, 4294967295U);
}

TEST(WorkbookLesson, ALessonMayHaveOptionsOfItsOwn) {
  double a = 2;
  Lesson lesson = fake_lesson(1, [&](Page& page, const Options&) { page.claim("a is 4", a == 4); });
  lesson.flags = [&](CLI::App& app) { app.add_option("--a", a, "the first input"); };
  EXPECT_EQ(run(lesson, {"--a", "4"}).code, 0);
  const Outcome wrong = run(lesson, {"--a", "four"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(count_lines(wrong.err), 1U) << wrong.err;
}

TEST(WorkbookLesson, GivesItsSources) {
  const Lesson lesson = fake_lesson(
      1, [](Page&, const Options&) { FAIL() << "not to be run"; }, "the lesson\n");
  EXPECT_EQ(run(lesson, {"--source", "lesson"}).out, "the lesson\n");
  EXPECT_EQ(run(lesson, {"--source", "twin"}).out, "the twin\n");
  EXPECT_EQ(run(lesson, {"--source", "twin"}).code, 0);
}

Lesson asking_lesson() {
  return fake_lesson(1, [](Page& page, const Options&) {
    page.claim("it holds", true);
    while (const auto line = page.ask("a= ")) page.output("heard " + *line);
    page.prose("The end.");
  });
}

TEST(WorkbookLesson, AsksUntilTheInputEnds) {
  const Outcome outcome = run(asking_lesson(), {}, {.input = "4\r\nfive"});
  EXPECT_EQ(outcome.code, 0);
  const std::size_t claim = outcome.out.find("it holds");
  const std::size_t first = outcome.out.find("a= 4\n    | heard 4\n");
  const std::size_t second = outcome.out.find("a= five\n    | heard five\n");
  const std::size_t end = outcome.out.find("The end.");
  EXPECT_LT(claim, first) << outcome.out;
  EXPECT_LT(first, second) << outcome.out;
  EXPECT_LT(second, end) << outcome.out;
  EXPECT_NE(end, std::string::npos);
}

TEST(WorkbookLesson, DoesNotAskForProgramsAndQuietReaders) {
  for (const char* option : {"--json", "--quiet"}) {
    const Outcome outcome = run(asking_lesson(), {option}, {.input = "4\n"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_FALSE(contains(outcome.out, "heard")) << option;
    EXPECT_EQ(count_lines(outcome.out), 1U) << option;
  }
}

}  // namespace
}  // namespace gradbook::workbook
