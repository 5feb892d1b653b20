#include "tests/bench/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "tests/bench/machine.hpp"

namespace gradbook::bench {

namespace {

constexpr int most_threads = 1024;

/// "all" or a number; 0 for anything else.
int threads_of(const std::string& word) {
  if (word == "all") return all_cores();
  int threads = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, threads);
  return error == std::errc() && stop == end && threads <= most_threads ? std::max(threads, 0) : 0;
}

std::string check_threads(const std::string& word) {
  if (threads_of(word) > 0) return {};
  return fmt::format("expected all or a number from 1 to {}, not '{}'", most_threads, word);
}

std::string check_regex(const std::string& text) {
  try {
    const std::regex compiled(text);
    return {};
  } catch (const std::regex_error&) {
    return fmt::format("expected a regular expression, not '{}'", text);
  }
}

}  // namespace

std::optional<Options> parse(const std::vector<std::string>& arguments, std::ostream& out,
                             std::ostream& err, int& status) {
  Options options;
  std::string filter = ".";
  std::vector<std::string> threads = {"1"};
  CLI::App app("The engine and LibTorch on the same work, measured side by side.", "bench");
  app.add_option("--filter", filter, "only rows whose name matches the regular expression")
      ->check(check_regex)
      ->type_name("REGEX");
  app.add_flag("--list", options.list, "print the names of the rows, and end");
  app.add_flag("--quick", options.quick, "few repetitions, for a first look");
  app.add_option("--threads", threads,
                 "number of threads on both sides, or all; 1,all for both (1)")
      ->delimiter(',')
      ->check(check_threads)
      ->type_name("N");
  app.add_option("--json", options.json, "write everything to FILE")->type_name("FILE");
  app.add_option("--compare", options.compare, "set the ratios beside those in FILE, from --json")
      ->type_name("FILE");
  app.add_flag("--markdown", options.markdown, "print the tables as Markdown");
  app.add_flag("--check", options.check, "exit with 1 if something is over its bar");
  app.add_option("--commit", options.commit, "name of what is measured, for the report")
      ->type_name("TEXT");
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants them
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    status = 0;
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    err << fmt::format("bench: {}; try bench --help\n", message);
    status = 2;
    return std::nullopt;
  }
  options.filter = std::regex(filter);
  for (const std::string& word : threads) {
    const int number = threads_of(word);
    const bool known = std::count(options.threads.begin(), options.threads.end(), number) > 0;
    if (!known) options.threads.push_back(number);
  }
  if (options.check && std::count(options.threads.begin(), options.threads.end(), 1) == 0) {
    err << "bench: --check: the bars are for one thread; add it, as in --threads 1,all\n";
    status = 2;
    return std::nullopt;
  }
  return options;
}

}  // namespace gradbook::bench
