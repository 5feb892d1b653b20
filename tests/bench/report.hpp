#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reference/bench/workloads.hpp"
#include "tests/bench/machine.hpp"
#include "tests/bench/measure.hpp"

namespace gradbook::bench {

/// What was measured of one workload on so many threads.
struct Row {
  reference::bench::Workload workload;
  int threads = 1;
  double engine = 0;      ///< seconds a unit, the median
  double libtorch = 0;    ///< seconds a unit, the median
  double ratio = 0;       ///< engine / LibTorch, the median of the pairs
  Interval interval{};    ///< of the ratio
  std::size_t pairs = 0;  ///< how many were measured
  double limit = 0;       ///< seconds a unit at least; 0: not known
  double share = 1;       ///< of a core that the process got while it measured
};

/// The medians of measured times, and the limit, as a row.
Row make_row(const reference::bench::Workload& workload, int threads, const PairedTimes& times,
             double least_seconds);

/// Peak bytes of tensor data in one run, beyond its inputs and parameters.
struct MemoryRow {
  std::string name;
  std::size_t engine = 0;
  std::size_t libtorch = 0;
  double ratio() const { return static_cast<double>(engine) / static_cast<double>(libtorch); }
};

/// What a node of a chain costs in a process of the engine's own: seconds, one number a round.
struct ChainRow {
  std::string name;
  std::vector<double> cold;  ///< of the first run
  std::vector<double> warm;  ///< of the runs that follow, their median
};

/// Everything that one call of the benchmark measured.
struct Report {
  std::map<std::string, std::string> facts;  ///< machine, libraries, date, commit
  std::map<int, Limits> limits;              ///< by number of threads
  std::vector<Row> rows;
  std::vector<MemoryRow> memory;
  std::vector<ChainRow> chains;
};

/// A value and what it may be at most.
struct Checked {
  std::string what;  ///< "add/row/256/fw", "geometric mean at 16²", "peak bytes of step/mlp"
  double value;      ///< a ratio, or nanoseconds
  double bar;        ///< the largest value allowed
  std::string unit;  ///< "" for a ratio, "ns"
  bool ok() const { return value <= bar; }
};

/// The bar of a row on one thread, if it has one. Its `what` is the row's name.
std::optional<Checked> check(const Row& row);

/// Geometric means, chains and memory against their bars, on one thread. A mean stands here only
/// when all of its rows were measured.
std::vector<Checked> check_summary(const Report& report);

/// Everything that is over its bar, the furthest first.
std::vector<Checked> over(const Report& report);

/// Geometric mean of the ratios of the operations at n, when all of them were measured.
std::optional<double> geometric_mean(const Report& report, std::size_t n, int threads);

}  // namespace gradbook::bench
