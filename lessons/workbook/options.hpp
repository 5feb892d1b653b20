// The options every lesson binary takes.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "lessons/workbook/lesson.hpp"
#include "lessons/workbook/terminal.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace gradbook::workbook {

struct CommandLine {
  bool json = false;
  bool quiet = false;
  bool about = false;
  ColorChoice color = ColorChoice::automatic;
  std::string graph_file = {};
  std::string source = {};  // "lesson", "twin" or empty
  std::uint64_t seed = 42;
};

/// Parses `argv`. Where that is the end of it, the exit code: 0 after --help (on `out`), 2 after
/// wrong usage, with one line on `err` that names what was expected and ends with `hint`, or where
/// that is empty with the command that gives help.
std::optional<int> parse_or_explain(CLI::App& app, int argc, const char* const* argv,
                                    std::ostream& out, std::ostream& err,
                                    const std::string& hint = {});

/// Adds `--color auto|always|never`.
void add_color_option(CLI::App& app, ColorChoice& choice);

/// The range of a `--seed`.
constexpr std::uint64_t largest_seed = 4294967295;

/// Adds an option that takes a whole number from `least` to `greatest` in decimal digits, and no
/// other spelling of it.
void add_number_option(CLI::App& app, const std::string& name, std::uint64_t& number,
                       std::uint64_t least, std::uint64_t greatest, const std::string& help);

/// Adds the options of every lesson, bound to `line`.
void add_lesson_options(CLI::App& app, CommandLine& line);

/// What of `line` the lesson may know.
Options lesson_options(const CommandLine& line);

}  // namespace gradbook::workbook
