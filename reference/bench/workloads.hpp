#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "engine/shape.hpp"
#include "reference/results.hpp"

/// The benchmark's rows as plain data. Each side makes a program of its own out of a row: LibTorch
/// in reference/bench/libtorch*.cpp, the engine in tests/bench/engine*.cpp.
namespace gradbook::reference::bench {

/// Kinds of rows: a row's bar and its physical limit depend on it.
enum class Group {
  operation,  ///< elementwise or reduction, one of those in the geometric means
  matmul,
  xor_step,  ///< a training step: forward, backward, update
  mlp_step,
  relu_chain,  ///< layers of relu, forward and backward
  value_mlp,   ///< built of single numbers: record, backward, release
  value_chain,
  tensor_chain,
};

/// One row.
struct Workload {
  std::string name;     ///< unique: "add/row/256/fwbw"
  Group group;          ///< what it counts as
  std::string subject;  ///< what both sides compute: "add/row"
  /// n: operands are (n, n), or a chain has n nodes.
  std::size_t size = 0;
  bool backward = false;           ///< forward and backward, or forward alone
  std::vector<Shape> inputs = {};  ///< shapes of the operands of an operation
  double low = -2;                 ///< the operands' values are uniform on [low, high)
  double high = 2;
  double units = 1;       ///< times are given per unit: the number of operations or nodes in a run
  std::string unit = {};  ///< "operation" or "node" where they are
  double bytes = 0;       ///< that a run must at least move: each array once in each pass
  double flops = 0;       ///< floating-point operations of its matrix products
};

/// All rows, in the order of the table.
std::vector<Workload> workloads();

/// Bytes of the operands of one run, with the gradient that starts its backward pass.
std::size_t input_bytes(const Workload& workload);

/// One side of a row.
struct Subject {
  std::function<void()> run;  ///< once, on the next set of inputs
  /// Runs once, on the first set of inputs, and returns what it computed: results and gradients.
  /// To be called before run().
  std::function<Results()> results;
};

/// Values that both sides start from, the same on every machine: of operand number `operand` in set
/// number `set`.
std::vector<float> input_values(const Workload& workload, std::size_t set, std::size_t operand);

/// The gradient of `count` elements that starts the backward pass on set number `set`.
std::vector<float> gradient_values(std::size_t set, std::size_t count);

/// `count` values uniform on [low, high).
std::vector<float> uniform(std::size_t count, unsigned seed, double low, double high);

/// A network with one hidden layer, and the data it is trained on.
struct Network {
  Snapshot x;  ///< (B, D)
  Snapshot y;  ///< (B, K)
  /// W1 (D, H), b1 (H), W2 (H, K), b2 (K)
  std::vector<Snapshot> parameters;
  double rate;  ///< of learning
};
Network xor_network();  ///< tanh, batch 4, 2-8-1
Network mlp();          ///< relu, batch 64, 784-256-10

/// The chain of relu layers: each on an (n, n) tensor; a checkpoint spans some of them.
inline constexpr int relu_layers = 20;
inline constexpr int checkpoint_layers = 5;

/// Layers of the network of single numbers; tanh between them. 320 products, 320 sums, 32 tanh.
inline constexpr std::size_t value_mlp_layers[] = {3, 16, 16, 1};
/// Its inputs, and then for each neuron its bias and its weights.
std::vector<float> value_mlp_numbers();

/// The numbers a chain starts from and is multiplied with, again and again: so close to 1 that
/// neither the product nor the gradient of a million factors is lost, and exact in float32.
inline constexpr double chain_start = 1.5;
inline constexpr double chain_factor = 1.0 - 0x1p-20;

/// LibTorch's side of a row, with so many sets of inputs to rotate.
Subject libtorch(const Workload& workload, std::size_t input_sets);

}  // namespace gradbook::reference::bench
