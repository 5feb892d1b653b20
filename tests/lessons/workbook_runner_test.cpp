// The gradbook program: listing, running real processes, showing sources, being interrupted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "lessons/workbook/process.hpp"
#include "lessons/workbook/runner.hpp"
#include "lessons/workbook/text_layout.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

// A folder of lesson binaries that are shell scripts.
class Lessons {
 public:
  void add(const std::string& number, const std::string& script) {
    const auto file = folder_ / ("lesson_" + number);
    write_text(file, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }

  // A lesson with a page of its own, that exits with `code`.
  void add_page(const std::string& number, const Lesson& lesson, int code) {
    for (const std::string option : {"json", "about"}) {
      write_text(folder_ / (number + "." + option), run(lesson, {"--" + option}).out);
    }
    write_text(folder_ / (number + ".lesson"), std::string(lesson.source));
    write_text(folder_ / (number + ".twin"), std::string(lesson.twin));
    add(number, "case $1 in --source) exec cat '" + (folder_ / number).string() +
                    "'.$2;; esac\ncat '" + (folder_ / number).string() +
                    "'.${1#--}\n[ $1 = --json ] && exit " + std::to_string(code) + "\nexit 0");
  }

  Outcome gradbook(const std::vector<std::string>& arguments, const Setting& setting = {},
                   const volatile std::sig_atomic_t* stop = nullptr) const {
    return call(
        [&](int argc, const char* const* argv, Console& console) {
          return run_gradbook(argc, argv, folder_.path(), console, stop);
        },
        arguments, setting);
  }

  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

Lesson numbered(int number, std::string_view name, bool holds) {
  Lesson lesson = fake_lesson(1, [=](Page& page, const Options&) {
    page.checks(twin_of({{"x", 6.0}})).compare("x", 6.0, holds ? "6" : "7");
  });
  lesson.info.number = number;
  lesson.info.name = name;
  lesson.info.title = name;
  lesson.source = "int main() {\n  // [code: forward]\n  auto y = x * x;\n  // [/code]\n}\n";
  lesson.twin =
      "namespace gradbook::reference::twins {\nauto y = torch::mul(x, x);\n}  // namespace\n";
  return lesson;
}

struct TwoLessons : Lessons {
  explicit TwoLessons(bool second_holds = true) {
    add_page("01", numbered(1, "first", true), 0);
    add_page("02", numbered(2, "second", second_holds), second_holds ? 0 : 1);
  }
};

TEST(WorkbookRunner, ListsTheLessons) {
  const Outcome outcome = TwoLessons().gradbook({"list"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(contains(outcome.out, "    01  first")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "    02  second")) << outcome.out;
}

TEST(WorkbookRunner, ReadsWhatALessonWouldSay) {
  TemporaryFolder folder;
  const auto about = [&](const std::string& text) {
    write_text(folder / "lesson_01", text);
    return read_about(1, folder / "lesson_01");
  };
  const std::string info =
      ".number = 1,\n .name = \"first\",\n .title = \"One\",\n .question = \"Q?\",\n .checks = 3}";
  EXPECT_EQ(about(std::string("\x7f"
                              "ELF\0",
                              5) +
                  info),
            (About{"first", "One", 3}));
  EXPECT_EQ(about(".number = 1, else" + info), (About{"first", "One", 3}));
  EXPECT_EQ(about(".number = 2" + info.substr(11)), std::nullopt);
  EXPECT_EQ(about(".number = 12" + info.substr(11)), std::nullopt);
  EXPECT_EQ(about(".number = 1,\n .name = \"first\",\n .title = \"One\"\n\"Two\",\n .checks = 3}"),
            std::nullopt);
  EXPECT_EQ(about(""), std::nullopt);

  int compared = 0;
  for (const auto& [number, binary] : find_lessons(GRADBOOK_BIN_DIR)) {
    if (compared == 3) break;  // each has to load LibTorch
    EXPECT_EQ(read_about(number, binary), ask_about(binary)) << binary;
    ++compared;
  }
}

TEST(WorkbookRunner, RunsAllInOrderWithALineEachAndASummary) {
  const Outcome outcome = TwoLessons().gradbook({"run"});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "[1/2] ok  01 first")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "[2/2] ok  02 second")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "largest error")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "2 of 2 lessons passed")) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "\r")) << "no live line where there is no terminal";
}

TEST(WorkbookRunner, OneLessonThatFailsFailsTheRunAndSaysWhy) {
  const Outcome outcome = TwoLessons(false).gradbook({"run"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, "[2/2] FAIL  02 second")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "x: by hand 7, the engine says 6")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "1 of 2 lessons passed")) << outcome.out;
}

