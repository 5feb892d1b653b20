#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/checkpoint.hpp"
#include "engine/memory.hpp"
#include "engine/parity.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "reference/replay.hpp"
#include "reference/saved.hpp"
#include "reference/twins/16_memory_and_checkpointing.hpp"
#include "reference/version.hpp"

using namespace gradbook;

namespace {

constexpr std::size_t one_activation = 64 * 64 * sizeof(float);

/// Bytes as a number of (64, 64) activations.
double activations(std::size_t bytes) {
  return static_cast<double>(bytes) / static_cast<double>(one_activation);
}

std::string whole(double number) { return workbook::number(number, 0); }

void each_operation(workbook::Page& page) {
  page.heading("What each operation keeps");
  page.prose(
      "Inputs of shape (64, 64) in float32: 16384 bytes each. The engine's graph is asked what it "
      "holds. LibTorch's is measured: run one operation, drop everything but the graph, count the "
      "bytes that are still alive.");
  std::map<std::string, std::size_t> bytes;
  std::map<std::string, std::string> saves;
  for (const parity::OperationFacts& facts : parity::operation_facts()) {
    bytes[facts.written] = facts.bytes;
    saves[facts.written] = facts.saves;
  }
  const std::map<std::string, std::size_t> there = reference::libtorch_saved_bytes();
  reference::Results measured;
  std::size_t same = 0;
  for (const auto& [written, count] : there) {
    measured[written] = static_cast<double>(count);
    same += bytes.contains(written) && bytes[written] == count;
  }
  auto& checks = page.checks({measured, measured});
  const std::vector<std::pair<std::string, std::string>> by_hand = {
      {"a + b", "0"},        {"x * 2", "0"},       {"a * b", "32768"},    {"matmul(a, b)", "32768"},
      {"x.pow(3)", "16384"}, {"x.exp()", "16384"}, {"x.tanh()", "16384"}, {"x.relu()", "16384"},
      {"x.sum()", "0"},      {"x.mean()", "0"}};
  for (const auto& [written, figure] : by_hand) {
    checks.compare(written + " keeps " + saves[written], bytes[written],
                   {.by_hand = figure, .twin_name = written});
  }
  page.prose(
      "Two rows surprise many. relu keeps its result, not its input: the result is 0 exactly where "
      "the gradient stops. The next operation often keeps that same tensor, so it costs nothing "
      "more. mean keeps no numbers at all, since its gradient is g divided by a count.");
  const Tensor x = Tensor::full({64, 64}, 0.5, requires_grad);
  const std::size_t over_dim = parity::saved_bytes(x.mean({0}));
  const std::size_t over_dim_there = reference::libtorch_saved_bytes_of_mean_over_dims();
  page.prose(fmt::format(
      "A mean over one dimension needs no more. The engine keeps {} bytes for it, LibTorch {} "
      "keeps {}{}.",
      over_dim, reference::libtorch_version(), over_dim_there,
      over_dim_there == one_activation ? ", its whole input" : ""));
  page.claim("all operations measured keep the same in both engines", same == there.size(),
             fmt::format("{} of {}", same, there.size()));
  page.claim("mean over a dimension keeps nothing in the engine", over_dim == 0);
  for (const std::string operation : {"relu", "mean"}) {
    const std::string written = "x." + operation + "()";
    page.figure("bytes kept by " + operation, bytes[written]);
    page.figure("bytes kept by " + operation + ", LibTorch", there.at(written));
  }
}

// [code: squared relu]
Tensor squared_relu(const Tensor& x) { return x.relu().pow(2); }
// [/code]

std::size_t kept_by_squared_relu(bool checkpointed) {
  const Tensor x = Tensor::full({64, 64}, 0.5, requires_grad);
  const std::size_t before = memory::live_bytes();
  const Tensor y = checkpointed ? checkpoint(squared_relu, x) : squared_relu(x);
  return memory::live_bytes() - before - one_activation;
}

void a_checkpoint(workbook::Page& page) {
  page.heading("A checkpoint");
  page.prose(
      "A checkpoint runs a function without keeping what its operations save. It keeps the input. "
      "When backward arrives, it runs the function again, this time with everything saved, and "
      "goes backward through that.");
  page.code("squared relu");
  Trace trace;
  TraceScope scope(trace);
  // [code: checkpoint]
  Tensor x({-1, 2, 3}, requires_grad);
  Tensor y = squared_relu(x);
  y.sum().backward();
  Tensor again({-1, 2, 3}, requires_grad);
  Tensor through = checkpoint(squared_relu, again);
  through.sum().backward();
  // [/code]
  page.code("checkpoint");
  const Snapshot start = x.snapshot();
  const auto libtorch = reference::run_twin([&](reference::Precision precision) {
    reference::Results results = reference::twins::relu_squared(precision, start);
    results["plain"] = double(reference::twins::kept_by_relu_squared(false));
    results["checkpointed"] = double(reference::twins::kept_by_relu_squared(true));
    return results;
  });
  auto& checks = page.checks(libtorch);
  checks.compare("y", y, "[0, 4, 9]");
  checks.compare("checkpointed y", through, "[0, 4, 9]");
  checks.compare("dL/dx", x.grad(), "[0, 4, 6]");
  checks.compare("checkpointed dL/dx", again.grad(), "[0, 4, 6]");
  checks.compare("bytes kept", kept_by_squared_relu(false),
                 {.by_hand = "16384", .twin_name = "plain"});
  checks.compare("checkpointed bytes kept", kept_by_squared_relu(true),
                 {.by_hand = "0", .twin_name = "checkpointed"});
  page.prose(
      "The same outputs, the same gradients. The bytes are those kept between forward and "
      "backward, beyond input and output, for an input of (64, 64). 16384 and not twice that: what "
      "relu keeps and what pow keeps is one tensor. LibTorch's C++ API has no checkpoint; "
      "`lessons/run 16 --source twin` shows one built in about 20 lines.");
  page.replayed(reference::replay(trace), "every step of both programs");
}

std::size_t layer_runs = 0;

Tensor tanh_layer(const Tensor& h) {
  ++layer_runs;
  return h.tanh();
}

// [code: network]
Tensor run_layers(Tensor h, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) h = tanh_layer(h);
  return h;
}
Tensor in_blocks(Tensor h, std::size_t layers, std::size_t block) {
  const auto some = [=](const Tensor& x) { return run_layers(x, block); };
  for (std::size_t i = 0; i < layers; i += block) h = checkpoint(some, h);
  return h;
}
// [/code]

