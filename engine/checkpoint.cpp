#include "engine/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/graph/walk.hpp"

namespace gradbook {

namespace {

template <class T>
using Function = std::function<BasicTensor<T>(const std::vector<BasicTensor<T>>&)>;

/// A hash of the bytes of an array, in lanes so that it costs little beside computing the array.
template <class T>
std::uint64_t fingerprint(const Array<T>& array) {
  constexpr std::size_t lanes = 64;
  constexpr std::uint32_t prime = 16777619;  // FNV-1a's
  std::array<std::uint32_t, lanes> hash{};
  hash.fill(2166136261U);
  const auto take = [&hash](const unsigned char* bytes, std::size_t words) {
    std::array<std::uint32_t, lanes> block{};
    std::memcpy(block.data(), bytes, words * 4);
    for (std::size_t k = 0; k < lanes; ++k) hash[k] = (hash[k] ^ block[k]) * prime;
  };
  const auto* bytes = reinterpret_cast<const unsigned char*>(array.data());
  const std::size_t words = array.size() * sizeof(T) / sizeof(std::uint32_t);
  const std::size_t rest = words % lanes;
  // By far the most are whole blocks, and of a size that the compiler knows.
  for (std::size_t i = 0; i < words - rest; i += lanes) take(bytes + i * 4, lanes);
  if (rest > 0) take(bytes + (words - rest) * 4, rest);
  std::uint64_t total = array.size();
  for (const std::uint32_t lane : hash) total = (total ^ lane) * 1099511628211U;
  return total;
}

/// One run of the checkpointed function on inputs cut off from the graph outside.
template <class T>
struct Run {
  BasicTensor<T> result;
  std::vector<Ref<Node<T>>> inputs;    ///< nodes of the inputs that require grad
  std::vector<Ref<Node<T>>> captured;  ///< older nodes that the function reached by itself
  std::uint64_t border = 0;            ///< newest node outside the run
  std::uint64_t seen = 0;              ///< fingerprint of the result and of all that vjps will read
};

template <class T>
Run<T> run_function(const Function<T>& function, const std::vector<BasicTensor<T>>& inputs) {
  Run<T> run;
  for (const BasicTensor<T>& input : inputs) {
    if (node_of(input)) run.inputs.push_back(node_of(input));
  }
  run.border = Node<T>::newest();
  run.result = function(inputs);
  run.seen = fingerprint(run.result.array());
  if (!run.result.requires_grad()) return run;
  const Walk<T> walk({node_of(run.result)}, {}, run.border);
  for (Node<T>* node : walk.nodes()) {
    if (node->number > run.border) {
      for (const Array<T>& saved : node->saved_arrays()) {
        run.seen = run.seen * 31 + fingerprint(saved);
      }
    } else if (const Ref<Node<T>> outside(node);
               std::find(run.inputs.begin(), run.inputs.end(), outside) == run.inputs.end()) {
      run.captured.push_back(outside);
    }
  }
  return run;
}

/// The same values without history, as leaves, so that a run makes a graph of its own.
template <class T>
BasicTensor<T> cut_off(const BasicTensor<T>& input) {
  BasicTensor<T> leaf(input.array());
  if (Trace* trace = Trace::active()) trace->same_tensor(leaf, input);
  const TraceScope paused(nullptr);
  if (input.requires_grad()) leaf.requires_grad_();
  return leaf;
}

/// A checkpoint on the graph: edges to the inputs and to what the function captured; it keeps the
/// inputs and the function, and no intermediate.
template <class T>
class CheckpointNode final : public Node<T> {
 public:
  CheckpointNode(const Run<T>& run, Function<T> function, const std::vector<BasicTensor<T>>& inputs)
      : Node<T>(run.result.shape(), false),
        function_(std::move(function)),
        captured_(run.captured),
        seen_(run.seen) {
    for (const BasicTensor<T>& input : inputs) {
      inputs_.emplace_back().keep(input.array(), node_of(input));
      if (node_of(input)) edges_.push_back(node_of(input));
    }
    edges_.insert(edges_.end(), captured_.begin(), captured_.end());
  }

  std::string_view name() const override { return "checkpoint"; }
  std::span<const Ref<Node<T>>> edges() const override { return edges_; }

  void vjps(const BasicTensor<T>& g, GradientSink<T>& sink) const override {
    const bool create_graph = GradMode::enabled();
    const TraceScope paused(nullptr);
    Run<T> run = run_again(create_graph);
    std::vector<Ref<Node<T>>> ends = run.inputs;
    ends.insert(ends.end(), captured_.begin(), captured_.end());
    const std::vector<Ref<Node<T>>> roots = {node_of(run.result)};
    run.result = BasicTensor<T>();  // the graph holds what it needs
    const std::vector<BasicTensor<T>> gradients = gradients_at<T>(
        roots, ends, {g}, {.create_graph = create_graph, .allow_unused = true}, run.border);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (gradients[i].defined() && sink.wants(i)) sink.give(i, gradients[i]);
    }
  }

  void release_saved() override {
    inputs_.clear();
    function_ = nullptr;
    this->released_ = true;
  }

  std::vector<Array<T>> saved_arrays() const override {
    std::vector<Array<T>> arrays;
    for (const Saved<T>& input : inputs_) arrays.push_back(input.array);
    return arrays;
  }

 private:
  Run<T> run_again(bool create_graph) const {
    const AutoGradMode recording(true);
    const SavedValues<T> saved(*this, inputs_, inputs_.size());
    std::vector<BasicTensor<T>> inputs;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const BasicTensor<T> input = saved.input_tensor(i);
      // With create_graph the run hangs on to the graph outside, by a node of its own for each
      // input, so that one tensor given twice still gets two gradients.
      inputs.push_back(create_graph && input.requires_grad() ? input.expand(input.shape())
                                                             : cut_off(input));
    }
    Run<T> run = run_function(function_, inputs);
    if (run.seen != seen_ || run.captured != captured_ || !run.result.requires_grad()) {
      throw CheckpointError(fmt::format(
          "checkpoint: the function (result shape {}) gave something else when it was run again "
          "for backward: it draws random numbers, or something it uses has changed; make it depend "
          "on its inputs alone, or draw the numbers outside",
          to_string(this->shape)));
    }
    return run;
  }

  Function<T> function_;
  std::vector<Ref<Node<T>>> captured_;
  std::vector<Ref<Node<T>>> edges_;
  std::vector<Saved<T>> inputs_;
  std::uint64_t seen_;
};

}  // namespace

template <class T>
BasicTensor<T> checkpoint(const Function<T>& function, const std::vector<BasicTensor<T>>& inputs) {
  if (!GradMode::enabled()) return function(inputs);
  std::vector<BasicTensor<T>> own;
  for (const BasicTensor<T>& input : inputs) own.push_back(cut_off(input));
  const Run<T> run = run_function(function, own);
  if (!run.result.requires_grad()) return run.result;
  // A result that is another tensor's storage, as the identity's is, becomes a tensor of its own: a
  // write to it must not reach the other unseen.
  const Array<T>& array = run.result.array();
  BasicTensor<T> result(array.storage()->aliases > 1 ? copy_of(array) : array);
  result.impl()->set_node(Ref<Node<T>>(new CheckpointNode<T>(run, function, inputs)));
  if (Trace* trace = Trace::active()) trace->same_tensor(result, run.result);
  return result;
}

template Tensor checkpoint(const Function<float>&, const std::vector<Tensor>&);
template Tensor64 checkpoint(const Function<double>&, const std::vector<Tensor64>&);

}  // namespace gradbook
