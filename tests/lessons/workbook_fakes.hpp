// Lessons that are no binaries, and consoles that are no terminals.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lessons/workbook/console.hpp"
#include "lessons/workbook/lesson.hpp"
#include "reference/results.hpp"

namespace gradbook::workbook {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

struct Setting {
  std::string input = {};
  bool terminal = false;
  const char* no_color = nullptr;
  int width = 80;
};

/// Calls `program(argc, argv, console)` with `arguments` after the program's name.
template <class Program>
Outcome call(const Program& program, const std::vector<std::string>& arguments,
             const Setting& setting = {}) {
  std::vector<const char*> argv = {"program"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::istringstream in(setting.input);
  std::ostringstream out;
  std::ostringstream err;
  Console console{.in = in,
                  .out = out,
                  .err = err,
                  .in_is_terminal = setting.terminal,
                  .out_is_terminal = setting.terminal,
                  .no_color = setting.no_color,
                  .term = "xterm",
                  .width = setting.width};
  const int code = program(static_cast<int>(argv.size()), argv.data(), console);
  return {code, out.str(), err.str()};
}

inline Outcome run(const Lesson& lesson, const std::vector<std::string>& arguments = {},
                   const Setting& setting = {}) {
  return call([&](int argc, const char* const* argv,
                  Console& console) { return run_lesson(lesson, argc, argv, console); },
              arguments, setting);
}

/// A lesson that declares `checks` checks.
inline Lesson fake_lesson(int checks, Build build, std::string_view source = {}) {
  return {.info = {.number = 7,
                   .name = "fake",
                   .title = "A fake lesson",
                   .question = "Does it pass?",
                   .checks = checks},
          .build = std::move(build),
          .source = source,
          .twin = "the twin\n"};
}

/// A twin's results, the same in both precisions.
inline reference::TwinRun twin_of(
    std::initializer_list<std::pair<const std::string, Snapshot>> results) {
  return {results, results};
}

inline std::size_t count_lines(const std::string& text) {
  std::size_t lines = 0;
  for (const char c : text) lines += c == '\n' ? 1 : 0;
  return lines;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A folder of its own for one test, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device random;
    do {
      path_ =
          std::filesystem::temp_directory_path() / ("gradbook-test-" + std::to_string(random()));
    } while (!std::filesystem::create_directory(path_));
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

inline std::string read_text(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// A shell starts background jobs with SIGINT ignored, and so would everything that a test starts.
class InterruptsArrive {
 public:
  InterruptsArrive() : before_(std::signal(SIGINT, SIG_DFL)) {}
  InterruptsArrive(const InterruptsArrive&) = delete;
  InterruptsArrive& operator=(const InterruptsArrive&) = delete;
  ~InterruptsArrive() { std::signal(SIGINT, before_); }

 private:
  void (*before_)(int);
};

/// Plays the user who presses Ctrl-C when he sees that a program runs.
inline void stop_once_there(const std::string& file, volatile std::sig_atomic_t& stop) {
  for (int i = 0; i < 3000 && !std::filesystem::exists(file); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  stop = 1;
}

}  // namespace gradbook::workbook