struct DepthRun {
  double peak;  // in activations
  std::size_t layer_runs;
  Snapshot gradient;
};

/// With a checkpoint around every `block` layers; 0: none.
DepthRun measure(std::size_t layers, std::size_t block) {
  const Tensor x = Tensor::full({64, 64}, 0.5, requires_grad);
  const std::size_t before = memory::live_bytes();
  memory::reset_peak();
  layer_runs = 0;
  (block == 0 ? run_layers(x, layers) : in_blocks(x, layers, block)).sum().backward();
  return {activations(memory::peak_bytes() - before), layer_runs, x.grad().snapshot()};
}

DepthRun measure_there(std::size_t layers, std::size_t block) {
  const auto run = reference::twins::deep_tanh(layers, block);
  return {activations(run.peak_bytes), run.layer_runs, run.gradient};
}

/// Is each peak what was predicted and at most three activations more (and a few bytes)?
bool near(const std::vector<double>& peaks, const std::vector<double>& predicted) {
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    if (peaks[i] < predicted[i] || peaks[i] > predicted[i] + 3.01) return false;
  }
  return true;
}

/// Peaks in activations of networks of 1, 4, 9, ... 64 layers.
struct Depths {
  std::vector<double> layers, twice_root;
  std::vector<double> plain, plain_there;    // the engine, LibTorch
  std::vector<double> blocks, blocks_there;  // with a checkpoint around every √L layers
  bool equal_gradients = true;
};

Depths measure_depths() {
  Depths all;
  for (std::size_t root = 1; root <= 8; ++root) {
    const std::size_t layers = root * root;
    const DepthRun plain = measure(layers, 0), plain_there = measure_there(layers, 0);
    const DepthRun blocks = measure(layers, root), blocks_there = measure_there(layers, root);
    all.layers.push_back(double(layers));
    all.twice_root.push_back(2 * double(root));
    all.plain.push_back(plain.peak);
    all.plain_there.push_back(plain_there.peak);
    all.blocks.push_back(blocks.peak);
    all.blocks_there.push_back(blocks_there.peak);
    all.equal_gradients = all.equal_gradients && plain.gradient == blocks.gradient &&
                          plain_there.gradient == blocks_there.gradient;
  }
  return all;
}

