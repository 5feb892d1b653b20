#include "lessons/workbook/runner.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <system_error>

#include "engine/parity.hpp"
#include "lessons/workbook/options.hpp"
#include "lessons/workbook/result.hpp"

namespace gradbook::workbook {
namespace {

std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

constexpr std::string_view commands = "list, run, show, parity or verify";

class WrongUsage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

int lesson_number(const std::string& text, const LessonBinaries& lessons) {
  const std::optional<int> number = whole_number(text);
  if (number && lessons.contains(*number)) return *number;
  const std::string from = two_digits(lessons.begin()->first);
  const std::string to = two_digits(lessons.rbegin()->first);
  const std::string range = from == to ? from : fmt::format("a number from {} to {}", from, to);
  if (text.empty()) throw WrongUsage(fmt::format("expected the number of a lesson: {}", range));
  throw WrongUsage(
      number ? fmt::format("there is no lesson {}: expected {}", text, range)
             : fmt::format("'{}' is not the number of a lesson: expected {}", text, range));
}

// Goes on as the program beside this one that has LibTorch. Comes back only where there is none.
int go_on_with_libtorch(const char* const* argv, const std::filesystem::path& folder,
                        Console& console) {
  const std::string program = folder / "gradbook_verify";
  console.out.flush();
  ::execv(program.c_str(), const_cast<char* const*>(argv));
  console.err << fmt::format(
      "gradbook: no gradbook_verify in {}: build the target `lessons` first\n", folder.string());
  return 1;
}

}  // namespace

LessonBinaries find_lessons(const std::filesystem::path& folder) {
  LessonBinaries lessons;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
    const std::string name = entry.path().filename().string();
    constexpr std::string_view prefix = "lesson_";
    if (!name.starts_with(prefix) || name.size() != prefix.size() + 2) continue;
    const std::optional<int> number = whole_number(std::string_view(name).substr(prefix.size()));
    if (number && ::access(entry.path().c_str(), X_OK) == 0) lessons[*number] = entry.path();
  }
  return lessons;
}

namespace {

// All but seeing to it that the output is written.
int perform(int argc, const char* const* argv, const std::filesystem::path& folder,
            Console& console, const volatile std::sig_atomic_t* stop, const Verify& verify) {
  CLI::App app("Gradbook: automatic differentiation, learned by running it", "gradbook");
  ColorChoice color = ColorChoice::automatic;
  add_color_option(app, color);
  app.fallthrough();

  CLI::App* list = app.add_subcommand("list", "list the lessons");
  CLI::App* run = app.add_subcommand("run", "run lessons, in order; all of them without a number");
  CLI::App* show = app.add_subcommand(
      "show", fmt::format("show a lesson's engine code and its LibTorch twin, side by side in a "
                          "terminal of {} columns or more",
                          side_by_side_from));
  CLI::App* parity = app.add_subcommand(
      "parity",
      "print what operations save and where the engine differs from LibTorch, as Markdown");
  CLI::App* accuracy = app.add_subcommand(
      "verify", "print how exact every operation is, the engine's and LibTorch's");
  std::vector<std::string> wanted;
  bool json = false;
  run->add_option("N", wanted, "numbers of lessons; each runs once, in the order given");
  run->add_flag("--json", json, "the summary as one JSON object, for programs");
  std::string shown;
  bool whole_file = false;
  show->add_option("N", shown, "number of the lesson");
  show->add_flag("--all", whole_file, "the lesson's whole file, not only the code its page shows");
  VerifyOptions how;
  add_number_option(*accuracy, "--seed", how.seed, 0, largest_seed,
                    fmt::format("start of the random numbers ({})", how.seed));
  constexpr std::uint64_t most_samples = 1000000000;
  add_number_option(*accuracy, "--samples", how.samples, 1, most_samples,
                    fmt::format("random inputs for each operation ({})", how.samples));
  accuracy->add_flag("--json", how.json, "the figures as one JSON object, for programs");

  try {
    const std::string_view first = argc > 1 ? argv[1] : "";
    if (argc <= 1) throw WrongUsage(fmt::format("expected a command: {}", commands));
    const auto is_named_first = [&](const CLI::App* command) {
      return command->get_name() == first;
    };
    if (!first.starts_with('-') &&
        std::ranges::none_of(std::array{list, run, show, parity, accuracy}, is_named_first)) {
      throw WrongUsage(fmt::format("unknown command '{}': expected {}", first, commands));
    }
    if (const auto code = parse_or_explain(app, argc, argv, console.out, console.err)) return *code;
    if (app.get_subcommands().size() != 1)
      throw WrongUsage(fmt::format("expected one command: {}", commands));

    if (parity->parsed()) {
      console.out << gradbook::parity::page();
      return 0;
    }
    const TerminalRenderer style(
        use_color(color, console.out_is_terminal, console.no_color, console.term));
    if (accuracy->parsed()) {
      return verify ? verify(how, console, style, stop)
                    : go_on_with_libtorch(argv, folder, console);
    }
    const LessonBinaries lessons = find_lessons(folder);
    if (lessons.empty()) {
      console.err << fmt::format("gradbook: no lesson_NN in {}: build the target `lessons` first\n",
                                 folder.string());
      return 1;
    }
    if (list->parsed()) return list_lessons(lessons, console);
    if (show->parsed()) {
      const int number = lesson_number(shown, lessons);
      return show_lesson(number, lessons.at(number), whole_file, console, style);
    }
    std::vector<int> numbers;
    for (const std::string& text : wanted) {
      const int number = lesson_number(text, lessons);
      if (std::ranges::find(numbers, number) == numbers.end()) numbers.push_back(number);
    }
    if (run->parsed() && wanted.empty()) {
      for (const auto& [number, binary] : lessons) numbers.push_back(number);
    }
    return run_lessons(lessons, numbers, json, console, style, stop);
  } catch (const WrongUsage& error) {
    console.err << fmt::format("gradbook: {}; try gradbook --help\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    console.err << fmt::format("gradbook: {}\n", error.what());
    return 1;
  }
}

}  // namespace

int run_gradbook(int argc, const char* const* argv, const std::filesystem::path& folder,
                 Console& console, const volatile std::sig_atomic_t* stop, const Verify& verify) {
  return finish(console, "gradbook", perform(argc, argv, folder, console, stop, verify));
}

}  // namespace gradbook::workbook
