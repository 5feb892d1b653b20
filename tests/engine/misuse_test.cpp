// Every misuse of the engine throws its class, and the message carries the operation, the shapes,
// and what to do instead. What was passed in is unharmed.
#include <functional>
#include <string>
#include <vector>
#include <xtensor/xarray.hpp>

#include "engine/checkpoint.hpp"
#include "engine/draw.hpp"
#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

/// Expects an E whose message starts with `operation` and holds all `shapes` and the `cure`: its
/// imperative, so that a message which only gives causes fails.
template <class E>
void expect_refused(const std::function<void()>& misuse, const std::string& operation,
                    const std::vector<std::string>& shapes, const std::string& cure) {
  const std::string message = message_of<E>(misuse);
  EXPECT_EQ(message.find(operation), 0U) << "starts with the operation: " << message;
  for (const std::string& shape : shapes) expect_mentions(message, {shape.c_str()});
  expect_mentions(message, {cure.c_str()});
  EXPECT_EQ(message.find('\n'), std::string::npos) << "one line: " << message;
}

TEST(Misuse, ShapesThatDoNotBroadcast) {
  const auto a = Tensor::zeros({2, 3});
  const auto b = Tensor::zeros({2});
  const std::vector<std::string> shapes = {"(2, 3)", "(2,)"};
  expect_refused<ShapeError>([&] { a + b; }, "add:", shapes, "reshape one of");
  expect_refused<ShapeError>([&] { a - b; }, "sub:", shapes, "reshape one of");
  expect_refused<ShapeError>([&] { a* b; }, "mul:", shapes, "reshape one of");
  expect_refused<ShapeError>([&] { a / b; }, "div:", shapes, "reshape one of");
  expect_refused<ShapeError>([&] { Tensor(a).add_(b); }, "add_:", shapes, "reshape one of");
  expect_refused<ShapeError>([&] { Tensor(a).sub_(b); }, "sub_:", shapes, "reshape one of");
  expect_refused<ShapeError>([&] { Tensor(a).mul_(b); }, "mul_:", shapes, "reshape one of");
  expect_refused<ShapeError>([&] { Tensor(a).copy_(b); }, "copy_:", shapes, "reshape one of");
  expect_refused<ShapeError>([&] { b.expand({2, 3}); }, "expand:", shapes, "reshape it first");
}

TEST(Misuse, MatmulOfWrongShapes) {
  const auto a = Tensor::zeros({2, 3});
  expect_refused<ShapeError>([&] { matmul(a, a); }, "matmul:", {"(2, 3)"}, "transpose one of");
  expect_refused<ShapeError>(
      [&] {
        matmul(a, Tensor({1, 2}));
      },
      "matmul:", {"(2, 3)", "(2,)"}, "transpose one of");
  expect_refused<ShapeError>([&] { matmul(a, Tensor(2.0)); }, "matmul:", {"(2, 3)", "and ()"},
                             "use * instead");
  expect_refused<ShapeError>(
      [&] {
        matmul(Tensor::zeros({4, 2, 3}), Tensor::zeros({5, 3, 2}));
      },
      "matmul:", {"(4, 2, 3)", "(5, 3, 2)", "batch"}, "reshape one of");
}

TEST(Misuse, DimensionsOutOfRange) {
  const auto a = Tensor::zeros({2, 3});
  const std::vector<std::string> shape = {"(2, 3)"};
  expect_refused<DimensionError>([&] { a.sum({2}); }, "sum:", shape, "use -2 to 1");
  expect_refused<DimensionError>([&] { a.mean({-3}); }, "mean:", shape, "use -2 to 1");
  expect_refused<DimensionError>([&] { a.argmax(5); }, "argmax:", shape, "use -2 to 1");
  expect_refused<DimensionError>([&] { a.transpose(0, 2); }, "transpose:", shape, "use -2 to 1");
  expect_refused<DimensionError>([&] { a.sum({0, 0}); }, "sum:", shape, "twice");
}

TEST(Misuse, BackwardTwice) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = (x * x).sum();
  y.backward();
  expect_refused<GraphFreedError>([&] { y.backward(); }, "backward:", {"mul", "(2,)"},
                                  "pass {.retain_graph = true}");
  expect_refused<GraphFreedError>([&] { grad(y, x); }, "grad:", {"mul", "(2,)"},
                                  "pass {.retain_graph = true}");
  EXPECT_EQ(x.grad().snapshot(), snap({2}, {2, 4}));
}

TEST(Misuse, BackwardOnANonScalar) {
  const Tensor x({1, 2, 3}, requires_grad);
  expect_refused<BackwardError>([&] { (x * x).backward(); }, "backward:", {"(3,)"},
                                "reduce it with sum()");
  expect_refused<BackwardError>([&] { grad(x * x, x); }, "grad:", {"(3,)"}, "reduce it with sum()");
}

