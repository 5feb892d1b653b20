#include "reference/bench/workloads.hpp"

#include <fmt/format.h>

#include <random>

namespace gradbook::reference::bench {

namespace {

/// An elementwise operation or a reduction, and how many arrays of the large operand's size each
/// pass must at least read and write. A gradient that passes unchanged is still written: every leaf
/// gets one of its own.
struct Operation {
  const char* subject;
  const char* second;  ///< operand: "same", "row" (n), "column" (n, 1), or "" for none
  double forward_arrays;
  double backward_arrays;
  double low = -2;
  double high = 2;
};

// Reductions add positive numbers: where all but nothing is left of a sum, both sides may be right
// and differ.
constexpr Operation operations[] = {
    {"add/same", "same", 3, 3},        // a, b, y; g, da, db
    {"add/row", "row", 2, 2},          // a, y; g, da
    {"add/column", "column", 2, 2},    //
    {"mul/same", "same", 3, 5},        // a, b, y; g, a, b, da, db
    {"mul/row", "row", 2, 3},          // a, y; g, a, da
    {"mul/column", "column", 2, 3},    //
    {"tanh", "", 2, 3},                // x, y; g, y, dx
    {"exp", "", 2, 3},                 //
    {"relu", "", 2, 3},                //
    {"sigmoid", "", 2, 3},             //
    {"pow", "", 2, 3, 0.5, 2},         // x, y; g, x, dx
    {"sqrt", "", 2, 3, 0.5, 2},        //
    {"sum/all", "", 1, 1, 0.5, 1.5},   // x; dx
    {"sum/dim0", "", 1, 1, 0.5, 1.5},  //
    {"sum/dim1", "", 1, 1, 0.5, 1.5},  //
    {"mean", "", 1, 1, 0.5, 1.5},      //
};

constexpr std::size_t sizes[] = {16, 256, 2048};
constexpr std::size_t matmul_sizes[] = {16, 32, 64, 128, 256, 512, 1024};
constexpr std::size_t batches = 32;
constexpr std::size_t batched_size = 64;
constexpr std::size_t chain_lengths[] = {1000, 10000, 100000, 1000000};

double array_bytes(std::size_t n) { return static_cast<double>(n * n * sizeof(float)); }

const char* pass(bool backward) { return backward ? "fwbw" : "fw"; }

Workload operation(const Operation& op, std::size_t n, bool backward) {
  Workload row{.name = fmt::format("{}/{}/{}", op.subject, n, pass(backward)),
               .group = Group::operation,
               .subject = op.subject,
               .size = n,
               .backward = backward,
               .inputs = {Shape{n, n}},
               .low = op.low,
               .high = op.high};
  const std::string second = op.second;
  if (second == "same") row.inputs.push_back(Shape{n, n});
  if (second == "row") row.inputs.push_back(Shape{n});
  if (second == "column") row.inputs.push_back(Shape{n, 1});
  row.bytes = array_bytes(n) * (op.forward_arrays + (backward ? op.backward_arrays : 0));
  return row;
}

/// A product of (n, n) matrices, or of `batch` pairs of them; going back takes two more.
Workload matmul(std::size_t n, std::size_t batch, bool backward) {
  const bool batched = batch > 1;
  const Shape shape = batched ? Shape{batch, n, n} : Shape{n, n};
  const std::string which = batched ? fmt::format("{}x{}", batch, n) : fmt::format("{}", n);
  const double one = 2.0 * static_cast<double>(batch * n * n * n);
  return {.name = fmt::format("matmul/{}/{}", which, pass(backward)),
          .group = Group::matmul,
          .subject = "matmul",
          .size = batched ? 0 : n,  // "matmul 256 and up" speaks of single ones
          .backward = backward,
          .inputs = {shape, shape},
          .low = -1,
          .high = 1,
          .flops = backward ? 3 * one : one};
}

/// Forward, two products a layer back, but none for the gradient of the inputs.
double mlp_flops() {
  const Network net = mlp();
  const double batch = static_cast<double>(net.x.shape[0]);
  const auto weights = [&](std::size_t i) {
    return static_cast<double>(numel(net.parameters[i].shape));
  };
  return 2 * batch * (2 * weights(0) + 3 * weights(2));
}

Workload relu_chain(bool checkpoint) {
  constexpr std::size_t n = 256;
  // A layer reads and writes; back, it reads g and y and writes dx. Then the sum: it reads, and its
  // gradient is written. A checkpoint runs its layers again.
  const double arrays = relu_layers * (checkpoint ? 7.0 : 5.0) + 2;
  return {.name = checkpoint ? "relu20/checkpoint" : "relu20/plain",
          .group = Group::relu_chain,
          .subject = checkpoint ? "relu chain, checkpoint" : "relu chain",
          .size = n,
          .backward = true,
          .bytes = arrays * array_bytes(n)};
}

/// What a row's seed is made of, so that no two operands are alike.
unsigned seed(std::size_t set, std::size_t operand) {
  return static_cast<unsigned>(1000 * set + operand + 1);
}

Snapshot random_tensor(const Shape& shape, unsigned the_seed, double low, double high) {
  const std::vector<float> values = uniform(numel(shape), the_seed, low, high);
  return {shape, {values.begin(), values.end()}};
}

}  // namespace

std::vector<Workload> workloads() {
  std::vector<Workload> rows;
  for (const std::size_t n : sizes) {
    for (const Operation& op : operations) {
      for (const bool backward : {false, true}) rows.push_back(operation(op, n, backward));
    }
  }
  for (const std::size_t n : matmul_sizes) {
    for (const bool backward : {false, true}) rows.push_back(matmul(n, 1, backward));
  }
  for (const bool backward : {false, true}) {
    rows.push_back(matmul(batched_size, batches, backward));
  }
  rows.push_back(
      {.name = "step/xor", .group = Group::xor_step, .subject = "xor step", .backward = true});
  rows.push_back({.name = "step/mlp",
                  .group = Group::mlp_step,
                  .subject = "mlp step",
                  .backward = true,
                  .flops = mlp_flops()});
  for (const bool checkpoint : {false, true}) rows.push_back(relu_chain(checkpoint));
  rows.push_back({.name = "value/mlp",
                  .group = Group::value_mlp,
                  .subject = "value mlp",
                  .backward = true,
                  .units = 672,
                  .unit = "operation"});
  for (const Group group : {Group::value_chain, Group::tensor_chain}) {
    const std::string subject = group == Group::value_chain ? "value chain" : "tensor chain";
    for (const std::size_t length : chain_lengths) {
      rows.push_back(
          {.name = fmt::format("{}/chain/{}", subject.substr(0, subject.find(' ')), length),
           .group = group,
           .subject = subject,
           .size = length,
           .backward = true,
           .units = static_cast<double>(length),
           .unit = "node"});
    }
  }
  return rows;
}

std::size_t input_bytes(const Workload& workload) {
  std::size_t elements = 0;
  for (const Shape& shape : workload.inputs) elements += numel(shape);
  const bool large_result = workload.subject.find("sum") == std::string::npos &&
                            workload.subject.find("mean") == std::string::npos;
  if (workload.backward && large_result && !workload.inputs.empty()) {
    elements += numel(workload.inputs[0]);
  }
  return elements * sizeof(float);
}

std::vector<float> uniform(std::size_t count, unsigned seed, double low, double high) {
  // Not std::uniform_real_distribution, which differs from one standard library to the next.
  std::minstd_rand generator(seed);
  const double scale = (high - low) / static_cast<double>(std::minstd_rand::max());
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(low + scale * static_cast<double>(generator()));
  }
  return values;
}