TEST(WorkbookRunner, RunsTheLessonsThatWereNamed) {
  const TwoLessons lessons(false);
  EXPECT_EQ(lessons.gradbook({"run", "1"}).code, 0);
  EXPECT_EQ(lessons.gradbook({"run", "02"}).code, 1);
  const Outcome both = lessons.gradbook({"run", "2", "1"});
  EXPECT_LT(both.out.find("02 second"), both.out.find("01 first"));
}

TEST(WorkbookRunner, RunsALessonOnceHoweverOftenItIsNamed) {
  const Outcome outcome = TwoLessons().gradbook({"run", "2", "1", "02", "1"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_LT(outcome.out.find("[1/2] ok  02 second"), outcome.out.find("[2/2] ok  01 first"))
      << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "2 of 2 lessons passed")) << outcome.out;
}

TEST(WorkbookRunner, WrongUsageNamesWhatWasExpected) {
  const TwoLessons lessons;
  EXPECT_EQ(lessons.gradbook({"show"}).err,
            "gradbook: expected the number of a lesson: a number from 01 to 02; try gradbook "
            "--help\n");
  EXPECT_EQ(lessons.gradbook({"show", "1", "2"}).err,
            "gradbook show: unexpected '2': expected --help, one N, --all or --color WHEN; try "
            "gradbook show --help\n");
  EXPECT_EQ(lessons.gradbook({"run", "--fast"}).err,
            "gradbook run: unexpected '--fast': expected --help, any number of N, --json or "
            "--color WHEN; try gradbook run --help\n");
  EXPECT_EQ(lessons.gradbook({"--fast"}).err,
            "gradbook: unexpected '--fast': expected list, run, show, parity, verify, --help or "
            "--color WHEN; try gradbook --help\n");
  EXPECT_EQ(lessons.gradbook({"verify", "--samples"}).err,
            "gradbook verify: --samples: expected a whole number from 1 to 1000000000 after it; "
            "try gradbook verify --help\n");
  EXPECT_EQ(lessons.gradbook({"run", "1", "--color"}).err,
            "gradbook run: --color: expected auto, always or never after it; try gradbook run "
            "--help\n");
}

TEST(WorkbookRunner, ALineRunsLiveOnATerminal) {
  const Outcome outcome = TwoLessons().gradbook({"run"}, {.terminal = true});
  EXPECT_TRUE(contains(outcome.out, "[1/2] lesson 01 runs …\r\x1b[K[1/2] ")) << outcome.out;
}

TEST(WorkbookRunner, JsonIsTheSummaryAndNothingElse) {
  const Outcome outcome = TwoLessons(false).gradbook({"run", "--json"}, {.terminal = true});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(count_lines(outcome.out), 1U);
  const auto run = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(run.at("passed"), false);
  EXPECT_EQ(run.at("lessons").at(0).at("passed"), true);
  EXPECT_EQ(run.at("lessons").at(1).at("passed"), false);
  EXPECT_EQ(run.at("lessons").at(1).at("failures").size(), 1U);
}

TEST(WorkbookRunner, BelievesNeitherExitCodeNorPageAlone) {
  Lessons lessons;
  lessons.add_page("01", numbered(1, "says_passed", true), 3);
  lessons.add_page("02", numbered(2, "exits_well", false), 0);
  lessons.add("03", "exit 0");
  lessons.add("04", "echo '{\"format\":\"gradbook.lesson\"}'");
  lessons.add("05", "echo nonsense; echo 'lesson_05: out of luck' >&2; kill -SEGV $$");
  std::string page = run(numbered(6, "contradicts_itself", true), {"--json"}).out;
  page.replace(page.find("\"passed\":true"), 13, "\"passed\":false");
  lessons.add("06", "echo '" + page + "'");
  const Outcome outcome = lessons.gradbook({"run", "--json"});
  EXPECT_EQ(outcome.code, 1);
  const auto results = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(results.at("lessons").size(), 6U);
  for (const auto& lesson : results.at("lessons")) EXPECT_EQ(lesson.at("passed"), false) << lesson;
  EXPECT_EQ(results.at("lessons").at(0).at("problem"),
            "its page says passed, but its exit code is 3");
  const std::string killed = results.at("lessons").at(4).at("problem");
  EXPECT_TRUE(contains(killed, "signal 11")) << killed;
  EXPECT_TRUE(contains(killed, "out of luck")) << killed;
}

