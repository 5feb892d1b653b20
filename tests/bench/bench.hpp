#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "tests/bench/report.hpp"

namespace gradbook::bench {

/// Sets of inputs that a row takes in turn: enough of them that no cache holds what the next run
/// reads, where one set is large; two otherwise.
std::size_t input_sets(const reference::bench::Workload& workload, std::size_t cache_bytes);

/// Runs a row once on both sides; what is wrong between their results (see disagreement()).
std::string compare_sides(const reference::bench::Workload& workload);

/// Both sides of a row, compared and then measured. Throws std::runtime_error when they do not
/// compute the same.
PairedTimes measure_row(const reference::bench::Workload& workload, Clock clock,
                        const Effort& effort, const volatile std::sig_atomic_t* stop = nullptr);

/// Peak bytes of both sides of a row.
MemoryRow measure_memory(const reference::bench::Workload& workload);

/// Times the engine's side of chains in processes of their own, where LibTorch has not scattered
/// the heap; all of them in each round, since they are compared with each other. To be called
/// before this process has run anything: what is warm here is warm there.
std::vector<ChainRow> measure_chains(const std::vector<reference::bench::Workload>& chains,
                                     const Effort& effort,
                                     const volatile std::sig_atomic_t* stop = nullptr);

/// The program `bench`; returns its exit status. Ends early, with what there is, when *stop becomes
/// other than 0.
int run_bench(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err,
              const volatile std::sig_atomic_t* stop = nullptr);

}  // namespace gradbook::bench