TEST(Misuse, BackwardWithoutHistory) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor c({1, 2});
  const std::string why = "does not require grad";
  const std::string cure = "compute it from a leaf that requires grad";
  expect_refused<BackwardError>([&] { c.sum().backward(); }, "backward:", {"shape ()", why}, cure);
  expect_refused<BackwardError>([&] { x.detach().backward(c); }, "backward:", {"(2,)", why}, cure);
  expect_refused<BackwardError>([&] { grad(c.sum(), x); }, "grad:", {"shape ()", why}, cure);
  expect_refused<BackwardError>([&] { grad(x.sum(), c); }, "grad:", {"(2,)", why},
                                "call requires_grad_() on it");
  expect_refused<BackwardError>([&] { grad((x * x).sum(), Tensor({{1}}, requires_grad)); },
                                "grad:", {"(1, 1)"}, "pass {.allow_unused = true}");
}

TEST(Misuse, GradientOfTheWrongShape) {
  const Tensor x({{1, 2}, {3, 4}}, requires_grad);
  const Tensor wrong({1, 2});
  const std::vector<std::string> shapes = {"(2,)", "(2, 2)"};
  const std::string cure = "pass one of the tensor's shape";
  expect_refused<BackwardError>([&] { (x * x).backward(wrong); }, "backward:", shapes, cure);
  expect_refused<BackwardError>([&] { grad<float>({x * x}, {x}, {wrong}); }, "grad:", shapes, cure);
  expect_refused<ShapeError>([&] { Tensor(x).set_grad(wrong); }, "set_grad:", shapes, cure);
  EXPECT_FALSE(x.grad().defined());
}

TEST(Misuse, AGradientOfTheWrongShapeMayBeLeftOutForAScalarOnly) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor wrong({{1}});
  expect_refused<BackwardError>([&] { x.sum().backward(wrong); },
                                "backward:", {"shape (1, 1)", "has ()"}, ", or none");
  const std::string message = message_of<BackwardError>([&] { (x * x).backward(wrong); });
  EXPECT_EQ(message.find("none"), std::string::npos) << message;
}

TEST(Misuse, OtherThanOneGradientForEachOutput) {
  const Tensor x(1.0, requires_grad);
  expect_refused<BackwardError>(
      [&] {
        grad<float>({x, x}, {x}, {x});
      },
      "grad:", {"2 outputs", "1 grad_outputs"}, "give one for each");
  expect_refused<BackwardError>([&] { grad<float>({}, {x}); }, "grad:", {"no outputs"},
                                "name what to differentiate");
  expect_refused<BackwardError>([&] { grad<float>({x}, {}); }, "grad:", {"no inputs"},
                                "name what to differentiate with respect to");
}

// As a learner meets it: the step comes before any backward pass. The message cannot name the
// operation.
TEST(Misuse, AnUndefinedTensor) {
  Tensor w({1, 2}, requires_grad);
  const NoGradGuard updating;
  const std::string start = "this tensor is undefined:";
  expect_refused<UndefinedTensorError>([&] { w.sub_(0.1 * w.grad()); }, start, {"grad()"},
                                       "run backward() first");
  expect_refused<UndefinedTensorError>([] { Tensor().sum(); }, start, {"default-constructed"},
                                       "ask defined()");
  EXPECT_EQ(w.snapshot(), snap({2}, {1, 2}));
}

TEST(Misuse, InPlaceOnALeafThatRequiresGrad) {
  Tensor x({1, 2}, requires_grad);
  const Tensor other({3, 4});
  const std::vector<std::string> parts = {"leaf", "(2,)"};
  const std::string cure = "update it under a NoGradGuard";
  expect_refused<InPlaceError>([&] { x.add_(other); }, "add_:", parts, cure);
  expect_refused<InPlaceError>([&] { x.add_(1); }, "add_:", parts, cure);
  expect_refused<InPlaceError>([&] { x.sub_(other); }, "sub_:", parts, cure);
  expect_refused<InPlaceError>([&] { x.sub_(1); }, "sub_:", parts, cure);
  expect_refused<InPlaceError>([&] { x.mul_(other); }, "mul_:", parts, cure);
  expect_refused<InPlaceError>([&] { x.mul_(2); }, "mul_:", parts, cure);
  expect_refused<InPlaceError>([&] { x.zero_(); }, "zero_:", parts, cure);
  expect_refused<InPlaceError>([&] { x.copy_(other); }, "copy_:", parts, cure);
  EXPECT_EQ(x.snapshot(), snap({2}, {1, 2}));
}

TEST(Misuse, InPlaceThroughARecordedAlias) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x * 2;
  Tensor v = y.reshape({2, 1});
  expect_refused<InPlaceError>([&] { y.mul_(3); }, "mul_:", {"(2,)", "reshape"},
                               "compute a new tensor");
  expect_refused<InPlaceError>([&] { v.mul_(3); }, "mul_:", {"(2, 1)", "reshape"},
                               "compute a new tensor");
}

TEST(Misuse, InPlaceResultThatDoesNotFit) {
  Tensor x({1, 2});
  expect_refused<InPlaceError>(
      [&] {
        x.add_(Tensor::zeros({3, 2}));
      },
      "add_:", {"(2,)", "(3, 2)"}, "compute a new tensor");
}

