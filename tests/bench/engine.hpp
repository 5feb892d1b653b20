#pragma once

#include "reference/bench/workloads.hpp"

/// The benchmark: the engine and LibTorch on the same work, measured side by side.
namespace gradbook::bench {

using reference::bench::Group;
using reference::bench::Subject;
using reference::bench::Workload;

/// The engine's side of a row, with so many sets of inputs to rotate.
Subject engine(const Workload& workload, std::size_t input_sets);

// The same by kind of row.
Subject engine_operation(const Workload& workload, std::size_t input_sets);
Subject engine_training(const Workload& workload);
Subject engine_graph(const Workload& workload);

}  // namespace gradbook::bench
