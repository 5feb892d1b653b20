// backward(): where gradients accumulate, when it may run again, what it starts from.
#include <functional>
#include <vector>

#include "tests/engine/central_difference.hpp"

namespace gradbook {
namespace {

TEST(Backward, AccumulatesOnLeaves) {
  Tensor x({1, 2}, requires_grad);
  (x * 3).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {3, 3}));
  (x * x).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {5, 7}));
  x.zero_grad();
  (x * x).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {2, 4}));
}

// As in LibTorch: who holds the gradient tensor sees it grow.
TEST(Backward, AccumulatesIntoTheGradientTensorThatIsThere) {
  const Tensor x({1, 2}, requires_grad);
  (x * 3).sum().backward();
  const Tensor held = x.grad();
  (x * 3).sum().backward();
  EXPECT_EQ(held.snapshot(), snap({2}, {6, 6}));
}

// So is this: a retained gradient is a new tensor after each pass.
TEST(Backward, ReplacesARetainedGradientByTheSum) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x * 3;
  y.retain_grad();
  y.sum().backward();
  const Tensor held = y.grad();
  y.sum().backward();
  EXPECT_EQ(held.snapshot(), snap({2}, {1, 1}));
  EXPECT_EQ(y.grad().snapshot(), snap({2}, {2, 2}));
}

TEST(Backward, SumsOverAllPathsOfADiamond) {
  const Tensor x({3}, requires_grad);
  const Tensor a = x * x;
  const Tensor b = a * 2;
  (b * b + a).sum().backward();  // 4x⁴ + x²
  EXPECT_EQ(x.grad().item(), 16 * 27 + 6);
}

TEST(Backward, ReachesOnlyLeavesThatRequireGrad) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor c({3, 4});
  const Tensor d = (x * 2).detach();
  (x * c + d).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), c.snapshot());
  EXPECT_FALSE(c.grad().defined());
  EXPECT_FALSE(d.grad().defined());
}

TEST(Backward, StartsAtALeafWithOne) {
  const Tensor x(2.0, requires_grad);
  x.backward();
  x.backward();
  EXPECT_EQ(x.grad().item(), 2.0F);
}

TEST(Backward, LeavesNoGradientOnIntermediatesUnlessAsked) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * 3;
  Tensor z = y * y;
  z.retain_grad();
  z.sum().backward();
  EXPECT_FALSE(y.grad().defined());
  EXPECT_EQ(z.grad().snapshot(), snap({2}, {1, 1}));
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {18, 36}));
}

TEST(Backward, RetainedGradientsAreCompleteAndAccumulate) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x * 3;
  y.retain_grad();
  const Tensor z = (y + y * 2).sum();
  z.backward();
  EXPECT_EQ(y.grad().snapshot(), snap({2}, {3, 3}));
  z.backward();
  EXPECT_EQ(y.grad().snapshot(), snap({2}, {6, 6}));
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {18, 18}));
}

TEST(Backward, RetainGradOnALeafChangesNothing) {
  Tensor x({1, 2}, requires_grad);
  x.retain_grad();
  (x * 3).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {3, 3}));
}

// A gradient that passes an addition unchanged goes to several tensors; each must have its own.
TEST(Backward, GradientsOfDifferentTensorsAreDifferentTensors) {
  const Tensor a({1, 2}, requires_grad);
  const Tensor b({3, 4}, requires_grad);
  Tensor y = a + b;
  y.retain_grad();
  y.reshape({2, 1}).sum().backward();
  a.grad().add_(10);
  EXPECT_EQ(b.grad().snapshot(), snap({2}, {1, 1}));
  EXPECT_EQ(y.grad().snapshot(), snap({2}, {1, 1}));
  (a * 3).sum().backward();
  EXPECT_EQ(a.grad().snapshot(), snap({2}, {14, 14}));
  EXPECT_EQ(b.grad().snapshot(), snap({2}, {1, 1}));
}

TEST(Backward, GradientsOfARecordedBackwardAreDifferentTensorsToo) {
  Tensor a({1, 2}, requires_grad);
  Tensor b({3, 4}, requires_grad);
  (a + b).sum().backward({.create_graph = true});
  (a * 3).sum().backward();
  EXPECT_EQ(a.grad().snapshot(), snap({2}, {4, 4}));
  EXPECT_EQ(b.grad().snapshot(), snap({2}, {1, 1}));
  a.zero_grad();
  b.zero_grad();
}