TEST(Misuse, ASavedTensorChanged) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x.exp();
  y.add_(1);
  expect_refused<SavedTensorChangedError>([&] { y.sum().backward(); },
                                          "exp:", {"(2,)", "version 0", "version 1"},
                                          "compute a new tensor");
}

TEST(Misuse, TheRawArrayOfATensorThatRequiresGrad) {
  const Tensor x({1, 2}, requires_grad);
  const std::string cure = "say so with detach() first";
  expect_refused<RequiresGradError>([&] { x.to_xarray(); }, "to_xarray:", {"(2,)"}, cure);
  expect_refused<RequiresGradError>([&] { (x * 2).to_xarray(); }, "to_xarray:", {"(2,)"}, cure);
}

TEST(Misuse, SwitchingGradientsWhereThereAreNone) {
  const Tensor x({1, 2}, requires_grad);
  Tensor y = x * 2;
  Tensor c({1, 2});
  expect_refused<RequiresGradError>([&] { y.requires_grad_(false); }, "requires_grad_",
                                    {"(2,)", "mul"}, "use detach()");
  const std::string compute = "compute it from a leaf that requires grad";
  expect_refused<RequiresGradError>([&] { c.retain_grad(); }, "retain_grad:", {"(2,)"}, compute);
  expect_refused<RequiresGradError>([&] { draw(c); }, "draw:", {"(2,)"}, compute);
  expect_refused<RequiresGradError>([&] { c.set_grad(c); }, "set_grad:", {"(2,)"},
                                    "call requires_grad_()");
}

TEST(Misuse, ShapesThatDoNotFit) {
  const auto x = Tensor::zeros({2, 3});
  expect_refused<ShapeError>([&] { x.reshape({4}); }, "reshape:", {"(2, 3)", "6 elements", "(4)"},
                             "choose sizes");
  expect_refused<ShapeError>(
      [&] {
        x.reshape({4, -1});
      },
      "reshape:", {"(2, 3)", "(4, -1)"}, "choose others");
  expect_refused<ShapeError>(
      [&] {
        x.reshape({-1, -1});
      },
      "reshape:", {"(2, 3)", "(-1, -1)"}, "write out the others");
  expect_refused<ShapeError>([&] { x.reshape({-2}); }, "reshape:", {"(2, 3)", "(-2)"}, "write -1");
  expect_refused<ShapeError>([&] { x.item(); }, "item:", {"(2, 3)", "6 elements"},
                             "reduce it with sum()");
  expect_refused<ShapeError>([&] { x.sum_to({2}); }, "sum_to:", {"(2, 3)", "(2,)"},
                             "give each dimension its own size or 1");
  expect_refused<ShapeError>([] { Tensor::zeros({0}).argmax(); }, "argmax:", {"(0,)"}, "ask numel");
  expect_refused<ShapeError>(
      [] {
        Tensor::zeros({2, 0}).argmax(1);
      },
      "argmax:", {"(2, 0)"}, "take another dimension");
  expect_refused<ShapeError>(
      [] {
        Tensor::zeros({2, 3, 4}).t();
      },
      "t:", {"(2, 3, 4)"}, "name two in transpose(dim0, dim1)");
  expect_refused<ShapeError>(
      [] {
        Tensor({{1, 2}, {3}});
      },
      "tensor:", {"(2,)", "(1,)"}, "make them");
  expect_refused<ShapeError>(
      [] {
        Tensor::from(Snapshot({2, 2}, {1, 2}));
      },
      "tensor:", {"2 values", "(2, 2)"}, "give its 4 elements");
}

TEST(Misuse, ACheckpointThatDrawsRandomNumbers) {
  RandomState random(1);
  const Tensor x({1, 2, 3}, requires_grad);
  const Tensor y = checkpoint([&](const Tensor& in) { return in * random.randn<float>({3}); }, x);
  expect_refused<CheckpointError>([&] { y.sum().backward(); }, "checkpoint:", {"(3,)"},
                                  "make it depend on its inputs alone");
}

TEST(Misuse, EveryClassIsAnEngineErrorAndAStandardException) {
  const auto is_both = [](const auto& error) {
    const std::exception& standard = error;
    const Error& engine = error;
    return std::string(standard.what()) == "why" && std::string(engine.what()) == "why";
  };
  EXPECT_TRUE(is_both(ShapeError("why")));
  EXPECT_TRUE(is_both(UndefinedTensorError("why")));
  EXPECT_TRUE(is_both(DimensionError("why")));
  EXPECT_TRUE(is_both(BackwardError("why")));
  EXPECT_TRUE(is_both(GraphFreedError("why")));
  EXPECT_TRUE(is_both(InPlaceError("why")));
  EXPECT_TRUE(is_both(SavedTensorChangedError("why")));
  EXPECT_TRUE(is_both(RequiresGradError("why")));
  EXPECT_TRUE(is_both(CheckpointError("why")));
}

}  // namespace
}  // namespace gradbook
