#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "reference/bench/workloads.hpp"
#include "tests/bench/measure.hpp"

namespace gradbook::bench {

/// Lets the engine, LibTorch and the BLAS that both use have so many threads, and no more.
void set_threads(int threads);

/// Lets malloc keep what is freed, as the engine's pool does: else it would return LibTorch's large
/// tensors to the system after some runs and not after others, to be asked for again in the next.
void keep_freed_memory();

/// What is read as time on so many threads.
Clock clock_for(int threads);

/// Cores that this process may use.
int all_cores();

/// Bytes of the largest cache.
std::size_t last_level_cache();

/// What this machine and these libraries are, in words, by name: "cpu", "libtorch", ...
std::map<std::string, std::string> machine_facts();

/// What the machine can do at most, measured.
struct Limits {
  /// Seconds to read or write one byte when memory is copied in the fastest way that was found, by
  /// n: arrays of (n, n) float32.
  std::map<std::size_t, double> seconds_per_byte;
  double seconds_per_flop = 0;  ///< of a product of two 1024x1024 float32 matrices
};

/// Measures on so many threads.
Limits measure_limits(int threads, const Effort& effort);

/// The time that a run of this row takes at least; 0 where no limit is known.
double least_seconds(const reference::bench::Workload& workload, const Limits& limits);

}  // namespace gradbook::bench
