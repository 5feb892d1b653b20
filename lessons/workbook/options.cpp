#include "lessons/workbook/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <ostream>

#include "lessons/workbook/graph_file.hpp"

namespace gradbook::workbook {
namespace {

// Decimal digits only: CLI11's own conversion would also take 0x10, and read 010 as 8.
std::optional<std::uint64_t> whole_number(const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::string check_graph_file(const std::string& text) {
  if (is_graph_file(text)) return {};
  return fmt::format("expected a file ending in .dot or .svg, not '{}'", text);
}

}  // namespace

std::optional<int> parse_or_explain(CLI::App& app, int argc, const char* const* argv,
                                    std::ostream& out, std::ostream& err) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return 0;
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    err << fmt::format("{}: {}; try {} --help\n", app.get_name(), message, app.get_name());
    return 2;
  }
  return std::nullopt;
}

void add_color_option(CLI::App& app, ColorChoice& choice) {
  app.add_option_function<std::string>(
         "--color",
         [&choice](const std::string& word) {
           choice = word == "always"  ? ColorChoice::always
                    : word == "never" ? ColorChoice::never
                                      : ColorChoice::automatic;
         },
         "auto (on a terminal, unless NO_COLOR is set), always or never")
      ->check([](const std::string& word) {
        const bool known = word == "auto" || word == "always" || word == "never";
        return known ? std::string()
                     : fmt::format("expected auto, always or never, not '{}'", word);
      })
      ->type_name("WHEN");
}

void add_number_option(CLI::App& app, const std::string& name, std::uint64_t& number,
                       std::uint64_t least, std::uint64_t greatest, const std::string& help) {
  app.add_option_function<std::string>(
         name, [&number](const std::string& text) { number = whole_number(text).value(); }, help)
      ->check([=](const std::string& text) {
        const std::optional<std::uint64_t> given = whole_number(text);
        if (given && *given >= least && *given <= greatest) return std::string();
        return fmt::format("expected a whole number from {} to {}, not '{}'", least, greatest,
                           text);
      })
      ->type_name("N");
}

void add_lesson_options(CLI::App& app, CommandLine& line) {
  CLI::Option* json =
      app.add_flag("--json", line.json, "the page as one JSON object, for programs");
  CLI::Option* quiet = app.add_flag("--quiet", line.quiet, "only the verdict line");
  json->excludes(quiet);
  add_number_option(app, "--seed", line.seed, 0, largest_seed, "start of the random numbers (42)");
  add_color_option(app, line.color);
  app.add_option("--graph", line.graph_file, "write the page's last graph to FILE (.dot or .svg)")
      ->check(check_graph_file)
      ->type_name("FILE");
  app.add_option("--source", line.source,
                 "print the source of the lesson or of its LibTorch twin, and end")
      ->check([](const std::string& word) {
        const bool known = word == "lesson" || word == "twin";
        return known ? std::string() : fmt::format("expected lesson or twin, not '{}'", word);
      })
      ->type_name("WHICH");
  app.add_flag("--about", line.about, "print number, name, title and question as JSON, and end");
}

Options lesson_options(const CommandLine& line) {
  return {.seed = line.seed, .can_ask = !line.json && !line.quiet};
}

}  // namespace gradbook::workbook
