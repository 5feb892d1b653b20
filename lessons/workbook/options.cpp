#include "lessons/workbook/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <ostream>
#include <string>
#include <vector>

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

// The command that was given, `show` of `gradbook show`; `app` itself where there is none.
const CLI::App& command_of(const CLI::App& app) {
  const std::vector<CLI::App*> given = app.get_subcommands();
  return given.empty() ? app : *given.front();
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  const CLI::App& command = command_of(app);
  std::vector<const CLI::Option*> options = command.get_options();
  if (&command == &app) return options;
  for (const CLI::Option* option : app.get_options()) {
    if (option != app.get_help_ptr()) options.push_back(option);  // the command has its own
  }
  return options;
}

std::string name_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name() : "--" + option.get_lnames().front();
}

// "one N, --all, --help or --color WHEN"
std::string what_it_takes(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* command : command_of(app).get_subcommands(nullptr)) {
    words.push_back(command->get_name());
  }
  for (const CLI::Option* option : options_of(app)) {
    const bool has_value = option->get_items_expected_max() > 0;
    if (option->get_positional()) {
      words.push_back((option->get_expected_max() == 1 ? "one " : "any number of ") +
                      option->get_name(true));
    } else {
      words.push_back(name_of(*option) + (has_value ? ' ' + option->get_type_name() : ""));
    }
  }
  std::string text = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) {
    text += (i + 1 < words.size() ? ", " : " or ") + words[i];
  }
  return text;
}

// The first argument that no option took.
std::string left_over(const CLI::App& app, int argc, const char* const* argv) {
  const std::vector<std::string> rest = app.remaining(true);
  for (int i = 1; i < argc; ++i) {
    if (std::find(rest.begin(), rest.end(), argv[i]) != rest.end()) return argv[i];
  }
  return rest.empty() ? "" : rest.front();
}

// What the option's own check says that it expects; where it has none, what its value is called.
std::string expected_by(CLI::Option& option) {
  std::string text;
  try {
    std::string nothing;
    text = (*option.get_validator(0))(nothing);
  } catch (const CLI::OptionNotFound&) {
    text.clear();
  }
  const std::size_t quoted = text.rfind(", not '");
  return text.empty() ? "expected " + option.get_type_name() : text.substr(0, quoted);
}

// CLI11's own texts say what is wrong with the words, not which words are right.
std::string explained(CLI::App& app, const CLI::ParseError& error, int argc,
                      const char* const* argv) {
  std::string said = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    return fmt::format("unexpected '{}': expected {}", left_over(app, argc, argv),
                       what_it_takes(app));
  }
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    const std::string between = " excludes ";
    const std::size_t at = said.find(between);
    return fmt::format("expected {} or {}, not both", said.substr(0, at),
                       said.substr(at + between.size()));
  }
  for (const CLI::Option* known : options_of(app)) {
    const std::string name = name_of(*known);
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr &&
        said.find(name + " = ") != std::string::npos) {
      return fmt::format("{}: expected alone, without a value", name);
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr ||
        !said.starts_with(name + ": ")) {
      continue;
    }
    CLI::Option* option = app.get_option_no_throw(name);
    for (CLI::App* command : app.get_subcommands({})) {
      if (option == nullptr) option = command->get_option_no_throw(name);
    }
    if (said.ends_with(" missing") && option != nullptr)
      return fmt::format("{}: {} after it", name, expected_by(*option));
    return fmt::format("{}: expected once, not {} times", name, known->count());
  }
  return said;
}

}  // namespace

std::optional<int> parse_or_explain(CLI::App& app, int argc, const char* const* argv,
                                    std::ostream& out, std::ostream& err, const std::string& hint) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return 0;
  } catch (const CLI::ParseError& error) {
    std::string message = explained(app, error, argc, argv);
    std::replace(message.begin(), message.end(), '\n', ' ');
    const CLI::App& command = command_of(app);
    const std::string name = app.get_name() + (&command == &app ? "" : ' ' + command.get_name());
    err << fmt::format("{}: {}; {}\n", name, message,
                       hint.empty() ? "try " + name + " --help" : hint);
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
  add_number_option(app, "--seed", line.seed, 0, largest_seed,
                    "start of the random numbers that no published figure fixes, in a "
                    "lesson that draws any (42)");
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
