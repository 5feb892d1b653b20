#include "lessons/workbook/lesson.hpp"

#include <string>

#include "engine/memory.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/refusal.hpp"
#include "reference/replay.hpp"
#include "reference/twins/20_pitfall_non_scalar_backward.hpp"

using namespace gradbook;

namespace {

void refused(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("A vector is refused");
  // [code: refused]
  Tensor x({1, 2, 3}, requires_grad);
  Tensor y = x.pow(2);
  const auto backward = [&] { y.backward(); };
  // [/code]
  page.code("refused");
  const std::string message = workbook::refusal<BackwardError>(backward);
  page.output(message);
  page.claim("both engines refuse",
             !message.empty() && libtorch.truth.at("refused: vector") == Snapshot(1));
  page.prose(
      "Three results and three inputs have nine slopes between them, a matrix: the Jacobian. "
      "`x.grad()` has room for three numbers. So the engine asks which three.");
}

void vector_times_jacobian(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("With a gradient: a vector times the Jacobian");
  page.prose(
      "A product w x, because its Jacobian is plain to see: it is w, with one row for each result "
      "and one column for each input.");
  Trace trace;
  Tensor row1, row2, row3, mixed;
  {
    const TraceScope recording(trace);
    // [code: product]
    const Tensor w({{1, 2}, {3, 4}, {5, 6}});
    const auto backward_from = [&w](const Tensor& v) {
      Tensor x({10, 20}, requires_grad);
      matmul(w, x).backward(v);
      return x.grad();
    };
    // [/code]
    // [code: rows]
    row1 = backward_from(Tensor({1, 0, 0}));
    row2 = backward_from(Tensor({0, 1, 0}));
    row3 = backward_from(Tensor({0, 0, 1}));
    mixed = backward_from(Tensor({1, -1, 2}));
    // [/code]
  }
  page.code("product");
  page.prose(
      "v says how much each result counts. With 1 for one result and 0 for the others, backward "
      "gives that result's row of the Jacobian. With any other v it gives the sum of the rows, "
      "weighted by v:");
  page.code("rows");
  auto& checks = page.checks(libtorch);
  checks.compare("v = [1, 0, 0]", row1, "[1, 2]");
  checks.compare("v = [0, 1, 0]", row2, "[3, 4]");
  checks.compare("v = [0, 0, 1]", row3, "[5, 6]");
  checks.compare("v = [1, -1, 2]", mixed, "[8, 10]");
  page.replayed(reference::replay(trace), "the four products, step by step");
  page.prose(
      "By hand: 1 - 3 + 2 * 5 = 8 and 2 - 4 + 2 * 6 = 10. Whatever v is, one call computes vᵀJ "
      "and never J itself. Every operation of the engine only knows how to do that, its vjp: take "
      "the gradient of its result, and hand on the gradient of its inputs.");
}

void ones_and_sum(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Ones are a sum");
  // [code: ones]
  Tensor a({1, 2, 3}, requires_grad);
  a.pow(2).backward(Tensor({1, 1, 1}));

  Tensor b({1, 2, 3}, requires_grad);
  b.pow(2).sum().backward();

  Tensor c({1, 2, 3}, requires_grad);
  (c.pow(2) * Tensor({1, 0.5, 0})).sum().backward();
  // [/code]
  page.code("ones");
  auto& checks = page.checks(libtorch);
  checks.compare("backward(ones)", a.grad(), "[2, 4, 6]");
  checks.compare("sum().backward()", b.grad(), "[2, 4, 6]");
  checks.compare("weights 1, 0.5, 0", c.grad(), "[2, 2, 0]");
  page.claim("backward(ones) equals sum().backward()", a.grad().snapshot() == b.grad().snapshot());
  page.prose(
      "A sum hands 1 to each of its terms, so the two are the same program. To weight the results "
      "and then sum is to choose v: here the third example does not count. The engine does not "
      "sum by itself, for a mean would be as good a guess, and its gradients are three times "
      "smaller.");

  Tensor d({1, 2, 3}, requires_grad);
  const Tensor y = d.pow(2);
  const std::string two = workbook::refusal<BackwardError>([&] { y.backward(Tensor({1, 1})); });
  const std::string scalar = workbook::refusal<BackwardError>([&] { y.backward(Tensor(1.0)); });
  page.prose("A v of another shape is refused, even a scalar, which would broadcast:");
  page.output(scalar);
  page.claim("both engines refuse shape (2,)",
             !two.empty() && libtorch.truth.at("refused: shape (2,)") == Snapshot(1));
  page.claim("both engines refuse shape ()",
             !scalar.empty() && libtorch.truth.at("refused: shape ()") == Snapshot(1));
}

void what_it_saves(workbook::Page& page) {
  page.heading("Why nobody wants the matrix");
  constexpr std::size_t n = 4096;
  // [code: large]
  Tensor x = Tensor::ones({n}, requires_grad);
  const Tensor y = x.pow(2);
  memory::reset_peak();
  const std::size_t before = memory::live_bytes();
  y.backward(Tensor::ones({n}));
  const std::size_t needed = memory::peak_bytes() - before;
  // [/code]
  page.code("large");
  const std::size_t jacobian = n * n * sizeof(float);
  page.prose("With " + std::to_string(n) + " results the Jacobian would fill " +
             workbook::bytes_text(jacobian) + ". Backward got by with " +
             workbook::bytes_text(needed) +
             ". The whole of it would also take one backward pass for each result. A loss is one "
             "number, one result, and so one pass gives all its slopes. That is why training is "
             "affordable: the price of all gradients is a few times the price of the loss, however "
             "many weights there are.");
  page.claim("vᵀJ needs less than a thousandth of J", needed > 0 && needed * 1000 < jacobian,
             workbook::bytes_text(needed) + " against " + workbook::bytes_text(jacobian));
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::pitfall_non_scalar_backward);
  page.prose(
      "A loss for each example of a batch is a vector. Call `backward` on it, and both engines "
      "refuse. The usual cure is a sum or a mean. This lesson shows what the refusal protects, "
      "and what `backward` computes in truth: not a derivative, but a vector times one.");
  refused(page, libtorch);
  vector_times_jacobian(page, libtorch);
  ones_and_sum(page, libtorch);
  what_it_saves(page);
  page.try_next(
      "Replace `.sum()` by `.mean()` in b's line. Its gradient becomes [0.667, 1.333, 2], a third "
      "of what it was. Its check fails, and so does the claim that both ways are the same.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 20,
       .name = "pitfall_non_scalar_backward",
       .title = "Pitfall: backward on a vector",
       .question = "What does backward mean when the result is not one number?",
       .checks = 13},
      build);
}
