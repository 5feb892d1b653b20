#include "tests/bench/bench.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>

#include "lessons/workbook/console.hpp"
#include "tests/bench/json.hpp"
#include "tests/bench/options.hpp"

namespace gradbook::bench {

namespace {

using reference::bench::Group;
using reference::bench::Workload;

std::vector<Workload> chosen(const std::regex& filter) {
  std::vector<Workload> rows = reference::bench::workloads();
  std::erase_if(rows, [&](const Workload& row) { return !std::regex_search(row.name, filter); });
  return rows;
}

bool is_chain(const Workload& workload) {
  return workload.group == Group::value_chain || workload.group == Group::tensor_chain;
}

bool counts_memory(const Workload& workload) {
  return workload.group == Group::xor_step || workload.group == Group::mlp_step ||
         workload.group == Group::relu_chain;
}

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

/// One line on a terminal that says how far the run is; nothing elsewhere.
class Progress {
 public:
  Progress(std::ostream& err, std::size_t total)
      : err_(err), total_(total), shown_(&err == &std::cerr && isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_) err_ << "\r\033[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(const std::string& what) {
    ++done_;
    if (shown_) err_ << fmt::format("\r\033[K[{}/{}] {}", done_, total_, what) << std::flush;
  }

 private:
  std::ostream& err_;
  std::size_t total_;
  std::size_t done_ = 0;
  bool shown_;
};

bool stopped(const volatile std::sig_atomic_t* stop) { return stop != nullptr && *stop != 0; }

/// Everything that the options ask for.
Report measure(const Options& options, const std::vector<Workload>& rows, std::ostream& err,
               const volatile std::sig_atomic_t* stop) {
  const Effort effort = options.quick ? quick_effort : Effort{};
  Report report;
  keep_freed_memory();
  std::vector<Workload> chains;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(chains), is_chain);
  report.chains = measure_chains(chains, effort, stop);  // first of all: nothing is warm yet
  report.facts = machine_facts();
  report.facts["date"] = now();
  if (!options.commit.empty()) report.facts["commit"] = options.commit;
  Progress progress(err, rows.size() * options.threads.size());
  for (const int threads : options.threads) {
    set_threads(threads);
    report.limits[threads] = measure_limits(threads, effort);
    for (const Workload& workload : rows) {
      if (stopped(stop)) return report;
      progress.show(workload.name);
      const PairedTimes times = measure_row(workload, clock_for(threads), effort, stop);
      if (times.first.empty()) return report;
      report.rows.push_back(
          make_row(workload, threads, times, least_seconds(workload, report.limits.at(threads))));
    }
  }
  set_threads(1);
  for (const Workload& workload : rows) {
    if (counts_memory(workload)) report.memory.push_back(measure_memory(workload));
  }
  return report;
}

/// False where not all of it can be written.
bool write_json(const Report& report, const std::string& name) {
  std::ofstream file(name);
  file << to_json(report).dump(2) << "\n";
  file.close();
  return !file.fail();
}

int run_with(const Options& options, std::ostream& out, std::ostream& err,
             const volatile std::sig_atomic_t* stop) {
  const std::vector<Workload> rows = chosen(options.filter);
  if (rows.empty()) {
    err << "bench: --filter matches no row; bench --list names them\n";
    return 2;
  }
  if (options.list) {
    for (const Workload& workload : rows) out << workload.name << "\n";
    return 0;
  }
  nlohmann::json earlier;
  if (!options.compare.empty()) {
    try {
      earlier = read_report(options.compare);
    } catch (const std::runtime_error& error) {
      err << "bench: --compare: " << error.what() << "\n";
      return 2;
    }
  }
  // Opened before minutes of measuring, but nothing old is lost until there is something new.
  if (!options.json.empty() && !std::ofstream(options.json, std::ios::app)) {
    err << fmt::format("bench: --json: cannot write '{}'\n", options.json);
    return 2;
  }

  const Report report = measure(options, rows, err, stop);
  const Style style = options.markdown ? Style::markdown : Style::text;
  out << page(report, style);
  if (!options.compare.empty()) out << "\n" << render(comparison(report, earlier), style);
  if (!options.json.empty() && !write_json(report, options.json)) {
    err << fmt::format("bench: --json: cannot write all of '{}'\n", options.json);
    return 1;
  }
  if (stopped(stop)) {
    err << fmt::format("bench: stopped after {} of {} rows\n", report.rows.size(),
                       rows.size() * options.threads.size());
    return 130;
  }
  return options.check && !over(report).empty() ? 1 : 0;
}

}  // namespace

int run_bench(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err,
              const volatile std::sig_atomic_t* stop) {
  int status = 0;
  const auto options = parse(arguments, out, err, status);
  if (!options) return status;
  try {
    workbook::Console console{.in = std::cin, .out = out, .err = err};
    return workbook::finish(console, "bench", run_with(*options, out, err, stop));
  } catch (const std::exception& error) {
    err << "bench: " << error.what() << "\n";
    return 3;
  }
}

}  // namespace gradbook::bench
