#include "lessons/workbook/lesson.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "lessons/workbook/code_regions.hpp"
#include "reference/replay.hpp"
#include "reference/twins/08_matmul.hpp"

using namespace gradbook;

namespace {

/// The product, or nothing where the engine refuses it.
std::optional<Tensor> product(const Tensor& a, const Tensor& b) {
  try {
    return matmul(a, b);
  } catch (const ShapeError&) {
    return std::nullopt;
  }
}

void two_by_two(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Two matrices");
  Trace trace;
  Tensor dA;
  Tensor dB;
  Tensor wrong;
  {
    const TraceScope recording(trace);
    // [code: forward]
    Tensor A({{1, 2}, {3, 4}}, requires_grad);
    Tensor B({{5, 6}, {7, 8}}, requires_grad);
    Tensor C = matmul(A, B);
    Tensor g = Tensor::ones({2, 2});  // dL/dC, from whatever follows
    C.backward(g);
    // [/code]
    page.code("forward");
    page.prose(
        "Row i of A times column j of B gives C[i][j]. So A[0][0] = 1 meets the first row of B: it "
        "enters C[0][0] with weight 5 and C[0][1] with weight 6. With ones arriving, its gradient "
        "is 5 + 6 = 11. Said for every entry at once, that is a matrix product again, with B "
        "turned on its side. B's gradient is its mirror image:");
    // [code: formulas]
    dA = matmul(g, B.t());
    dB = matmul(A.t(), g);
    // [/code]
    page.code("formulas");
    auto& checks = page.checks(libtorch);
    checks.compare("C", C, "[[19, 22], [43, 50]]");
    checks.compare("dL/dA", A.grad(), "[[11, 15], [11, 15]]");
    checks.compare("dL/dB", B.grad(), "[[4, 4], [6, 6]]");
    checks.compare("dL/dC Bᵀ", dA, "[[11, 15], [11, 15]]");
    checks.compare("Aᵀ dL/dC", dB, "[[4, 4], [6, 6]]");
    // [code: wrong]
    wrong = matmul(B.t(), g);  // the right factors in the wrong order
    // [/code]
  }
  page.replayed(reference::replay(trace), "all of it, replayed");
  page.prose(
      "ᵀ stands for the transpose. Forward is one product, backward is two of the same size: of "
      "the multiplications that training a layer costs, two thirds are backward.");

  page.heading("The shapes leave no other choice");
  page.prose(
      "Nobody needs to remember which factor is transposed and on which side it stands. Let A be "
      "(2, 3) and B (3, 4), so dL/dC is (2, 4). Try its product with each of A, Aᵀ, B and Bᵀ, on "
      "either side:");
  const Tensor a = Tensor::zeros({2, 3});
  const Tensor b = Tensor::zeros({3, 4});
  const Tensor c = Tensor::zeros({2, 4});  // dL/dC
  struct Candidate {
    std::string name;
    Tensor left, right;
  };
  const std::vector<Candidate> candidates = {
      {"dL/dC B", c, b}, {"dL/dC Bᵀ", c, b.t()}, {"B dL/dC", b, c}, {"Bᵀ dL/dC", b.t(), c},
      {"dL/dC A", c, a}, {"dL/dC Aᵀ", c, a.t()}, {"A dL/dC", a, c}, {"Aᵀ dL/dC", a.t(), c}};
  workbook::Table table{.columns = {"product", "of shapes", "result", "has"}};
  int fits = 0;
  for (const Candidate& candidate : candidates) {
    const std::optional<Tensor> result = product(candidate.left, candidate.right);
    std::string verdict;
    if (result && result->shape() == a.shape()) verdict = "the shape of A";
    if (result && result->shape() == b.shape()) verdict = "the shape of B";
    fits += verdict.empty() ? 0 : 1;
    table.rows.push_back(
        {candidate.name,
         to_string(candidate.left.shape()) + " " + to_string(candidate.right.shape()),
         result ? to_string(result->shape()) : "refused", verdict});
  }
  page.table(table);
  page.claim("one product fits A, and one fits B", fits == 2 &&
                                                       product(c, b.t())->shape() == a.shape() &&
                                                       product(a.t(), c)->shape() == b.shape());
  page.prose(
      "Square matrices take this guard away. In the example above every order runs, and this one "
      "gives a gradient of the right shape that is wrong:");
  page.code("wrong");
  page.checks(libtorch).compare("Bᵀ dL/dC", wrong, "[[12, 12], [14, 14]]");
  page.prose("So test a hand-written derivative on sizes that all differ.");
}

void batches(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("A batch of matrices, one weight");
  page.prose(
      "Dimensions in front of the last two are a batch: its matrices are multiplied one by one. A "
      "weight without them is stretched over the batch, and by lesson 07 its gradient is summed "
      "over it. This is a linear layer on a batch of sequences:");
  Trace trace;
  {
    const TraceScope recording(trace);
    // [code: batch]
    Tensor x({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}, requires_grad);
    Tensor w({{1, 0, 2}, {0, 1, 3}}, requires_grad);
    matmul(x, w).backward(Tensor::ones({2, 2, 3}));
    // [/code]
    page.code("batch");
    auto& checks = page.checks(libtorch);
    checks.compare("dL/dw", w.grad(), "[[16, 16, 16], [20, 20, 20]]");
    checks.compare("rows of dL/dx", x.grad().reshape({4, 2}), "[[3, 4], [3, 4], [3, 4], [3, 4]]");
  }
  page.replayed(reference::replay(trace), "the batch, replayed");
  page.prose(
      "By hand: 16 = 1 + 3 + 5 + 7 is the first column of x, through both matrices. Each row of "
      "dL/dx holds the sums of the rows of w, 3 and 4.");
}

void vectors(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Vectors, and what is refused");
  page.prose(
      "A vector is a row on the left and a column on the right, and the result loses that "
      "dimension. M v, with 1 and 10 arriving at its two entries:");
  // [code: vector]
  Tensor M({{1, 2}, {3, 4}}, requires_grad);
  Tensor v({5, 6}, requires_grad);
  Tensor y = matmul(M, v);
  y.backward(Tensor({1, 10}));
  // [/code]
  page.code("vector");
  auto& checks = page.checks(libtorch);
  checks.compare("y", y, "[17, 39]");
  checks.compare("dL/dM", M.grad(), "[[5, 6], [50, 60]]");
  checks.compare("dL/dv", v.grad(), "[31, 42]");
  page.prose("Whatever the shapes, each gradient has the shape of its operand:");

  const std::vector<std::pair<Shape, Shape>> pairs = {
      {{3}, {3}},      {{2, 3}, {3}}, {{3}, {3, 2}}, {{5, 2, 3}, {3, 4}}, {{5, 1, 2, 3}, {4, 3, 2}},
      {{2, 3}, {2, 3}}};
  workbook::Table table{.columns = {"first", "second", "product", "gradients"}};
  bool agree = true;
  for (const auto& [a, b] : pairs) {
    Tensor first = Tensor::zeros(a, requires_grad);
    Tensor second = Tensor::zeros(b, requires_grad);
    const std::optional<Tensor> result = product(first, second);
    const auto theirs = reference::twins::product_shapes(a, b);
    agree = agree && result.has_value() == theirs.has_value();
    if (!result) {
      table.rows.push_back({to_string(a), to_string(b), "refused", ""});
      continue;
    }
    result->backward(Tensor::ones(result->shape()));
    const reference::twins::ProductShapes ours{result->shape(), first.grad().shape(),
                                               second.grad().shape()};
    agree = agree && theirs == ours && ours.grad_a == a && ours.grad_b == b;
    table.rows.push_back({to_string(a), to_string(b), to_string(ours.result),
                          to_string(ours.grad_a) + " " + to_string(ours.grad_b)});
  }
  page.table(table);
  std::string message;
  try {
    matmul(Tensor::zeros({2, 3}), Tensor::zeros({2, 3}));
  } catch (const ShapeError& error) {
    message = error.what();
  }
  page.output(message);
  page.claim("LibTorch gives the same shapes and refuses the same pair", agree && !message.empty());
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::matmul);
  page.prose(
      "Nearly all the arithmetic of a large model is matrix products: every linear layer is one, "
      "and attention is two. Their derivative is two more products, and nothing else. Here it is "
      "read off two small matrices first, then off the shapes.");
  two_by_two(page, libtorch);
  batches(page, libtorch);
  vectors(page, libtorch);
  page.try_next(
      "In the batch, let only the first matrix of x count: replace the ones by `Tensor({{{1, 1, "
      "1}, {1, 1, 1}}, {{0, 0, 0}, {0, 0, 0}}})`. dL/dw becomes [[4, 4, 4], [6, 6, 6]], and the "
      "second half of dL/dx becomes 0. The figures by hand and LibTorch's then differ from these.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 8,
                               .name = "matmul",
                               .title = "Matrix products",
                               .question = "What is the derivative of a matrix product?",
                               .checks = 15},
                              build);
}
