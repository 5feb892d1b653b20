#include "engine/parity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "engine/checkpoint.hpp"
#include "engine/ops/elementwise.hpp"
#include "engine/ops/matmul.hpp"
#include "engine/ops/reduce.hpp"
#include "engine/ops/shape.hpp"

namespace gradbook::parity {

namespace {

/// What an operation with these reads saves when all its inputs require grad.
template <class Op>
std::string words() {
  rules::Reads all = 0;
  for (const rules::Reads reads : Op::reads) all |= reads;
  const bool one_input = std::size(Op::reads) == 1;
  std::vector<std::string> parts;
  if ((all & rules::kA) != 0) parts.emplace_back(one_input ? "the input" : "a");
  if ((all & rules::kB) != 0) parts.emplace_back("b");
  if ((all & rules::kResult) != 0) parts.emplace_back("the result");
  return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, " and "));
}

Tensor sample() { return Tensor::full(sample_shape(), 0.5, requires_grad); }

/// The name is that of the operation which has run, so that a sample of another one shows.
template <class Op>
OperationFacts facts(std::string written, const std::function<Tensor()>& run) {
  const Tensor result = run();
  const std::string name(node_of(result)->name());
  return {name, std::move(written), words<Op>(), saved_bytes(result)};
}

template <class Op>
OperationFacts of_one(std::string written, const std::function<Tensor(const Tensor&)>& run) {
  return facts<Op>(std::move(written), [&] { return run(sample()); });
}

template <class Op>
OperationFacts of_two(std::string written,
                      const std::function<Tensor(const Tensor&, const Tensor&)>& run) {
  return facts<Op>(std::move(written), [&] { return run(sample(), sample()); });
}

/// `write` changes an intermediate in place.
template <class Op>
OperationFacts in_place(std::string written,
                        const std::function<void(Tensor&, const Tensor&)>& write) {
  OperationFacts result = facts<Op>(std::move(written), [&] {
    Tensor intermediate = sample() * 1;
    write(intermediate, sample());
    return intermediate;
  });
  result.name += "_";
  if (result.saves.starts_with("a")) result.saves = "a as it was before" + result.saves.substr(1);
  return result;
}

}  // namespace

Shape sample_shape() { return {64, 64}; }

std::vector<OperationFacts> operation_facts() {
  using ops::Binary;
  using ops::Unary;
  using ops::WithScalar;
  const AutoGradMode recording(true);
  return {
      of_two<Binary<rules::Add>>("a + b", [](auto& a, auto& b) { return a + b; }),
      of_two<Binary<rules::Sub>>("a - b", [](auto& a, auto& b) { return a - b; }),
      of_two<Binary<rules::Mul>>("a * b", [](auto& a, auto& b) { return a * b; }),
      of_two<Binary<rules::Div>>("a / b", [](auto& a, auto& b) { return a / b; }),
      of_two<Binary<rules::Gate>>("gate(a, b)", [](auto& a, auto& b) { return gate(a, b); }),
      of_one<WithScalar<rules::Add>>("x + 2", [](auto& x) { return x + 2; }),
      of_one<WithScalar<rules::Sub>>("x - 2", [](auto& x) { return x - 2; }),
      of_one<WithScalar<rules::Rsub>>("2 - x", [](auto& x) { return 2 - x; }),
      of_one<WithScalar<rules::Mul>>("x * 2", [](auto& x) { return x * 2; }),
      of_one<WithScalar<rules::Div>>("x / 2", [](auto& x) { return x / 2; }),
      of_one<WithScalar<rules::Pow>>("x.pow(3)", [](auto& x) { return x.pow(3); }),
      of_one<Unary<rules::Neg>>("-x", [](auto& x) { return -x; }),
      of_one<Unary<rules::Reciprocal>>("x.reciprocal()", [](auto& x) { return x.reciprocal(); }),
      of_one<Unary<rules::Exp>>("x.exp()", [](auto& x) { return x.exp(); }),
      of_one<Unary<rules::Log>>("x.log()", [](auto& x) { return x.log(); }),
      of_one<Unary<rules::Sqrt>>("x.sqrt()", [](auto& x) { return x.sqrt(); }),
      of_one<Unary<rules::Tanh>>("x.tanh()", [](auto& x) { return x.tanh(); }),
      of_one<Unary<rules::Sigmoid>>("x.sigmoid()", [](auto& x) { return x.sigmoid(); }),
      of_one<Unary<rules::Relu>>("x.relu()", [](auto& x) { return x.relu(); }),
      of_one<ops::Sum>("x.sum()", [](auto& x) { return x.sum(); }),
      of_one<ops::Mean>("x.mean()", [](auto& x) { return x.mean(); }),
      of_two<ops::Matmul>("matmul(a, b)", [](auto& a, auto& b) { return matmul(a, b); }),
      of_one<ops::Transpose>("x.transpose(0, 1)", [](auto& x) { return x.transpose(0, 1); }),
      of_one<ops::Reshape>("x.reshape({-1})", [](auto& x) { return x.reshape({-1}); }),
      of_one<ops::Expand>("x.expand({2, 64, 64})",
                          [](auto& x) {
                            return x.expand({2, 64, 64});
                          }),
      of_one<ops::SumTo>("x.sum_to({64})", [](auto& x) { return x.sum_to({64}); }),
      in_place<Binary<rules::Add>>("a.add_(b)", [](auto& a, auto& b) { a.add_(b); }),
      in_place<Binary<rules::Sub>>("a.sub_(b)", [](auto& a, auto& b) { a.sub_(b); }),
      in_place<Binary<rules::Mul>>("a.mul_(b)", [](auto& a, auto& b) { a.mul_(b); }),
      in_place<Binary<rules::Copy>>("a.copy_(b)", [](auto& a, auto& b) { a.copy_(b); }),
      in_place<Unary<rules::Zero>>("a.zero_()", [](auto& a, auto&) { a.zero_(); }),
      {"checkpoint", "checkpoint(f, x)", "the inputs",
       saved_bytes(checkpoint([](const Tensor& x) { return x.relu().pow(2); }, sample()))},
  };
}

