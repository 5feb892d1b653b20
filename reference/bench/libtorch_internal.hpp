#pragma once

#include "reference/bench/workloads.hpp"
#include "reference/torch.hpp"

namespace gradbook::reference::bench {

/// Elementwise operations, reductions and matmul.
Subject libtorch_operation(const Workload& workload, std::size_t input_sets);
/// Training steps and the chain of relu layers.
Subject libtorch_training(const Workload& workload);
/// Programs of single numbers, and long chains.
Subject libtorch_graph(const Workload& workload);

}  // namespace gradbook::reference::bench
