// The `gradbook` program: lists, runs and shows the lessons whose binaries stand in one folder.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lessons/workbook/console.hpp"
#include "lessons/workbook/terminal.hpp"

namespace gradbook::workbook {

/// Lesson number to binary: the files of `folder` named lesson_NN.
using LessonBinaries = std::map<int, std::filesystem::path>;
LessonBinaries find_lessons(const std::filesystem::path& folder);

/// What a lesson says about itself.
struct About {
  std::string name = {};
  std::string title = {};
  int checks = 0;

  friend bool operator==(const About&, const About&) = default;
};

/// The same from `binary` without running it: starting a lesson loads LibTorch, half a second each,
/// and a binary holds the text of its own source. Nothing where its LessonInfo is not written out
/// as
/// `.number = 7, .name = "...", .title = "...", ...` with plain literals: then ask it (--about).
std::optional<About> read_about(int number, const std::filesystem::path& binary);
std::optional<About> ask_about(const std::filesystem::path& binary);

/// `gradbook list`: 0, or 1 where a binary does not say what it is.
int list_lessons(const LessonBinaries& lessons, Console& console);

/// What a run of a lesson's binary came to.
struct LessonRun {
  int number = 0;
  std::string name = {};
  std::string title = {};
  bool passed = false;
  int declared = 0;
  int made = 0;
  int checks_passed = 0;
  double largest_error = 0;
  double seconds = 0;        // of the whole process
  int exit_code = -1;        // -1: ended by a signal, or not started
  std::string problem = {};  // why there is no proper result; empty where there is one
  std::vector<std::string> failures = {};  // the checks that failed, in words
  bool interrupted = false;
};

/// Runs `binary --json` and reads its result.
LessonRun run_binary(int number, const std::filesystem::path& binary,
                     const volatile std::sig_atomic_t* stop);

/// A line for each lesson as it ends, then a table of all, or one JSON object instead of both. 0:
/// all passed; 1: not all; 130: *stop became other than 0, and the summary covers what had run by
/// then.
int run_lessons(const LessonBinaries& lessons, const std::vector<int>& numbers, bool json,
                Console& console, const TerminalRenderer& style,
                const volatile std::sig_atomic_t* stop);

/// The width from which on `engine_and_twin` has room for two columns.
constexpr std::size_t side_by_side_from = 140;

/// Engine code and LibTorch twin, each region under its name: side by side where `width` has room,
/// with regions of the same name in the same row; else one above the other.
std::string engine_and_twin(std::string_view engine, std::string_view twin, std::size_t width,
                            const TerminalRenderer& style);

/// `gradbook show`: 0, or 1 where the binary does not give its sources.
int show_lesson(int number, const std::filesystem::path& binary, bool whole_file, Console& console,
                const TerminalRenderer& style);

struct VerifyOptions {
  std::uint64_t seed = 42;
  std::uint64_t samples = 100000;  // for each operation
  bool json = false;
};

/// `gradbook verify`: how exact every operation is, beside LibTorch. A table, or one JSON object.
/// 0: the engine is nowhere worse than allowed; 1: it is; 130: *stop became other than 0.
int verify(const VerifyOptions& options, Console& console, const TerminalRenderer& style,
           const volatile std::sig_atomic_t* stop);

using Verify = std::function<int(const VerifyOptions&, Console&, const TerminalRenderer&,
                                 const volatile std::sig_atomic_t*)>;

/// The whole program. Wrong usage: 2 and one line on console.err. `verify` needs LibTorch, whose
/// loading would cost every other command half a second: without one, that command goes on as the
/// program gradbook_verify in `folder`.
int run_gradbook(int argc, const char* const* argv, const std::filesystem::path& folder,
                 Console& console, const volatile std::sig_atomic_t* stop = nullptr,
                 const Verify& verify = {});

/// The same as a main(): the lessons stand beside the program, and Ctrl-C ends it with what there
/// is so far.
int run_gradbook(int argc, char** argv, const Verify& verify = {});

}  // namespace gradbook::workbook
