#include "tests/bench/measure.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <thread>

namespace gradbook::bench {

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds per run, by both clocks.
struct Seconds {
  double processor;
  double wall;
  double by(Clock clock) const { return clock == Clock::processor ? processor : wall; }
};

/// Keeps the times, prints nothing.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const auto count = static_cast<double>(run.iterations);
      seconds_.push_back({run.cpu_accumulated_time / count, run.real_accumulated_time / count});
    }
  }
  const std::vector<Seconds>& seconds() const { return seconds_; }

 private:
  std::vector<Seconds> seconds_;
};

// Google Benchmark runs what is registered in that order, so the order of registering is the order
// of measuring. Its own interleaving is not used: it shuffles all repetitions of all programs, and
// leaves no pairs that were measured right after one another.
benchmark::internal::Benchmark* add(const std::function<void()>& run) {
  return benchmark::RegisterBenchmark("run",
                                      [&run](benchmark::State& state) {
                                        for ([[maybe_unused]] auto _ : state) run();
                                      })
      ->MeasureProcessCPUTime()
      ->UseRealTime();
}

/// Runs what was added since the last call: seconds per run of each.
std::vector<Seconds> measure_added() {
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector, "all");
  benchmark::ClearRegisteredBenchmarks();
  return collector.seconds();
}

/// Seconds per run, over at least `block_seconds`.
Seconds warm_up(const std::function<void()>& run, double block_seconds) {
  add(run)->MinTime(block_seconds);
  return measure_added().front();
}

benchmark::IterationCount runs_in_block(double run, double block_seconds) {
  return std::max<benchmark::IterationCount>(1, std::llround(block_seconds / run));
}

/// Pairs of times, with how busy the machine was.
class Pairs {
 public:
  explicit Pairs(Clock clock) : clock_(clock) {}
  void add(const Seconds& first, const Seconds& second) {
    times_.first.push_back(first.by(clock_));
    times_.second.push_back(second.by(clock_));
    processor_ += first.processor + second.processor;
    wall_ += first.wall + second.wall;
    times_.share = processor_ / wall_;
  }
  const PairedTimes& times() const { return times_; }
  std::size_t size() const { return times_.first.size(); }

 private:
  Clock clock_;
  PairedTimes times_;
  double processor_ = 0;
  double wall_ = 0;
};

/// Threads that a loop has left stay awake for a while, in case there is another: those of GCC's
/// OpenMP for some milliseconds, of OpenBLAS for a tenth of a second. They would take turns with
/// what comes next.
void wait_for_threads_to_sleep() {
  constexpr int most_steps = 200;
  constexpr double hardly_any = 1e-4;
  for (int i = 0; i < most_steps; ++i) {
    const double before = processor_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (processor_seconds() - before < hardly_any) return;
  }
}

bool known_to_a_percent(const PairedTimes& times) {
  const std::vector<double> all = ratios(times);
  const auto [low, high] = confidence(all);
  return high - low < 0.02 * median(all);
}

}  // namespace

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

PairedTimes measure_pairs(const std::function<void()>& first, const std::function<void()>& second,
                          Clock clock, const Effort& effort, const volatile int* stop) {
  const auto start = std::chrono::steady_clock::now();
  const Seconds first_run = warm_up(first, effort.block_seconds);
  const Seconds second_run = warm_up(second, effort.block_seconds);
  const bool slow = first_run.processor + second_run.processor > effort.row_seconds;
  Pairs pairs(clock);
  if (slow) pairs.add(first_run, second_run);
  const std::size_t least = slow ? effort.slow_pairs : effort.least_pairs;
  const auto enough = [&] {
    if (pairs.size() < least) return false;
    return pairs.size() >= effort.most_pairs || seconds_since(start) > effort.row_seconds ||
           known_to_a_percent(pairs.times());
  };
  const auto block = [&](const std::function<void()>& run, const Seconds& of_one_run) {
    if (clock == Clock::wall) {
      wait_for_threads_to_sleep();
      run();  // which wakes its own
    }
    add(run)->Iterations(runs_in_block(of_one_run.by(clock), effort.block_seconds));
    return measure_added().front();
  };
  while (!enough() && (stop == nullptr || *stop == 0)) {
    const Seconds of_first = block(first, first_run);
    pairs.add(of_first, block(second, second_run));
  }
  return pairs.times();
}

double measure_shortest(const std::function<void()>& run, Clock clock, const Effort& effort) {
  constexpr int blocks = 15;
  for (int i = 0; i < blocks; ++i) add(run)->MinTime(effort.block_seconds);
  double shortest = std::numeric_limits<double>::infinity();
  for (const Seconds& seconds : measure_added()) shortest = std::min(shortest, seconds.by(clock));
  return shortest;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Interval confidence(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  // How many values lie below the median is binomial. The interval between the k-th from either end
  // misses it with probability 2 P(fewer than k below), which is to stay under 5 %.
  const std::size_t n = values.size();
  double term = std::pow(0.5, static_cast<double>(n));  // P(exactly j below), j = 0
  double below = term;
  std::size_t k = 0;  // the k-th from either end, counted from 0
  for (std::size_t j = 1; 2 * j + 2 <= n; ++j) {
    term *= static_cast<double>(n - j + 1) / static_cast<double>(j);
    below += term;
    if (2 * below > 0.05) break;
    k = j;
  }
  return {values[k], values[n - 1 - k]};
}

std::vector<double> ratios(const PairedTimes& times) {
  std::vector<double> all;
  for (std::size_t i = 0; i < times.first.size(); ++i) {
    all.push_back(times.first[i] / times.second[i]);
  }
  return all;
}

}  // namespace gradbook::bench
