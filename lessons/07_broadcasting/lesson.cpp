#include "lessons/workbook/lesson.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "lessons/workbook/code_regions.hpp"
#include "reference/replay.hpp"
#include "reference/twins/07_broadcasting.hpp"

using namespace gradbook;
using workbook::Precision;

namespace {

/// The shape of a sum; nothing where the engine refuses.
std::optional<Shape> sum_shape(const Shape& a, const Shape& b) {
  try {
    return (Tensor::zeros(a) + Tensor::zeros(b)).shape();
  } catch (const ShapeError&) {
    return std::nullopt;
  }
}

// [code: back to]
Tensor back_to(const Shape& from, const Tensor& arriving) {
  Tensor stretched = Tensor::zeros(from, requires_grad);
  (Tensor::zeros(arriving.shape()) + stretched).backward(arriving);
  return stretched.grad();
}
// [/code]

void the_rule(workbook::Page& page) {
  page.heading("The rule for shapes");
  page.prose(
      "Write the two shapes one above the other, flush right. Sizes in one column must be equal, "
      "or one of them 1 or absent, and the result has the larger. Tried on sums of zeros:");
  // [code: pairs]
  const std::vector<std::pair<Shape, Shape>> pairs = {
      {{3, 4}, {4}},    {{3, 4}, {3, 1}}, {{2, 3, 4}, {3, 1}},
      {{3, 1}, {1, 4}}, {{3, 4}, {}},     {{3, 4}, {3}},
  };
  // [/code]
  workbook::Table table{.columns = {"first", "second", "sum"}};
  bool agree = true;
  for (const auto& [a, b] : pairs) {
    const std::optional<Shape> sum = sum_shape(a, b);
    agree = agree && sum == reference::twins::sum_shape(a, b);
    table.rows.push_back({to_string(a), to_string(b), sum ? to_string(*sum) : "refused"});
  }
  page.table(table);
  std::string message;
  try {
    Tensor::zeros({3, 4}) + Tensor::zeros({3});
  } catch (const ShapeError& error) {
    message = error.what();
  }
  page.prose("The refusal names both shapes:");
  page.output(message);
  page.claim("LibTorch gives the same shapes, and refuses the same pair",
             agree && !message.empty());
}

void copies_are_summed(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Going back, the copies are summed");
  Trace trace;
  {
    const TraceScope recording(trace);
    // [code: bias]
    Tensor x = Tensor::zeros({3, 4});
    Tensor bias({0, 0, 0, 0}, requires_grad);
    (x + bias).backward(Tensor::ones({3, 4}));
    // [/code]
    page.code("bias");
    page.prose(
        "`backward` on a tensor begins with a gradient for each of its elements, the one that "
        "would arrive from whatever follows: here twelve ones. Each entry of the bias went into "
        "three rows, and a number that is used three times receives the sum of three paths:");
    page.checks(libtorch).compare("ones back to (4,)", bias.grad(), "[3, 3, 3, 3]");

    page.prose(
        "Ones do not show which elements were summed. Let 1 to 6 arrive instead, at zeros of "
        "several shapes that were stretched to (2, 3):");
    // [code: cases]
    Tensor arriving({{1, 2, 3}, {4, 5, 6}});
    Tensor row = back_to({3}, arriving);        // a leading dimension
    Tensor column = back_to({2, 1}, arriving);  // a dimension of size 1
    Tensor scalar = back_to({}, arriving);      // every dimension
    // [/code]
    page.code("back to");
    page.code("cases");
    Tensor block({{{1, 2, 3}, {4, 5, 6}}, {{7, 8, 9}, {10, 11, 12}}});
    auto& checks = page.checks(libtorch);
    checks.compare("(2, 3) back to (3,)", row, "[5, 7, 9]");
    checks.compare("(2, 3) back to (2, 1)", column, "[[6], [15]]");
    checks.compare("(2, 3) back to ()", scalar, "21");
    checks.compare("(2, 2, 3) to (2, 1)", back_to({2, 1}, block), "[[30], [48]]");
    page.prose(
        "In the last row 1 to 12 arrive in the shape (2, 2, 3). A leading dimension and one of "
        "size 1 were stretched at once, so each entry of the (2, 1) collects a row from both "
        "blocks, the first 6 + 24 = 30. One rule covers all: sum over every dimension that was "
        "stretched.");

    page.prose(
        "In a product the same happens after its own derivative. A scale (D,), as in a "
        "normalization layer, on a row of ones and a row of twos:");
    // [code: scale]
    Tensor rows({{1, 1, 1}, {2, 2, 2}});
    Tensor scale({1, 1, 1}, requires_grad);
    (rows * scale).backward(arriving);
    // [/code]
    page.code("scale");
    page.checks(libtorch).compare("gradient of the scale", scale.grad(), "[9, 12, 15]");
  }
  page.prose("By hand, the first: 1 * 1 + 2 * 4 = 9.");
  page.replayed(reference::replay(trace), "all six, replayed");
}

void without_the_sum(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("What happens without the sum");
  page.prose("Suppose an engine forgot it, and gave a (3,) parameter the (2, 3) gradient:");
  // [code: unsummed]
  Tensor unsummed({{1, 2, 3}, {4, 5, 6}});
  Tensor parameter({0, 0, 0});
  Tensor updated = parameter - 0.1 * unsummed;
  // [/code]
  page.code("unsummed");
  page.output(to_string(parameter.shape()) + " became " + to_string(updated.shape()));
  page.prose(
      "No error. The step is broadcast too: the parameter has become two rows, and from now on "
      "each row of the batch trains its own. `sub_` writes into the parameter itself, has nowhere "
      "to put the second row, and both engines refuse it:");
  std::string message;
  try {
    // [code: in place]
    parameter.sub_(0.1 * unsummed);
    // [/code]
  } catch (const InPlaceError& error) {
    message = error.what();
  }
  page.code("in place");
  page.output(message);
  page.claim("both engines refuse the step in place",
             !message.empty() && libtorch.truth.at("refused: in place") == Snapshot(1));
}

void a_stretch_not_meant(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("A stretch that nobody meant");
  page.prose("Three predictions, each equal to its target. The targets came as a column:");
  // [code: crossed]
  Tensor prediction({1, 2, 3}, requires_grad);
  Tensor target({{1}, {2}, {3}});
  Tensor miss = prediction - target;  // (3,) - (3, 1)
  (miss * miss).backward(Tensor::ones({3, 3}));
  // [/code]
  page.code("crossed");
  page.output(workbook::array_text(miss.snapshot(), Precision::float32));
  page.prose(
      "Every prediction was held against every target. There is no error to catch: the rule allows "
      "it. The gradient pulls a perfect prediction towards the mean of all targets; in a training "
      "run that looks like a model that will not learn. With the target as a (3,) it is 0:");
  const Snapshot crossed = prediction.grad().snapshot();
  // [code: cure]
  prediction.zero_grad();
  miss = prediction - target.reshape({3});
  (miss * miss).backward(Tensor::ones({3}));
  // [/code]
  page.code("cure");
  auto& checks = page.checks(libtorch);
  checks.compare("gradient, (3,) - (3, 1)", workbook::Quantity(crossed, Precision::float32),
                 "[-6, 0, 6]");
  checks.compare("gradient, (3,) - (3,)", prediction.grad(), "[0, 0, 0]");
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::broadcasting);
  page.prose(
      "A layer adds one bias to every row of its batch. It is written `x + bias`, although x has "
      "the shape (B, D) and the bias (D,): the smaller operand is stretched, without a copy. So is "
      "every scale of a normalization layer and every mask of an attention layer. Forward that is "
      "a convenience. Backward, a gradient of the shape of the batch arrives at a parameter of "
      "another shape.");
  the_rule(page);
  copies_are_summed(page, libtorch);
  without_the_sum(page, libtorch);
  a_stretch_not_meant(page, libtorch);
  page.try_next(
      "Add `{{5, 1, 3}, {4, 1}}` to `pairs` and say the shape before you run it. It is (5, 4, 3): "
      "both operands are stretched, and the gradient of each is summed over what it lacked.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 7,
       .name = "broadcasting",
       .title = "Broadcasting",
       .question = "When a tensor is stretched to fit another, what is its gradient?",
       .checks = 11},
      build);
}