TEST(WorkbookRunner, WrongUsageIsOneLineAndExitCode2) {
  const TwoLessons lessons;
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"walk"},
                                                       {"run", "3"},
                                                       {"run", "one"},
                                                       {"run", "-1"},
                                                       {"run", "1.0"},
                                                       {"run", "--fast"},
                                                       {"show"},
                                                       {"show", "9"},
                                                       {"show", "1", "2"},
                                                       {"list", "1"},
                                                       {"--nonsense"},
                                                       {"run", "1", "--color", "blue"},
                                                       {"run", "99999999999"}};
  for (const auto& arguments : wrong) {
    const Outcome outcome = lessons.gradbook(arguments);
    const std::string shown = arguments.empty() ? "" : arguments.back();
    EXPECT_EQ(outcome.code, 2) << shown;
    EXPECT_EQ(count_lines(outcome.err), 1U) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "--help")) << outcome.err;
    EXPECT_EQ(outcome.out, "") << shown;
  }
  EXPECT_TRUE(
      contains(lessons.gradbook({"run", "3"}).err, "no lesson 3: expected a number from 01 to 02"));
  EXPECT_TRUE(
      contains(lessons.gradbook({}).err, "expected a command: list, run, show, parity or verify"));
  EXPECT_TRUE(contains(lessons.gradbook({"parity"}).out, "| mul | `a * b` | a and b |"));
  EXPECT_EQ(lessons.gradbook({"--help"}).code, 0);
  EXPECT_EQ(lessons.gradbook({"run", "--help"}).code, 0);
}

TEST(WorkbookRunner, AnEmptyFolderIsSaid) {
  const Outcome outcome = Lessons().gradbook({"run"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(count_lines(outcome.err), 1U);
}

TEST(WorkbookRunner, ShowsSourcesSideBySideWhereThereIsRoom) {
  const TwoLessons lessons;
  const Outcome wide = lessons.gradbook({"show", "1"}, {.width = 140});
  EXPECT_EQ(wide.code, 0);
  std::istringstream lines(wide.out);
  std::string code_line;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(display_width(line), 140U);
    if (contains(line, "torch::mul")) code_line = line;
  }
  EXPECT_TRUE(code_line.starts_with("// forward")) << wide.out;
  EXPECT_FALSE(contains(wide.out, "namespace"));
  EXPECT_FALSE(contains(wide.out, "main"));

  const Outcome narrow = lessons.gradbook({"show", "1"}, {.width = 139});
  const std::size_t engine = narrow.out.find("\nauto y = x * x;\n");
  const std::size_t twin = narrow.out.find("\nauto y = torch::mul(x, x);\n");
  EXPECT_NE(engine, std::string::npos) << narrow.out;
  EXPECT_LT(engine, twin);
  EXPECT_NE(twin, std::string::npos);

  EXPECT_TRUE(contains(lessons.gradbook({"show", "1", "--all"}).out, "int main() {"));
}

TEST(WorkbookRunner, WrapsCodeThatIsTooLongForItsColumn) {
  const std::string text =
      engine_and_twin("  auto y = f(" + std::string(50, 'a') + ", " + std::string(50, 'b') + ");",
                      "", 140, TerminalRenderer(false));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 140U);
  EXPECT_TRUE(contains(text, std::string(50, 'b'))) << text;
  EXPECT_TRUE(contains(text, "no LibTorch twin")) << text;
}

// The runner's own program and a real Ctrl-C, while the second lesson runs. That one reads from a
// pipe that stays empty: who waits for it waits until ctest's TIMEOUT.
TEST(WorkbookRunner, AnInterruptEndsItWithTheSummarySoFar) {
  const InterruptsArrive guard;
  Lessons lessons;
  lessons.add_page("01", numbered(1, "first", true), 0);
  const std::string started = (lessons.folder() / "started").string();
  const std::string pipe = (lessons.folder() / "pipe").string();
  lessons.add("02", "exec 3<'" + pipe + "'\n: > '" + started + "'\nread line <&3");
  lessons.add_page("03", numbered(3, "third", true), 0);
  std::filesystem::copy_file(std::string(GRADBOOK_BIN_DIR) + "/gradbook",
                             lessons.folder() / "gradbook");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  // Reader and writer, so that nothing has to wait for the other end to be opened.
  const int both_ends = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  const int writer = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC);

  volatile std::sig_atomic_t stop = 0;
  std::thread user([&] { stop_once_there(started, stop); });
  const ProcessResult result =
      run_process({(lessons.folder() / "gradbook").string(), "run"}, {}, &stop);
  user.join();
  ::close(both_ends);
  pollfd readers{writer, 0, 0};
  ::poll(&readers, 1, 0);
  EXPECT_NE(readers.revents & POLLERR, 0) << "lesson 02 runs on";
  ::close(writer);
  EXPECT_EQ(result.exit_code, 130) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "01 first")) << result.out;
  EXPECT_FALSE(contains(result.out, "[2/3]")) << "the lesson that was cut off has no result";
  EXPECT_FALSE(contains(result.out, "third"));
  EXPECT_TRUE(contains(result.out, "1 of 3 lessons passed")) << result.out;
  EXPECT_TRUE(contains(result.out, "then interrupted")) << result.out;
}

}  // namespace
}  // namespace gradbook::workbook
