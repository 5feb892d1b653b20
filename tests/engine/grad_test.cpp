// grad(): gradients returned instead of accumulated, and no more of the graph run than they need.
#include <vector>

#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

TEST(Grad, ReturnsGradientsAndTouchesNone) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor w({3, 4}, requires_grad);
  const auto gradients = grad<float>({(x * w).sum()}, {x, w});
  EXPECT_EQ(gradients[0].snapshot(), w.snapshot());
  EXPECT_EQ(gradients[1].snapshot(), x.snapshot());
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(w.grad().defined());
}

TEST(Grad, LeavesAnAccumulatedGradientAsItWas) {
  const Tensor x({1, 2}, requires_grad);
  (x * 7).sum().backward();
  grad((x * x).sum(), x);
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {7, 7}));
}

TEST(Grad, OfIntermediates) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * 3;
  const Tensor z = (y * y).sum();
  const auto gradients = grad<float>({z}, {y, x, z});
  EXPECT_EQ(gradients[0].snapshot(), snap({2}, {6, 12}));
  EXPECT_EQ(gradients[1].snapshot(), snap({2}, {18, 36}));
  EXPECT_EQ(gradients[2].snapshot(), Snapshot(1.0)) << "of the output with respect to itself";
  EXPECT_FALSE(y.grad().defined());
}

TEST(Grad, AnInputAskedForTwiceIsAnsweredTwice) {
  const Tensor x({1, 2}, requires_grad);
  const auto gradients = grad<float>({(x * 3).sum()}, {x, x});
  EXPECT_EQ(gradients[0].snapshot(), snap({2}, {3, 3}));
  EXPECT_EQ(gradients[1].snapshot(), snap({2}, {3, 3}));
}

TEST(Grad, AddsUpOverSeveralOutputs) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * 3;
  const Tensor z = x * x;
  const Tensor unread;  // z.sum() is a scalar: it starts from 1
  const auto gradients = grad<float>({y, z.sum()}, {x}, {Tensor({1, 10}), unread});
  EXPECT_EQ(gradients[0].snapshot(), snap({2}, {3 + 2, 30 + 4}));
}

TEST(Grad, TheSameOutputTwiceCountsTwice) {
  const Tensor x(3.0, requires_grad);
  const Tensor y = x * x;
  EXPECT_EQ(grad<float>({y, y}, {x})[0].item(), 12.0F);
}

TEST(Grad, OneOutputMayLeadToAnother) {
  const Tensor x(3.0, requires_grad);
  const Tensor y = x * x;
  const Tensor z = y * y;
  const auto gradients = grad<float>({z, y}, {y, x});
  EXPECT_EQ(gradients[0].item(), 2 * 9.0F + 1);
  EXPECT_EQ(gradients[1].item(), 6.0F * (2 * 9 + 1));
}

TEST(Grad, TheGradOutputStaysTheCallers) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor v({1, 1});
  const Tensor y = x + 0;
  grad<float>({y, y}, {x}, {v, v});
  EXPECT_EQ(v.snapshot(), snap({2}, {1, 1}));
}

// --- what has no part in it ---

TEST(GradUnused, IsRefusedUnlessAllowed) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor other({{1, 2, 3}}, requires_grad);
  const Tensor y = (x * x).sum();
  const auto message = message_of<BackwardError>([&] { grad<float>({y}, {x, other}); });
  expect_mentions(message, {"grad", "(1, 3)", "allow_unused"});
  // The refusal came before anything ran or was freed.
  const auto gradients = grad<float>({y}, {other, x}, {}, {.allow_unused = true});
  EXPECT_FALSE(gradients[0].defined());
  EXPECT_EQ(gradients[1].snapshot(), snap({2}, {2, 4}));
}

TEST(GradUnused, AResultOfTheOutputHasNoPartInIt) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * 3;
  const Tensor later = y * 2;
  const auto gradients = grad<float>({y.sum()}, {later}, {}, {.allow_unused = true});
  EXPECT_FALSE(gradients[0].defined());
}

// --- pruning ---

TEST(GradPruning, LeavesOtherLeavesAlone) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor w({3, 4}, requires_grad);
  Tensor hidden = x * w;
  hidden.retain_grad();
  const auto gradient = grad((hidden * hidden).sum(), x);
  EXPECT_EQ(gradient.snapshot(), snap({2}, {18, 64}));
  EXPECT_FALSE(w.grad().defined());
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(hidden.grad().defined());
}

