#include "engine/draw.hpp"

#include <gtest/gtest.h>

#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

TEST(Draw, AValueShowsLabelOperationValueAndGradient) {
  const Value x(2.0, "x");
  Value a = 3 * x;
  a.set_label("a");
  a.backward();
  EXPECT_EQ(draw(a).text,
            "a = mul  value 6  grad 1\n"
            "├─ 3     value 3  grad 2\n"
            "└─ x     value 2  grad 3\n");
}

TEST(Draw, ANodeUsedTwiceIsDrawnOnce) {
  const Value x(2.0, "x");
  const Value h = x * x;
  const std::string text = draw(h + h).text;
  EXPECT_NE(text.find("└─ mul   (drawn above)"), std::string::npos) << text;
}

TEST(Draw, DotHasANodeAndAnEdgeForEach) {
  const Value x(2.0, "x");
  const Value y = x.pow(3);
  const std::string dot = draw(y).dot;
  expect_mentions(dot, {"digraph", "pow 3 | value 8 | grad 0", "x | value 2 | grad 0", "n1 -> n0"});
}

TEST(Draw, DotEscapesWhatHasAMeaningInRecords) {
  expect_mentions(draw(Value(1.0, "a|b{\"}<>")).dot, {R"(a\|b\{\"\}\<\>)"});
}

TEST(Draw, ATensorIsNamedByTheCaller) {
  const Tensor w({{1, 2}, {3, 4}}, requires_grad);
  const Tensor loss = (w * w).mean();
  loss.backward();
  expect_mentions(draw(loss, {{"W", w}}).text,
                  {"mean", "value 7.5", "W", "[[1, 2], [3, 4]]", "grad [[0.5, 1], [1.5, 2]]",
                   "(2, 2) (freed)", "(not kept)"});
}

TEST(Draw, ALargeTensorIsItsShape) {
  const Tensor w = Tensor::ones({64, 10}, requires_grad);
  expect_mentions(draw(w.sum(), {{"W", w}}).text, {"value (64, 10)", "grad none yet"});
}

TEST(Draw, BranchesAreDrawnDownToTheLeaves) {
  const Value x(2.0, "x");
  const Value y(-1.0, "y");
  const Value h = x * y;
  const Value sum = (h + 1) - (h / x).tanh();
  sum.backward();
  EXPECT_EQ(draw(sum).text,
            R"(sub           value -0.238406  grad 1
├─ add        value -1         grad 1
│  ├─ mul     value -2         grad 0.790013
│  │  ├─ x    value 2          grad -1
│  │  └─ y    value -1         grad 1.58003
│  └─ 1       value 1          grad 1
└─ tanh       value -0.761594  grad -1
   └─ div     value -1         grad -0.419974
      ├─ mul  (drawn above)
      └─ x    value 2          grad -1
)");
}

TEST(Draw, TheWholeDotOfAGraph) {
  Value x(2.0, "x\n\\");
  const Value y = x.pow(0.5) * x;
  EXPECT_EQ(draw(y).dot, R"DOT(digraph gradbook {
  rankdir=LR;
  node [shape=record, fontname="monospace"];
  n0 [label="mul | value 2.82843 | grad 0"];
  n1 [label="pow 0.5 | value 1.41421 | grad 0"];
  n2 [label="x\n\\ | value 2 | grad 0"];
  n1 -> n0;
  n2 -> n0;
  n2 -> n1;
}
)DOT");
}

