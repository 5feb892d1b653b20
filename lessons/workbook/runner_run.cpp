// `gradbook run`: every lesson as a process of its own, a line each, a summary.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>

#include "lessons/workbook/json.hpp"
#include "lessons/workbook/numbers.hpp"
#include "lessons/workbook/process.hpp"
#include "lessons/workbook/result.hpp"
#include "lessons/workbook/runner.hpp"
#include "lessons/workbook/text_layout.hpp"

namespace gradbook::workbook {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \n\r\t");
  if (end == std::string::npos) return {};
  const std::size_t from = text.find_last_of('\n', end);
  return text.substr(from + 1, end - from);
}

// JSON has no NaN: a number that is none is written as its name (README.md).
double number_of(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::string> failed_checks(const Json& page) {
  std::vector<std::string> failures;
  for (const Json& block : page.at("blocks")) {
    if (!block.contains("rows") || block.at("type") == "table") continue;
    for (const Json& row : block.at("rows")) {
      if (row.at("passed") == true) continue;
      const bool claim = row.contains("statement");
      failures.push_back(row.at(claim ? "statement" : "quantity").get<std::string>() + ": " +
                         row.at(claim ? "detail" : "reason").get<std::string>());
    }
  }
  return failures;
}

void read_result(LessonRun& run, const Json& page) {
  run.name = page.at("name");
  run.title = page.at("title");
  const Json& checks = page.at("checks");
  run.declared = checks.at("declared");
  run.made = checks.at("made");
  run.checks_passed = checks.at("passed");
  run.largest_error = number_of(page.at("largest_error"));
  run.failures = failed_checks(page);
  if (!page.at("error").is_null())
    run.problem = "stopped by an error: " + page.at("error").get<std::string>();
  const bool complete = run.made == run.declared && run.checks_passed == run.made;
  run.passed = page.at("passed") == true && complete && run.exit_code == 0;
  if (run.problem.empty() && run.made != run.declared) {
    run.problem = fmt::format("{} checks declared, {} made", run.declared, run.made);
  } else if (run.problem.empty() && page.at("passed") == true && run.exit_code != 0) {
    run.problem = fmt::format("its page says passed, but its exit code is {}", run.exit_code);
  }
}

std::string what_happened(const ProcessResult& process) {
  std::string text = "gave no result";
  if (!process.found) return text + ": it could not be started";
  text += process.signal != 0
              ? fmt::format(": ended by signal {} ({})", process.signal, strsignal(process.signal))
              : fmt::format(": exit code {}", process.exit_code);
  const std::string said = last_line(process.err);
  return said.empty() ? text : text + "; its last line: " + said;
}

std::string checks_text(const LessonRun& run) {
  return fmt::format("{}/{}", run.checks_passed, run.declared);
}

void report_end(const LessonRun& run, const std::string& counter, std::ostream& out,
                const TerminalRenderer& style) {
  out << fmt::format("{} {}  {} {}  {} checks  {}\n", counter, style.verdict(run.passed),
                     two_digits(run.number), padded(run.name, 32), checks_text(run),
                     seconds_text(run.seconds));
  if (!run.problem.empty()) out << "        " << style.bad(run.problem) << '\n';
  for (const std::string& failure : run.failures) out << "        " << style.bad(failure) << '\n';
}

void summary_table(const std::vector<LessonRun>& runs, std::ostream& out,
                   const TerminalRenderer& style) {
  std::vector<std::vector<std::string>> rows;
  for (const LessonRun& run : runs) {
    rows.push_back({two_digits(run.number), run.title, checks_text(run),
                    error_text(run.largest_error), seconds_text(run.seconds),
                    style.verdict(run.passed)});
  }
  out << '\n';
  for (const std::string& line :
       aligned_table({"lesson", "title", "checks", "largest error", "time", "verdict"}, rows)) {
    out << line << '\n';
  }
}

Json summary_json(const std::vector<LessonRun>& runs, bool passed, bool interrupted,
                  double seconds) {
  Json lessons = Json::array();
  for (const LessonRun& run : runs) {
    lessons.push_back(
        {{"lesson", run.number},
         {"name", run.name},
         {"title", run.title},
         {"passed", run.passed},
         {"checks",
          {{"declared", run.declared}, {"made", run.made}, {"passed", run.checks_passed}}},
         {"largest_error", json_number(run.largest_error)},
         {"exit_code", run.exit_code},
         {"problem", run.problem.empty() ? Json() : Json(run.problem)},
         {"failures", run.failures},
         {"seconds", run.seconds}});
  }
  return {{"format", "gradbook.run"},
          {"version", 1},
          {"passed", passed},
          {"interrupted", interrupted},
          {"lessons", std::move(lessons)},
          {"seconds", seconds}};
}

}  // namespace

LessonRun run_binary(int number, const std::filesystem::path& binary,
                     const volatile std::sig_atomic_t* stop) {
  LessonRun run{.number = number};
  const auto start = Clock::now();
  const ProcessResult process = run_process({binary.string(), "--json"}, {}, stop);
  run.seconds = seconds_since(start);
  run.exit_code = process.exit_code;
  run.interrupted = stop != nullptr && *stop != 0;
  const Json page = Json::parse(process.out, nullptr, false);
  try {
    if (page.is_object() && page.value("format", "") == "gradbook.lesson") {
      read_result(run, page);
      return run;
    }
    run.problem = what_happened(process);
  } catch (const Json::exception& error) {
    run.passed = false;
    run.problem = fmt::format("its result is not as documented: {}", error.what());
  }
  run.largest_error = std::numeric_limits<double>::quiet_NaN();
  return run;
}

int run_lessons(const LessonBinaries& lessons, const std::vector<int>& numbers, bool json,
                Console& console, const TerminalRenderer& style,
                const volatile std::sig_atomic_t* stop) {
  const auto start = Clock::now();
  const bool live = console.out_is_terminal && !json;
  const std::size_t digits = std::to_string(numbers.size()).size();
  std::vector<LessonRun> runs;
  bool interrupted = stop != nullptr && *stop != 0;
  for (std::size_t i = 0; i < numbers.size() && !interrupted; ++i) {
    const std::string counter = fmt::format("[{:{}}/{}]", i + 1, digits, numbers.size());
    if (live)
      console.out << fmt::format("{} lesson {} runs …", counter, two_digits(numbers[i]))
                  << std::flush;
    LessonRun run = run_binary(numbers[i], lessons.at(numbers[i]), stop);
    if (live) console.out << "\r\x1b[K";
    interrupted = run.interrupted;
    if (interrupted) break;
    if (!json) report_end(run, counter, console.out, style);
    console.out.flush();
    runs.push_back(std::move(run));
  }

  const auto good =
      std::count_if(runs.begin(), runs.end(), [](const LessonRun& run) { return run.passed; });
  const bool passed = !interrupted && static_cast<std::size_t>(good) == numbers.size();
  const double seconds = seconds_since(start);
  if (json) {
    console.out << summary_json(runs, passed, interrupted, seconds)
                       .dump(-1, ' ', false, Json::error_handler_t::replace)
                << '\n';
  } else {
    if (!runs.empty()) summary_table(runs, console.out, style);
    const std::string line =
        fmt::format("{} of {} lessons passed in {}", good, numbers.size(), seconds_text(seconds));
    console.out << '\n'
                << (passed ? style.good(line)
                           : style.bad(interrupted ? line + ", then interrupted" : line))
                << '\n';
  }
  console.out.flush();
  return interrupted ? 130 : passed ? 0 : 1;
}

}  // namespace gradbook::workbook