template <class T>
std::size_t saved_bytes(const BasicTensor<T>& result) {
  if (!result.requires_grad()) return 0;
  std::vector<const Storage<T>*> storages;
  for (const Array<T>& array : node_of(result)->saved_arrays()) {
    storages.push_back(array.storage().get());
  }
  std::sort(storages.begin(), storages.end());
  storages.erase(std::unique(storages.begin(), storages.end()), storages.end());
  std::size_t bytes = 0;
  for (const Storage<T>* storage : storages) bytes += storage->data.size() * sizeof(T);
  return bytes;
}

template std::size_t saved_bytes(const Tensor&);
template std::size_t saved_bytes(const Tensor64&);

std::vector<Difference> differences() {
  return {
      {"transpose copies", "the result has storage of its own; a write in place stays there",
       "the result is a view of the same storage",
       "tensors are contiguous: one memory layout to understand",
       "Parity.TransposeCopiesWhereLibTorchViews"},
      {"expand copies", "repeated elements are stored repeatedly, in the gradient of a sum too",
       "the result is a view with stride 0", "the same reason",
       "Parity.ExpandCopiesWhereLibTorchViews"},
      {"no recorded writes through reshapes",
       "a recorded write in place through one of two live aliases made by reshape is refused",
       "the write is recorded for both",
       "rewriting the history of an alias is hard to follow; the "
       "out-of-place cure is one line",
       "Parity.WriteThroughRecordedReshapeIsRefused"},
      {"raw array", "to_xarray() of a tensor that requires grad is refused",
       "C++ LibTorch hands out data_ptr() and accessors; PyTorch's .numpy() refuses as we do",
       "a round trip through an array forgets the history without saying so",
       "Parity.RawArrayIsRefusedWhereLibTorchIsSilent"},
      {"Value keeps all gradients", "every Value has its gradient after backward()",
       "only leaves and tensors with retain_grad()", "a learner looks at every node",
       "Parity.ValueKeepsIntermediateGradients"},
      {"Value runs backward again",
       "backward() may run again without retain_graph: leaves accumulate, the rest is afresh",
       "the second call is an error where something was saved",
       "nothing is freed in a graph of numbers", "Parity.ValueRunsBackwardAgain"},
      {"Value adds to a gradient of 0", "a first gradient of -0 makes a leaf's gradient 0",
       "the first gradient to arrive is kept as it is, with its sign",
       "a number's gradient is a number from the start", "Parity.ValueAddsToAGradientOfZero"},
      {"freed graphs are refused early", "GraphFreedError comes before any gradient changes",
       "leaves reached before the freed operation have accumulated already",
       "an error should leave nothing half done",
       "Parity.FreedGraphIsRefusedBeforeAnythingChanges"},
      {"gradient of a larger shape", "backward() refuses a gradient of any other shape",
       "C++ LibTorch sums one that broadcasts; PyTorch refuses it", "it is nearly always a mistake",
       "Parity.GradientOfALargerShapeIsRefused"},
      {"dtypes do not mix", "a Tensor and a Tensor64 in one operation do not compile",
       "promotes to float64 (but not in matmul), or converts to what is written to",
       "a precision that changes unseen spoils a comparison; "
       "`Tensor64::from(x.snapshot())` says it",
       "Parity.TensorAndTensor64DoNotMix"},
      {"values that no wanted gradient reads", "are not looked at, and may have changed",
       "1.13 refuses if anything that the operation saved has changed", "what is computed is right",
       "Parity.OnlyWhatAWantedGradientReadsMustBeUnchanged"},
      {"mean over dims", "saves nothing", "1.13 saves its input; later releases save nothing",
       "only the shape is needed", "Parity.MeanOverDimsSavesNothing"},
      {"batched matmul", "saves its operands as they are",
       "saves both expanded to the common batch when both broadcast",
       "the product of a broadcast batch needs no copies",
       "Parity.BatchedMatmulSavesOperandsAsTheyAre"},
      {"constants", "a constant operand is saved nowhere",
       "1.13 saves it where the gradient of a product or quotient with it is recorded",
       "it is a number, not a tensor", "Parity.ConstantsAreSavedNowhere"},
      {"gate", "saves y only where the gradient of g is wanted, in the recorded vjp of relu too",
       "threshold_backward saves it in any case", "nothing else reads it",
       "Parity.GateSavesForTheGradientOfGOnly"},
      {"views without recording",
       "a reshape made under a NoGradGuard requires no grad, like any other result",
       "says that it requires grad if its base does, and may not be written to while recording",
       "what is made without recording has no history",
       "Parity.ReshapeWithoutRecordingRequiresNoGrad"},
      {"gradients own their storage", "the gradient of a leaf is an alias of nothing",
       "may be a view of the gradient that was given to backward(), or of another leaf's, and "
       "grows "
       "over it",
       "adding to one gradient must not change another tensor", "Parity.GradientsOwnTheirStorage"},
      {"retained gradients", "grad() leaves them alone", "grad() adds to them",
       "grad() returns gradients and changes nothing", "Parity.GradLeavesRetainedGradientsAlone"},
      {"history of views",
       "a write to its storage that is not recorded leaves the history of a reshape as it was",
       "gives a view a new history, and what was retained of the old one is lost",
       "its value was written, not computed", "Parity.UnrecordedWritesLeaveTheHistoryOfViews"},
      {"operands that share memory", "a write in place may read the same storage in another shape",
       "refuses any other shape of it", "element meets element all the same",
       "Parity.OperandsMayShareMemory"},
      {"flags of saved leaves",
       "what an operation saved has the history that it had when it was saved",
       "requires_grad_() on a leaf changes what was saved of it before",
       "the graph is what was recorded", "Parity.FlagsOfSavedLeavesStay"},
      {"second derivative of sigmoid",
       "that of g (1 - y) y, term by term: NaN where infinities of both signs meet",
       "a formula of its own, with 1 - 2y: infinite there",
       "every rule is differentiated as it is written",
       "Parity.SigmoidIsDifferentiatedTwiceAsItIsWritten"},
      {"leaves accumulate in their turn", "all newer operations have run by then",
       "as soon as all has arrived: a pass that reads an accumulated gradient and adds to it is "
       "refused",
       "one order for all nodes", "Parity.LeavesAccumulateInTheirTurn"},
      {"argmax", "returns plain indices", "returns an integer tensor",
       "tensors hold floating-point numbers only", "Parity.ArgmaxReturnsIndices"},
      {"checkpoint", "built in; captured tensors get gradients; a run that differs is an error",
       "none in C++, and one by hand does not notice a run that differs; PyTorch's has several "
       "modes",
       "lesson 21", "Parity.CheckpointMatchesThePlainFunction"},
  };
}

