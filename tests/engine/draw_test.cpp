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

TEST(Draw, ATensorWithoutAGraphIsRefused) {
  expect_mentions(message_of<RequiresGradError>([] { draw(Tensor({1, 2})); }), {"draw", "(2,)"});
}

TEST(Draw, ALargeGraphIsCutOffAndSaysSo) {
  Value y(1.0);
  for (int i = 0; i < 1000; ++i) y = y.tanh();
  expect_mentions(draw(y, 10).text, {"... cut off after 10 nodes"});
}

TEST(Draw, AGraphOfAMillionNodesNeedsNoDeepStack) {
  Value y(1.0);
  for (int i = 0; i < 1000000; ++i) y = -y;
  EXPECT_FALSE(draw(y, 5).text.empty());
}

}  // namespace
}  // namespace gradbook