TEST(Backward, TheGradientGivenByTheCallerStaysTheCallers) {
  for (const bool create_graph : {false, true}) {
    Tensor x({1, 2}, requires_grad);
    const Tensor v({1, 1});
    x.backward(v, {.create_graph = create_graph});
    x.backward(Tensor({5, 5}));
    EXPECT_EQ(v.snapshot(), snap({2}, {1, 1})) << "create_graph " << create_graph;
    EXPECT_EQ(x.grad().snapshot(), snap({2}, {6, 6}));
    x.zero_grad();
  }
}

// --- a second time ---

using Function = std::function<Tensor(const Tensor&)>;

TEST(BackwardTwice, IsAllowedWhereNothingWasSaved) {
  const std::vector<std::pair<const char*, Function>> functions = {
      {"x + x", [](const Tensor& x) { return x + x; }},
      {"x - x", [](const Tensor& x) { return x - x; }},
      {"-x", [](const Tensor& x) { return -x; }},
      {"x * 2", [](const Tensor& x) { return x * 2; }},
      {"x / 2", [](const Tensor& x) { return x / 2; }},
      {"2 - x", [](const Tensor& x) { return 2 - x; }},
      {"sum", [](const Tensor& x) { return x.sum({0}); }},
      {"mean", [](const Tensor& x) { return x.mean({1}); }},
      {"reshape", [](const Tensor& x) { return x.reshape({4}); }},
      {"transpose", [](const Tensor& x) { return x.t(); }},
      {"expand",
       [](const Tensor& x) {
         return x.expand({3, 2, 2});
       }},
  };
  for (const auto& [name, f] : functions) {
    const Tensor x({{1, 2}, {3, 4}}, requires_grad);
    const Tensor y = f(x).sum();
    y.backward();
    const Snapshot once = x.grad().snapshot();
    y.backward();
    Snapshot twice = once;
    for (double& value : twice.values) value *= 2;
    EXPECT_EQ(x.grad().snapshot(), twice) << name;
  }
}

TEST(BackwardTwice, ThrowsWhereSomethingWasSaved) {
  const std::vector<std::pair<const char*, Function>> functions = {
      {"mul", [](const Tensor& x) { return x * x; }},
      {"div", [](const Tensor& x) { return 1 + x / x; }},
      {"pow", [](const Tensor& x) { return x.pow(2); }},
      {"reciprocal", [](const Tensor& x) { return 2 / x; }},
      {"exp", [](const Tensor& x) { return x.exp(); }},
      {"log", [](const Tensor& x) { return x.log(); }},
      {"sqrt", [](const Tensor& x) { return x.sqrt(); }},
      {"tanh", [](const Tensor& x) { return x.tanh(); }},
      {"sigmoid", [](const Tensor& x) { return x.sigmoid(); }},
      {"relu", [](const Tensor& x) { return x.relu(); }},
      {"matmul", [](const Tensor& x) { return matmul(x, x); }},
  };
  for (const auto& [name, f] : functions) {
    const Tensor x({{1, 2}, {3, 4}}, requires_grad);
    const Tensor y = f(x).sum();
    y.backward();
    const Snapshot once = x.grad().snapshot();
    const auto message = message_of<GraphFreedError>([&] { y.backward(); });
    expect_mentions(message, {"backward", name, "(2, 2)", "retain_graph"});
    EXPECT_EQ(x.grad().snapshot(), once) << name << ": nothing may be accumulated";
  }
}

TEST(BackwardTwice, RetainGraphKeepsWhatWasSaved) {
  const Tensor x({2, 3}, requires_grad);
  const Tensor y = (x * x).sum();
  y.backward({.retain_graph = true});
  y.backward({.retain_graph = true});
  y.backward();
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {12, 18}));
  message_of<GraphFreedError>([&] { y.backward(); });
}

// The part below w is still whole, and would have received its gradient before the throw.
TEST(BackwardTwice, AccumulatesNothingAnywhereWhenItThrows) {
  const Tensor x({2, 3}, requires_grad);
  const Tensor w({4, 5}, requires_grad);
  const Tensor square = x * x;
  square.sum().backward();
  const Tensor y = (w * 3 + square).sum();
  const Snapshot before = x.grad().snapshot();
  message_of<GraphFreedError>([&] { y.backward(); });
  EXPECT_FALSE(w.grad().defined());
  EXPECT_EQ(x.grad().snapshot(), before);
}

TEST(BackwardTwice, ASharedPartIsFreedByTheFirstOfTwoLosses) {
  const Tensor x({2, 3}, requires_grad);
  const Tensor shared = x.exp();
  const Tensor first = (shared * 2).sum();
  const Tensor second = (shared * 3).sum();
  first.backward();
  message_of<GraphFreedError>([&] { second.backward(); });
}

