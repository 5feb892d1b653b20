// Making both sides of a row, comparing them, and measuring them.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "engine/memory.hpp"
#include "reference/memory.hpp"
#include "tests/bench/agreement.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/engine.hpp"

namespace gradbook::bench {

std::size_t input_sets(const Workload& workload, std::size_t cache_bytes) {
  constexpr std::size_t large = std::size_t{4} << 20;
  constexpr std::size_t most = 32;
  const std::size_t bytes = reference::bench::input_bytes(workload);
  if (bytes < large) return 2;
  return std::clamp(2 * cache_bytes / bytes + 1, std::size_t{2}, most);
}

std::string compare_sides(const Workload& workload) {
  return disagreement(engine(workload, 1).results(),
                      reference::bench::libtorch(workload, 1).results());
}

PairedTimes measure_row(const Workload& workload, Clock clock, const Effort& effort,
                        const volatile std::sig_atomic_t* stop) {
  const std::size_t sets = input_sets(workload, last_level_cache());
  const Subject ours = engine(workload, sets);
  const Subject theirs = reference::bench::libtorch(workload, sets);
  const std::string wrong = disagreement(ours.results(), theirs.results());
  if (!wrong.empty()) {
    throw std::runtime_error(
        fmt::format("{}: engine and LibTorch do not compute the same: {}", workload.name, wrong));
  }
  return measure_pairs(ours.run, theirs.run, clock, effort, stop);
}

MemoryRow measure_memory(const Workload& workload) {
  MemoryRow row{.name = workload.name};
  {
    const std::size_t outside = memory::live_bytes();
    const Subject ours = engine(workload, 1);
    const std::size_t kept = memory::live_bytes() - outside;
    ours.run();  // the second step is like all that follow it
    memory::reset_peak();
    ours.run();
    row.engine = memory::peak_bytes() - outside - kept;
  }
  {
    reference::LibTorchMemory counted;
    const Subject theirs = reference::bench::libtorch(workload, 1);
    const std::size_t kept = counted.live_bytes();
    theirs.run();
    counted.reset_peak();
    theirs.run();
    row.libtorch = counted.peak_bytes() - kept;
  }
  return row;
}

namespace {

double seconds_of(const Subject& subject) {
  const double start = processor_seconds();
  subject.run();
  return processor_seconds() - start;
}

/// The first run, and the median of those that follow.
struct Times {
  double cold;
  double warm;
};

/// In the child: the times into the pipe.
[[noreturn]] void time_runs(const Workload& workload, double seconds, int pipe) {
  const Subject subject = engine(workload, 1);
  Times times{seconds_of(subject), 0};
  std::vector<double> later;
  while (later.size() < 3 || (later.size() < 1000 && processor_seconds() < seconds)) {
    later.push_back(seconds_of(subject));
  }
  times.warm = median(later);
  _exit(write(pipe, &times, sizeof times) == sizeof times ? 0 : 1);
}

Times times_in_a_process(const Workload& workload, double seconds) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe for a chain");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no process for a chain");
  if (child == 0) time_runs(workload, seconds, ends[1]);
  close(ends[1]);
  Times times{};
  const bool complete = read(ends[0], &times, sizeof times) == sizeof times;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!complete || status != 0) throw std::runtime_error(workload.name + ": its process failed");
  return times;
}

std::vector<ChainRow> whole_rounds(std::vector<ChainRow> rows, std::size_t rounds) {
  if (rounds == 0) return {};
  for (ChainRow& row : rows) {
    row.cold.resize(rounds);
    row.warm.resize(rounds);
  }
  return rows;
}

}  // namespace

std::vector<ChainRow> measure_chains(const std::vector<Workload>& chains, const Effort& effort,
                                     const volatile std::sig_atomic_t* stop) {
  std::vector<ChainRow> rows;
  for (const Workload& chain : chains) rows.push_back({chain.name, {}, {}});
  for (std::size_t round = 0; round < effort.least_pairs; ++round) {
    for (std::size_t i = 0; i < chains.size(); ++i) {
      if (stop != nullptr && *stop != 0) return whole_rounds(std::move(rows), round);
      const Times times = times_in_a_process(chains[i], effort.row_seconds / 10);
      rows[i].cold.push_back(times.cold / chains[i].units);
      rows[i].warm.push_back(times.warm / chains[i].units);
    }
  }
  return rows;
}

}  // namespace gradbook::bench
