// What the accuracy report measures: every operation of the engine, on which inputs.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/tensor.hpp"
#include "reference/accuracy_samples.hpp"

namespace gradbook::reference {

/// One run of an operation.
struct Batch {
  using Run = std::function<Tensor(const std::vector<Tensor>& inputs)>;

  std::vector<Snapshot> inputs;
  Run run;
  std::optional<Snapshot> cotangent = {};  ///< nothing: random ones
};

struct AccuracyCase {
  std::string operation;  ///< as operation_facts() has it
  std::string written;
  /// Batch number `index` (from 0), with about `size` random elements or terms.
  std::function<Batch(Sampler& sampler, std::size_t index, std::size_t size)> batch;
  /// True: what is replayed is the operation in `run` by itself, and what is judged is what the
  /// engine gives for it inside a checkpoint.
  bool in_checkpoint = false;
};

/// All of them, in the order of operation_facts().
std::vector<AccuracyCase> accuracy_cases();

}  // namespace gradbook::reference
