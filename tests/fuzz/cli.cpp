#include "tests/fuzz/cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>

#include "lessons/workbook/options.hpp"
#include "tests/fuzz/campaign.hpp"
#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/merge.hpp"
#include "tests/fuzz/print.hpp"
#include "tests/fuzz/report_text.hpp"
#include "tests/fuzz/result_file.hpp"

namespace gradbook::fuzz {
namespace {

using workbook::Console;
using workbook::TerminalRenderer;

constexpr const char* examples = R"(Examples:
  fuzz                                       20,000 programs
  fuzz --programs 1000000 --shard 3/16 --json 3.json
                                             one of 16 array jobs
  fuzz --merge *.json --json all.json        what they have shown together
  fuzz --seed 1 --only 4711                  one program again, as C++ for both engines

Exit code: 0 when all agree and no condition is broken, 1 when not, 2 on wrong usage, 130 after Ctrl-C.)";

struct Arguments {
  std::string programs = "20000";
  std::string seed = "1";
  std::string shard = {};
  std::string minutes = {};
  std::string json = {};
  std::string only = {};
  std::vector<std::string> merge = {};
  workbook::ColorChoice color = workbook::ColorChoice::automatic;
};

// Decimal digits only, where CLI11 would also take 0x10 and read 010 as 8.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

// One more than the last program must still be a number of programs.
std::optional<std::uint64_t> index_of(std::string_view text) {
  const auto index = whole_number(text);
  return index == std::numeric_limits<std::uint64_t>::max() ? std::nullopt : index;
}

std::optional<Shard> shard_of(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto number = whole_number(text.substr(0, slash));
  const auto of = whole_number(text.substr(slash + 1));
  if (!number || !of || *number < 1 || *number > *of) return std::nullopt;
  return Shard{*number, *of};
}

std::optional<double> minutes_of(const std::string& text) {
  double minutes = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), minutes);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  if (!whole || !std::isfinite(minutes) || minutes <= 0) return std::nullopt;
  return minutes;
}

template <class Parse>
CLI::Validator expected(const Parse& parse, const char* what) {
  return CLI::Validator(
      [=](const std::string& text) {
        return parse(text) ? std::string() : fmt::format("expected {}, not '{}'", what, text);
      },
      "");
}

/// What options exclude each other stands in the message when someone tries: it would take more
/// room than all else.
class Formatter : public CLI::Formatter {
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_size() == 0 ? "" : ' ' + option->get_type_name();
  }
};

void add_options(CLI::App& app, Arguments& arguments) {
  const auto positive = [](const std::string& text) { return whole_number(text).value_or(0) > 0; };
  // CLI11 takes whatever follows --merge for the first file.
  const auto is_no_option = [](const std::string& text) { return !text.starts_with('-'); };
  app.add_option("--programs", arguments.programs, "programs in the whole campaign (20000)")
      ->check(expected(positive, "a whole number from 1"))
      ->type_name("N");
  app.add_option("--seed", arguments.seed, "the campaign: which programs (1)")
      ->check(expected(whole_number, "a whole number"))
      ->type_name("S");
  CLI::Option* shard =
      app.add_option("--shard", arguments.shard, "only every N-th program, from the I-th on")
          ->check(expected(shard_of, "I/N with I from 1 to N"))
          ->type_name("I/N");
  CLI::Option* minutes =
      app.add_option("--minutes", arguments.minutes, "stop after so long, and say where")
          ->check(expected(minutes_of, "a number of minutes above 0"))
          ->type_name("M");
  CLI::Option* json =
      app.add_option("--json", arguments.json, "write the result to FILE too")->type_name("FILE");
  CLI::Option* only =
      app.add_option("--only", arguments.only, "run this program alone, and print it as C++")
          ->check(expected(index_of, "the number of a program, below 2^64 - 1"))
          ->type_name("INDEX");
  CLI::Option* merge = app.add_option("--merge", arguments.merge,
                                      "add up the results of all shards, all of one clean commit")
                           ->expected(1, 1'000'000)
                           ->check(expected(is_no_option, "the files of all shards"))
                           ->type_name("FILE...");
  only->excludes(shard)->excludes(minutes)->excludes(json)->excludes("--programs");
  merge->excludes(only)
      ->excludes(shard)
      ->excludes(minutes)
      ->excludes("--programs")
      ->excludes("--seed");
  workbook::add_color_option(app, arguments.color);
  app.footer(examples);
  app.formatter(std::make_shared<Formatter>());
}

int exit_code(const Report& report, const volatile std::sig_atomic_t* stop) {
  if (stop != nullptr && *stop != 0) return 128 + *stop;
  return failed(report) ? 1 : 0;
}

/// The line that shows how far a campaign is; every finding as it is made.
class Live {
 public:
  explicit Live(Console& console) : console_(console) {}