TEST(BackwardTwice, SavedOnlyForAnInputThatRequiresGrad) {
  const Tensor x({2, 3}, requires_grad);
  const Tensor c({4, 5});
  const Tensor y = (x * c).sum();  // saves c for x, and nothing for c
  y.backward();
  message_of<GraphFreedError>([&] { y.backward(); });
  const Tensor z = (c / x * 0).sum();
  z.backward();
  EXPECT_EQ(x.grad().snapshot(), c.snapshot());
}

// --- what it starts from ---

TEST(BackwardStart, ANonScalarNeedsAGradient) {
  const Tensor x({1, 2, 3}, requires_grad);
  const auto message = message_of<BackwardError>([&] { (x * x).backward(); });
  expect_mentions(message, {"backward", "scalar", "(3,)", "sum()", "gradient"});
  EXPECT_FALSE(x.grad().defined());
}

TEST(BackwardStart, WithAGradientItIsTheVectorJacobianProduct) {
  const Tensor x({1, 2, 3}, requires_grad);
  (x * x).backward(Tensor({1, 10, 100}));
  EXPECT_EQ(x.grad().snapshot(), snap({3}, {2, 40, 600}));
}

TEST(BackwardStart, OnesGiveTheGradientOfTheSum) {
  const Tensor x({1, 2, 3}, requires_grad);
  (x * x).backward(Tensor::ones({3}));
  EXPECT_EQ(x.grad().snapshot(), snap({3}, {2, 4, 6}));
}

TEST(BackwardStart, OneElementOfAnyShapeNeedsNoGradient) {
  const Tensor x({{3}}, requires_grad);
  (x * x).backward();
  EXPECT_EQ(x.grad().snapshot(), snap({1, 1}, {6}));
}

TEST(BackwardStart, AScalarMayBeGivenItsGradient) {
  const Tensor x(3.0, requires_grad);
  (x * x).backward(Tensor(10.0));
  EXPECT_EQ(x.grad().item(), 60.0F);
}

TEST(BackwardStart, TheGradientMustHaveTheTensorsShape) {
  const Tensor x({{1, 2}, {3, 4}}, requires_grad);
  for (const Tensor& wrong : {Tensor({1, 2}), Tensor(1.0), Tensor::ones({4})}) {
    const auto message = message_of<BackwardError>([&] { (x * x).backward(wrong); });
    expect_mentions(message, {"backward", to_string(wrong.shape()).c_str(), "(2, 2)"});
  }
  message_of<BackwardError>([&] { (x * x).sum().backward(Tensor::ones({1})); });
  EXPECT_FALSE(x.grad().defined());
}

TEST(BackwardStart, NeedsATensorThatRequiresGrad) {
  const Tensor c({1, 2});
  const auto message = message_of<BackwardError>([&] { c.sum().backward(); });
  expect_mentions(message, {"backward", "()", "does not require grad", "detach"});
  const Tensor x({1, 2}, requires_grad);
  message_of<BackwardError>([&] { x.detach().sum().backward(); });
}

TEST(BackwardStart, AnEmptyTensorGivesEmptyGradients) {
  const auto x = Tensor::zeros({0, 3}, requires_grad);
  (x * x).sum().backward();
  EXPECT_EQ(x.grad().snapshot(), snap({0, 3}, {}));
  message_of<BackwardError>([&] { (x * x).backward(); });
}

TEST(Backward, MatchesCentralDifferencesThroughALargerGraph) {
  const TensorFunction network = [](const std::vector<Tensor64>& in) {
    const Tensor64 hidden = (matmul(in[0], in[1]) + in[2]).tanh();
    const Tensor64 gated = hidden * hidden.sigmoid() + hidden.exp() / 3;
    return (gated - gated.mean({0}, true)).pow(2).mean({-1});
  };
  expect_gradients(network,
                   {random_tensor({4, 3}, 1).snapshot(), random_tensor({3, 2}, 2).snapshot(),
                    random_tensor({2}, 3).snapshot()});
}

// A failed pass must not leave the engine in no-grad mode or the graph marked.
TEST(Backward, AfterAnErrorTheNextPassIsRight) {
  const Tensor x({2, 3}, requires_grad);
  Tensor y = x * 2;
  const Tensor bad = (y * y).sum();
  const Tensor good = (x * 5).sum();
  y.add_(1);
  message_of<SavedTensorChangedError>([&] { (bad + good).backward(); });
  EXPECT_TRUE(GradMode::enabled());
  Tensor fresh({1, 1}, requires_grad);
  (fresh * x).sum().backward();
  EXPECT_EQ(fresh.grad().snapshot(), x.snapshot());
}

}  // namespace
}  // namespace gradbook
