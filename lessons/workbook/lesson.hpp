// The entry point of every lesson binary: options, exit code, and the page it builds.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "lessons/workbook/page.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace gradbook::workbook {

struct Console;

/// The texts of lessons/NN_name/lesson.cpp and reference/twins/NN_name.cpp, embedded in the
/// lesson's binary when it is built.
extern const std::string_view lesson_source;
extern const std::string_view twin_source;

struct LessonInfo {
  int number = 0;
  std::string_view name = {};      // "computational_graph"
  std::string_view title = {};     // "The computational graph"
  std::string_view question = {};  // the one question the lesson answers
  int checks = 0;                  // how many checks the page makes: one missing is a failure
};

/// What a lesson is told about its run.
struct Options {
  std::uint64_t seed = 42;  // 0 to 4294967295, the range of NumPy's legacy generator
  bool can_ask = false;     // page.ask() will prompt: false under --json and --quiet
};

using Build = std::function<void(Page&, const Options&)>;
using Flags = std::function<void(CLI::App&)>;

/// All that run_lesson() needs to know, so that a test can run a lesson that is no binary.
struct Lesson {
  LessonInfo info;
  Build build;
  Flags flags = {};
  std::string_view source = {};
  std::string_view twin = {};
};

/// Runs the lesson on std::cout, std::cerr and std::cin. 0: every check holds and as many were made
/// as declared. 1: not so, or an exception escaped the lesson (one line on stderr). 2: wrong usage
/// (one line on stderr).
int run_lesson(const Lesson& lesson, int argc, const char* const* argv);
/// The same on streams of the caller's choice.
int run_lesson(const Lesson& lesson, int argc, const char* const* argv, Console& console);

/// The main() of a lesson. `flags` adds options of the lesson's own.
inline int run_lesson(int argc, char** argv, const LessonInfo& info, Build build,
                      Flags flags = {}) {
  return run_lesson({info, std::move(build), std::move(flags), lesson_source, twin_source}, argc,
                    argv);
}

}  // namespace gradbook::workbook