  void show(const Report& report) {
    if (report.disagreements > shown_ && shown_ < most_shown) {
      clear();
      const Finding& last = report.findings.back();
      console_.out << fmt::format("program {}: {}\n", last.index, last.found);
      shown_ = report.disagreements;
    }
    if (console_.out_is_terminal) console_.out << "\r\x1b[K" << progress_text(report);
    console_.out.flush();
  }
  void clear() {
    if (console_.out_is_terminal) console_.out << "\r\x1b[K";
  }

 private:
  static constexpr std::uint64_t most_shown = 20;  // where all is wrong, that is enough to see it

  Console& console_;
  std::uint64_t shown_ = 0;
};

int campaign(const Arguments& arguments, Console& console, const TerminalRenderer& style,
             const Subject& subject, const volatile std::sig_atomic_t* stop) {
  const Campaign campaign{
      .seed = whole_number(arguments.seed).value(),
      .programs = whole_number(arguments.programs).value(),
      .shard = arguments.shard.empty() ? Shard() : shard_of(arguments.shard).value(),
      .minutes = minutes_of(arguments.minutes)};
  std::optional<ResultFile> file;
  if (!arguments.json.empty()) file.emplace(arguments.json);
  Live live(console);
  const auto progress = [&](const Report& report) {
    live.show(report);
    if (file) file->save_now_and_then(report);
  };
  const Report report = run_campaign(campaign, subject, progress, stop);
  live.clear();
  if (file) file->save(report);
  console.out << report_text(report, style) << std::flush;
  return exit_code(report, stop);
}

int only(const Arguments& arguments, Console& console, const TerminalRenderer& style,
         const Subject& subject, const volatile std::sig_atomic_t* stop) {
  const std::uint64_t seed = whole_number(arguments.seed).value();
  const std::uint64_t index = whole_number(arguments.only).value();
  // The last of so many shards has this one program.
  const Report report =
      run_campaign({.seed = seed, .programs = index + 1, .shard = {index + 1, index + 1}}, subject,
                   nullptr, stop);
  const Origin origin{.seed = seed, .index = index};
  const std::string found = report.findings.empty() ? "" : report.findings.front().found;
  if (const auto program = make_safely(subject, seed, index)) {
    console.out << to_text(*program) << '\n'
                << engine_source(*program, origin, found) << '\n'
                << libtorch_source(*program, origin, found) << '\n';
  }
  if (!found.empty() && report.findings.front().shrunk) {
    const Shrunk& shrunk = *report.findings.front().shrunk;
    console.out << style.strong("Shrunk:")
                << fmt::format(" {}\n\n{}\n{}\n{}\n", shrunk.found, shrunk.text, shrunk.engine,
                               shrunk.libtorch);
  }
  const Counts& counts = report.counts;
  if (found.empty() && report.complete()) {
    const std::string refused =
        counts.refusals.empty()
            ? ""
            : fmt::format(", which both refuse in the end ({})", counts.refusals.begin()->first);
    console.out << style.good(fmt::format("program {}: the engines agree", index))
                << fmt::format(" on {} operations{}\n", counts.median_operations(), refused);
    for (const auto& [name, hits] : counts.intended) {
      if (hits > 0) console.out << fmt::format("intended difference: {}\n", name);
    }
    if (counts.ill_conditioned > 0)
      console.out << "ill-conditioned: not all of its values could be compared, but every step\n";
  } else {
    console.out << style.bad(
                       fmt::format("program {}: {}", index, found.empty() ? "interrupted" : found))
                << '\n';
  }
  return exit_code(report, stop);
}

int merged(const Arguments& arguments, Console& console, const TerminalRenderer& style) {
  std::vector<std::pair<std::string, Report>> reports;
  for (const std::string& name : arguments.merge) reports.emplace_back(name, read_result(name));
  const Report report = merge(reports);
  if (!arguments.json.empty()) ResultFile(arguments.json).save(report);
  console.out << report_text(report, style) << std::flush;
  return exit_code(report, nullptr);
}

}  // namespace

int run_fuzz(int argc, const char* const* argv, Console& console, const Subject& subject,
             const volatile std::sig_atomic_t* stop) {
  CLI::App app("Random programs, run in the engine and in LibTorch: do they agree?", "fuzz");
  Arguments arguments;
  add_options(app, arguments);
  if (const auto code = workbook::parse_or_explain(app, argc, argv, console.out, console.err))
    return *code;
  const TerminalRenderer style(workbook::use_color(arguments.color, console.out_is_terminal,
                                                   console.no_color, console.term));
  try {
    const int code = !arguments.merge.empty()  ? merged(arguments, console, style)
                     : !arguments.only.empty() ? only(arguments, console, style, subject, stop)
                                               : campaign(arguments, console, style, subject, stop);
    return workbook::finish(console, "fuzz", code);
  } catch (const std::invalid_argument& error) {
    console.err << fmt::format("fuzz: {}; try fuzz --help\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    console.err << fmt::format("fuzz: {}\n", error.what());
    return 1;
  }
}

}  // namespace gradbook::fuzz