std::string page() {
  std::string text =
      "# What operations save, and where we differ from LibTorch\n\n"
      "This page is printed from the engine (`gradbook parity`), and a test holds it to that.\n\n"
      "## Saved for backward\n\n";
  text += fmt::format(
      "Saved means: the graph keeps it alive until backward has run, and refuses to use it if it "
      "was\n"
      "written to since. What the gradient of an input reads is saved only if that input requires\n"
      "grad. The last column was measured with float32 inputs of shape {} ({} bytes each) that "
      "all\n"
      "require grad.\n\n"
      "| operation | written | saves | bytes |\n| --- | --- | --- | ---: |\n",
      to_string(sample_shape()), numel(sample_shape()) * sizeof(float));
  for (const OperationFacts& facts : operation_facts()) {
    text += fmt::format("| {} | `{}` | {} | {} |\n", facts.name, facts.written, facts.saves,
                        facts.bytes);
  }
  text +=
      "\n`2 / x` is `x.reciprocal() * 2`, as in LibTorch.\n\n"
      "## Intended differences from LibTorch\n\n"
      "| | the engine | LibTorch | why | test |\n| --- | --- | --- | --- | --- |\n";
  for (const Difference& difference : differences()) {
    text += fmt::format("| {} | {} | {} | {} | `{}` |\n", difference.name, difference.engine,
                        difference.libtorch, difference.why, difference.test);
  }
  return text;
}

}  // namespace gradbook::parity