TEST(Draw, TensorsShowAllOfTheirStates) {
  const Tensor row({1, 2, 3}, requires_grad);
  const Tensor cube = Tensor::full({1, 2, 2}, 0.25, requires_grad);
  const Tensor matrix({{1, 2, 3}, {4, 5, 6}}, requires_grad);
  const Tensor seven = Tensor::ones({7}, requires_grad);
  Tensor kept = row * matrix;
  kept.retain_grad();
  const Tensor all = kept.sum() + cube.sum() + seven.sum() * Tensor({2}).detach();
  const Tensor loss = all.sum();
  EXPECT_EQ(draw(loss, {{"row", row}, {"kept", kept}, {"loss", loss}}).text,
            R"(loss = sum              value 61                        grad (not kept)
└─ add                  value [61]                      grad (not kept)
   ├─ add               value () (freed)                grad (not kept)
   │  ├─ sum            value () (freed)                grad (not kept)
   │  │  └─ kept = mul  value [[1, 4, 9], [4, 10, 18]]  grad none yet
   │  │     ├─ row      value [1, 2, 3]                 grad none yet
   │  │     └─ leaf     value [[1, 2, 3], [4, 5, 6]]    grad none yet
   │  └─ sum            value () (freed)                grad (not kept)
   │     └─ leaf        value (1, 2, 2)                 grad none yet
   └─ mul               value (1,) (freed)              grad (not kept)
      └─ sum            value () (freed)                grad (not kept)
         └─ leaf        value (7,)                      grad none yet
)");
  loss.backward();
  EXPECT_EQ(draw(loss, {{"row", row}, {"kept", kept}}).text,
            R"(sum                     value 61                        grad (not kept)
└─ add                  value [61]                      grad (not kept)
   ├─ add               value () (freed)                grad (not kept)
   │  ├─ sum            value () (freed)                grad (not kept)
   │  │  └─ kept = mul  value [[1, 4, 9], [4, 10, 18]]  grad [[1, 1, 1], [1, 1, 1]]
   │  │     ├─ row      value [1, 2, 3]                 grad [5, 7, 9]
   │  │     └─ leaf     value [[1, 2, 3], [4, 5, 6]]    grad [[1, 2, 3], [1, 2, 3]]
   │  └─ sum            value () (freed)                grad (not kept)
   │     └─ leaf        value (1, 2, 2)                 grad (1, 2, 2)
   └─ mul               value (1,) (freed)              grad (not kept)
      └─ sum            value () (freed)                grad (not kept)
         └─ leaf        value (7,)                      grad (7,)
)");
}

TEST(Draw, ColumnsLineUpWhateverTheNamesAreWrittenWith) {
  const Value beta(2.0, "β");
  const Value y = beta * Value(1.25, "step");
  EXPECT_EQ(draw(y).text,
            "mul      value 2.5   grad 0\n"
            "├─ β     value 2     grad 0\n"
            "└─ step  value 1.25  grad 0\n");
}

TEST(Draw, ATensorWithoutAGraphIsRefused) {
  expect_mentions(message_of<RequiresGradError>([] {
                    draw(Tensor({1, 2}));
                  }),
                  {"draw:", "(2,)", "compute it from a leaf"});
}

TEST(Draw, ALargeGraphIsCutOffAndSaysSo) {
  Value y(1.0);
  for (int i = 0; i < 1000; ++i) y = y.tanh();
  expect_mentions(draw(y, 10).text, {"... cut off after 10 nodes"});
}

TEST(Draw, AGraphOfJustTheAllowedSizeIsDrawnWhole) {
  const Value x(1.0, "x");
  const Value y = x * x.tanh();  // 3 nodes
  EXPECT_EQ(draw(y, 3).text.find("cut off"), std::string::npos);
  EXPECT_EQ(draw(y, 2).text,
            "mul   value 0.761594  grad 0\n"
            "└─ x  value 1         grad 0\n"
            "... cut off after 2 nodes\n");
}

TEST(Draw, TwoHundredNodesAreDrawnUnlessAskedFor) {
  Value value(1.0);
  Tensor tensor({1}, requires_grad);
  for (int i = 0; i < 300; ++i) {
    value = -value;
    tensor = -tensor;
  }
  expect_mentions(draw(value).text, {"... cut off after 200 nodes"});
  expect_mentions(draw(tensor).text, {"... cut off after 200 nodes"});
}

TEST(Draw, AGraphOfAMillionNodesNeedsNoDeepStack) {
  Value y(1.0);
  for (int i = 0; i < 1000000; ++i) y = -y;
  EXPECT_FALSE(draw(y, 5).text.empty());
}

}  // namespace
}  // namespace gradbook