void depth(workbook::Page& page, const Depths& depths) {
  page.heading("Memory grows with depth");
  page.prose(
      "A network of tanh layers, (64, 64) each, run forward and backward as it is, and in blocks "
      "of √L layers with a checkpoint around each block:");
  page.code("network");
  workbook::Table table{.title = "Peak memory, in activations of 16384 bytes",
                        .columns = {"layers", "plain", "in LibTorch", "in blocks", "in LibTorch"}};
  for (const std::size_t i : {1, 3, 5, 7}) {
    table.rows.push_back({whole(depths.layers[i]), whole(depths.plain[i]),
                          whole(depths.plain_there[i]), whole(depths.blocks[i]),
                          whole(depths.blocks_there[i])});
  }
  page.table(table);
  page.series({.title = "Peak memory in the engine",
               .x_label = "layers",
               .y_label = "activations",
               .lines = {{"plain", depths.plain, depths.layers},
                         {"in blocks of √L layers", depths.blocks, depths.layers}},
               .y_scale = workbook::Scale::linear,
               .x_scale = workbook::Scale::linear});
  page.prose(
      "Plain, every layer keeps its result: L of them, and up to three more for gradients on "
      "their way. In blocks the √L inputs of the blocks are kept, and, while one block is run "
      "again, its √L results: 2√L.");
  const auto figure = [&page](const std::string& name, std::vector<double> peaks) {
    for (double& peak : peaks) peak *= double(one_activation);
    page.figure(name, peaks);
  };
  page.figure("depths", depths.layers);
  figure("peak bytes, plain, engine", depths.plain);
  figure("peak bytes, plain, LibTorch", depths.plain_there);
  figure("peak bytes, checkpointed, engine", depths.blocks);
  figure("peak bytes, checkpointed, LibTorch", depths.blocks_there);
}

void block_size(workbook::Page& page, const Depths& depths) {
  page.heading("Why √L");
  page.prose(
      "With blocks of k layers L/k inputs are kept and k results made again. 64 layers, in "
      "activations:");
  workbook::Table table{.columns = {"k", "L/k + k", "engine", "LibTorch"}};
  std::vector<double> here, there;
  for (std::size_t k = 1; k <= 64; k *= 2) {
    here.push_back(measure(64, k).peak);
    there.push_back(measure_there(64, k).peak);
    table.rows.push_back(
        {std::to_string(k), std::to_string(64 / k + k), whole(here.back()), whole(there.back())});
  }
  page.table(table);
  page.prose(
      "The sum is smallest where both parts are equal, k = √64 = 8. At either end nothing is won: "
      "a block of one layer keeps every input, a block of all layers makes every result again at "
      "once.");
  const auto smallest = [](const std::vector<double>& peaks) {
    return std::min_element(peaks.begin(), peaks.end()) - peaks.begin();
  };
  page.claim("plain: L activations and at most 3 more",
             near(depths.plain, depths.layers) && near(depths.plain_there, depths.layers),
             "in both engines");
  page.claim("in blocks: 2√L activations and at most 3 more",
             near(depths.blocks, depths.twice_root) && near(depths.blocks_there, depths.twice_root),
             "in both engines");
  page.claim("of these block sizes, 8 has the smallest peak",
             smallest(here) == 3 && smallest(there) == 3, "in both engines");
  page.claim("the gradients are the same to the last bit", depths.equal_gradients,
             "in both engines");
}

void price(workbook::Page& page) {
  page.heading("The price");
  const reference::Results runs = {{"plain", double(measure_there(64, 0).layer_runs)},
                                   {"in blocks", double(measure_there(64, 8).layer_runs)}};
  auto& checks = page.checks({runs, runs});
  checks.compare("layers run, plain", measure(64, 0).layer_runs,
                 {.by_hand = "64", .twin_name = "plain"});
  checks.compare("layers run, in blocks", measure(64, 8).layer_runs,
                 {.by_hand = "128", .twin_name = "in blocks"});
  page.prose(
      "Each layer runs forward once more. In layers of matrix products a forward pass is one part "
      "of work and a backward pass two (lesson 14), so a step costs four parts instead of three: a "
      "third more work, for a peak that grows with √L instead of L. That is how models are trained "
      "that would not fit otherwise.");
}

void build(workbook::Page& page, const workbook::Options&) {
  page.prose(
      "Gradients are computed from the values of the forward pass, so those values must wait "
      "until backward has used them. In a large model they often take more memory than the "
      "weights: they grow with the batch, with the length of the text and with the depth. This "
      "lesson counts them, operation by operation, and then trades them for work.");
  each_operation(page);
  a_checkpoint(page);
  const Depths depths = measure_depths();
  depth(page, depths);
  block_size(page, depths);
  price(page);
  page.try_next(fmt::format(
      "In `tanh_layer` return `h * h.sigmoid()` instead. The product keeps h and the sigmoid, so "
      "each layer keeps two activations: 64 layers peak at 131 instead of {}, and at 26 instead of "
      "{} in blocks of 8. The three claims about peaks fail.",
      whole(depths.plain.back()), whole(depths.blocks.back())));
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 16,
       .name = "memory_and_checkpointing",
       .title = "Memory and checkpointing",
       .question = "What does backward keep in memory, and what can be given up?",
       .checks = 25},
      build);
}