TEST(GradPruning, FreesOnlyWhatItRanThrough) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor w({3, 4}, requires_grad);
  const Tensor left = x.exp();
  const Tensor right = w.tanh();
  const Tensor y = (left * right).sum();
  grad(y, x);
  // Ran through mul and exp; tanh was on no way to x.
  right.sum().backward();
  EXPECT_TRUE(w.grad().defined());
  message_of<GraphFreedError>([&] { left.sum().backward(); });
  message_of<GraphFreedError>([&] { y.backward(); });
}

TEST(GradPruning, StopsAtTheInputsWithoutFreeingBeyond) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x.exp();
  const Tensor z = (y * y).sum();
  grad(z, y);
  y.sum().backward();
  expect_near(x.grad().snapshot(), y.snapshot(), 0);
}

// It need not run through y, whose saved values are gone: gradients stop there.
TEST(GradPruning, AnInputWhoseOwnPastIsFreedCanStillBeAskedFor) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * x;
  y.sum().backward();
  const Tensor z = (y * 3).sum();
  EXPECT_EQ(grad(z, y).snapshot(), snap({2}, {3, 3}));
  message_of<GraphFreedError>([&] { grad(z, x); });
}

TEST(GradPruning, RunsNothingThatLeadsNowhere) {
  const Tensor x({1, 2}, requires_grad);
  Tensor w({3, 4}, requires_grad);
  const Tensor square = w * w;
  {
    const NoGradGuard no_grad;
    w.add_(1);  // the derivative of square would be refused now
  }
  EXPECT_EQ(grad((x * 2 + square).sum(), x).snapshot(), snap({2}, {2, 2}));
}

// --- a second time ---

TEST(GradTwice, ThrowsAsBackwardDoes) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = (x * x).sum();
  grad(y, x);
  const auto message = message_of<GraphFreedError>([&] { grad(y, x); });
  expect_mentions(message, {"grad", "mul", "(2,)", "retain_graph"});
}

TEST(GradTwice, RetainGraphAllowsIt) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = (x * x).sum();
  const auto first = grad(y, x, {.retain_graph = true});
  const auto second = grad(y, x);
  EXPECT_EQ(first.snapshot(), second.snapshot());
}

// --- what it starts from ---

TEST(GradStart, EachOutputNeedsAScalarOrAGradient) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * x;
  expect_mentions(message_of<BackwardError>([&] { grad(y, x); }), {"grad", "(2,)", "sum()"});
  const auto message = message_of<BackwardError>([&] {
    grad<float>({y}, {x}, {Tensor({1, 2, 3})});
  });
  expect_mentions(message, {"grad", "(3,)", "(2,)"});
  message_of<BackwardError>([&] { grad<float>({y.sum(), y}, {x}); });
}

TEST(GradStart, WantsAsManyGradOutputsAsOutputs) {
  const Tensor x({1, 2}, requires_grad);
  const auto message = message_of<BackwardError>([&] {
    grad<float>({x * 2, x * 3}, {x}, {Tensor({1, 1})});
  });
  expect_mentions(message, {"grad", "2 outputs", "1 grad_outputs"});
}

TEST(GradStart, WantsOutputsAndInputs) {
  const Tensor x(1.0, requires_grad);
  const std::vector<Tensor> one = {x};
  const std::vector<Tensor> none;
  expect_mentions(message_of<BackwardError>([&] { grad(none, one); }), {"grad", "no outputs"});
  expect_mentions(message_of<BackwardError>([&] { grad(one, none); }), {"grad", "no inputs"});
}

TEST(GradStart, OutputsAndInputsMustRequireGrad) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor c({1, 2});
  expect_mentions(message_of<BackwardError>([&] { grad(c.sum(), x); }),
                  {"grad", "does not require grad"});
  expect_mentions(message_of<BackwardError>([&] { grad((x * c).sum(), c); }),
                  {"grad", "(2,)", "does not require grad"});
}

TEST(Grad, GradientsOfOneOutputGivenTwiceAreAddedUnrecordedUnlessAsked) {
  const Tensor64 x({1, 2}, requires_grad);
  const Tensor64 y = x * 2;
  const Tensor64 g({3, 4}, requires_grad);
  for (const bool create_graph : {false, true}) {
    const Tensor64 sum = grad<double>({y, y}, {y}, {g, g}, {.create_graph = create_graph})[0];
    EXPECT_EQ(sum.snapshot(), Snapshot({2}, {6, 8}));
    EXPECT_EQ(sum.requires_grad(), create_graph);
  }
}

}  // namespace
}  // namespace gradbook