std::vector<float> input_values(const Workload& workload, std::size_t set, std::size_t operand) {
  return uniform(numel(workload.inputs[operand]), seed(set, operand), workload.low, workload.high);
}

std::vector<float> gradient_values(std::size_t set, std::size_t count) {
  return uniform(count, seed(set, 99), 0.5, 1.5);
}

Network xor_network() {
  return {.x = {Shape{4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}},
          .y = {Shape{4, 1}, {0, 1, 1, 0}},
          .parameters = {random_tensor(Shape{2, 8}, 1, -1, 1), random_tensor(Shape{8}, 2, -1, 1),
                         random_tensor(Shape{8, 1}, 3, -1, 1), random_tensor(Shape{1}, 4, -1, 1)},
          .rate = 0.1};
}

Network mlp() {
  constexpr std::size_t batch = 64;
  constexpr std::size_t inputs = 784;
  constexpr std::size_t hidden = 256;
  constexpr std::size_t classes = 10;
  Snapshot y{Shape{batch, classes}, std::vector<double>(batch * classes, 0)};
  for (std::size_t i = 0; i < batch; ++i) y.values[i * classes + i % classes] = 1;
  return {.x = random_tensor(Shape{batch, inputs}, 1, 0, 1),
          .y = y,
          .parameters = {random_tensor(Shape{inputs, hidden}, 2, -0.05, 0.05),
                         random_tensor(Shape{hidden}, 3, -0.05, 0.05),
                         random_tensor(Shape{hidden, classes}, 4, -0.1, 0.1),
                         random_tensor(Shape{classes}, 5, -0.1, 0.1)},
          .rate = 0.01};
}

std::vector<float> value_mlp_numbers() {
  std::size_t count = value_mlp_layers[0];
  for (std::size_t i = 1; i < std::size(value_mlp_layers); ++i) {
    count += value_mlp_layers[i] * (value_mlp_layers[i - 1] + 1);
  }
  return uniform(count, 1, -1, 1);
}

}  // namespace gradbook::reference::bench
