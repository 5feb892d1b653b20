#include "engine/parity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <xtensor/xarray.hpp>

#include "engine/checkpoint.hpp"
#include "engine/value.hpp"
#include "reference/program.hpp"
#include "reference/replay.hpp"
#include "reference/saved.hpp"
#include "reference/version.hpp"

// Holds engine/parity.md to the engine, and the engine to LibTorch: one test for each row. That of
// dtypes is in misuse_dtypes_test.cpp.

namespace gradbook {
namespace {

constexpr std::size_t kMatrixBytes = 64 * 64 * sizeof(float);

bool is_libtorch_1_13() { return reference::libtorch_version().starts_with("1.13"); }

TEST(Parity, PageOnDiskIsWhatTheEnginePrints) {
  std::ifstream file(std::string(GRADBOOK_SOURCE_DIR) + "/engine/parity.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), parity::page()) << "print it anew: gradbook parity > engine/parity.md";
}

TEST(Parity, EveryDifferenceNamesATestThatExists) {
  std::set<std::string> tests;
  const auto* unit = testing::UnitTest::GetInstance();
  for (int i = 0; i < unit->total_test_suite_count(); ++i) {
    const auto* suite = unit->GetTestSuite(i);
    for (int k = 0; k < suite->total_test_count(); ++k) {
      tests.insert(std::string(suite->name()) + "." + suite->GetTestInfo(k)->name());
    }
  }
  for (const parity::Difference& difference : parity::differences()) {
    EXPECT_EQ(tests.count(difference.test), 1U) << difference.name << ": " << difference.test;
  }
}

TEST(Parity, OperationsSaveAsManyBytesAsLibTorchDoes) {
  const std::map<std::string, std::size_t> libtorch = reference::libtorch_saved_bytes();
  for (const parity::OperationFacts& facts : parity::operation_facts()) {
    if (facts.name == "checkpoint") continue;  // C++ LibTorch has none
    ASSERT_EQ(libtorch.count(facts.written), 1U) << facts.written << " has no LibTorch counterpart";
    EXPECT_EQ(facts.bytes, libtorch.at(facts.written)) << facts.written;
  }
}

TEST(Parity, EveryOperationCanBeReplayedInLibTorch) {
  const std::vector<std::string> known = reference::replayable_operations();
  for (const parity::OperationFacts& facts : parity::operation_facts()) {
    if (facts.name == "checkpoint") continue;  // its operations are replayed one by one
    EXPECT_NE(std::find(known.begin(), known.end(), facts.name), known.end()) << facts.name;
  }
}

TEST(Parity, TransposeCopiesWhereLibTorchViews) {
  const Tensor x = Tensor::zeros({2, 3});
  x.transpose(0, 1).add_(1);
  EXPECT_EQ(x.sum().item(), 0);
  EXPECT_TRUE(reference::libtorch_transpose_is_a_view());
}

TEST(Parity, ExpandCopiesWhereLibTorchViews) {
  Tensor x = Tensor::zeros({1});
  const Tensor repeated = x.expand({3});
  x.add_(1);
  EXPECT_EQ(repeated.sum().item(), 0);
  EXPECT_TRUE(reference::libtorch_expand_is_a_view());
}

// That LibTorch allows it is in the misuse table.
TEST(Parity, WriteThroughRecordedReshapeIsRefused) {
  const Tensor x({1, 2}, requires_grad);
  Tensor h = x * 2;
  {
    Tensor view = h.reshape({2, 1});
    EXPECT_THROW(view.add_(1), InPlaceError);
    EXPECT_THROW(h.add_(1), InPlaceError);
  }
  EXPECT_NO_THROW(h.add_(1)) << "the other alias is gone";
}

// That LibTorch is silent is in the misuse table.
TEST(Parity, RawArrayIsRefusedWhereLibTorchIsSilent) {
  const Tensor x({1, 2}, requires_grad);
  EXPECT_THROW(x.to_xarray(), RequiresGradError);
  EXPECT_EQ(x.detach().to_xarray()(1), 2.0F);
}

TEST(Parity, ValueKeepsIntermediateGradients) {
  const Value x(2.0);
  const Value h = x * x;
  (3 * h).backward();
  EXPECT_EQ(h.grad(), 3);
}

TEST(Parity, ValueRunsBackwardAgain) {
  const Value x(2.0);
  const Value h = x * x;
  const Value y = 3 * h;
  y.backward();
  y.backward();
  EXPECT_EQ(x.grad(), 24) << "leaves accumulate";
  EXPECT_EQ(h.grad(), 3) << "intermediates are computed afresh";
}

TEST(Parity, ValueAddsToAGradientOfZero) {
  const Value x(2.0);
  (-0.0 * x).backward();
  EXPECT_EQ(x.grad(), 0);
  EXPECT_FALSE(std::signbit(x.grad()));
  const reference::Outcome libtorch =
      reference::run_in_libtorch({reference::Precision::float64,
                                  {{"leaf", {}, {{"requires_grad", {1}}}, Snapshot(2.0)},
                                   {"mul", {0}, {{"scalar", {-0.0}}}},
                                   {"backward", {1}}}});
  const double gradient = libtorch.gradients.at(0).value().values.at(0);
  EXPECT_EQ(gradient, 0);
  EXPECT_TRUE(std::signbit(gradient));
}

TEST(Parity, FreedGraphIsRefusedBeforeAnythingChanges) {
  const Tensor x({1}, requires_grad);
  const Tensor z({1}, requires_grad);
  const Tensor y = x.exp();
  y.backward();
  EXPECT_THROW((y + 3 * z).backward(), GraphFreedError);
  EXPECT_FALSE(z.grad().defined());
  EXPECT_EQ(reference::libtorch_gradient_after_freed_graph(), 3);
}

TEST(Parity, GradientOfALargerShapeIsRefused) {
  const Tensor x({1, 1}, requires_grad);
  EXPECT_THROW((x * x).backward(Tensor::ones({3, 2})), BackwardError);
  EXPECT_TRUE(reference::libtorch_takes_a_larger_gradient());
}

TEST(Parity, OnlyWhatAWantedGradientReadsMustBeUnchanged) {
  Tensor x({1, 2}, requires_grad);
  const Tensor w({3, 4}, requires_grad);
  const Tensor y = (x * w).sum();
  {
    const NoGradGuard guard;
    x.add_(1);
  }
  EXPECT_EQ(grad(y, x, {.retain_graph = true}).snapshot(), w.snapshot());
  EXPECT_THROW(grad(y, w), SavedTensorChangedError);
  if (is_libtorch_1_13()) {
    EXPECT_FALSE(reference::libtorch_ignores_unread_saved_values());
  }
}

TEST(Parity, MeanOverDimsSavesNothing) {
  EXPECT_EQ(parity::saved_bytes(Tensor::ones({64, 64}, requires_grad).mean({0})), 0U);
  EXPECT_EQ(reference::libtorch_saved_bytes_of_mean_over_dims(),
            is_libtorch_1_13() ? kMatrixBytes : 0);
}

TEST(Parity, BatchedMatmulSavesOperandsAsTheyAre) {
  const Tensor a = Tensor::ones({2, 1, 64, 64}, requires_grad);
  const Tensor b = Tensor::ones({1, 2, 64, 64}, requires_grad);
  EXPECT_EQ(parity::saved_bytes(matmul(a, b)), 4 * kMatrixBytes);
  EXPECT_EQ(reference::libtorch_saved_bytes_of_broadcast_matmul(), 8 * kMatrixBytes);
}

TEST(Parity, ConstantsAreSavedNowhere) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor v({3, 4}, requires_grad);
  const Tensor slope = grad<float>({x * 3}, {x}, {v}, {.create_graph = true})[0].sum();
  grad(slope, v);
  EXPECT_EQ(grad(slope, v).snapshot(), Tensor({3, 3}).snapshot());
  if (is_libtorch_1_13()) {
    EXPECT_FALSE(reference::libtorch_saves_no_constants());
  }
}

TEST(Parity, GateSavesForTheGradientOfGOnly) {
  const Tensor y = Tensor::full({64, 64}, 0.5, requires_grad);
  const Tensor g = Tensor::ones({64, 64});
  EXPECT_EQ(parity::saved_bytes(gate(g, y * 1)), 0U);
  if (is_libtorch_1_13()) {
    EXPECT_EQ(reference::libtorch_saved_bytes_of_gate_without_g(), kMatrixBytes);
  }
}

TEST(Parity, ReshapeWithoutRecordingRequiresNoGrad) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor y = x * 2;
  {
    const NoGradGuard guard;
    EXPECT_FALSE(y.reshape({2, 1}).requires_grad());
  }
  EXPECT_TRUE(reference::libtorch_unrecorded_view_requires_grad());
}

TEST(Parity, GradientsOwnTheirStorage) {
  const Tensor x({{1, 2}, {3, 4}}, requires_grad);
  const Tensor given = Tensor::ones({4});
  x.reshape({-1}).backward(given);
  x.reshape({-1}).backward(given);
  EXPECT_EQ(given.snapshot(), Tensor::ones({4}).snapshot());
  EXPECT_EQ(x.grad().snapshot(), Tensor::full({2, 2}, 2).snapshot());
  EXPECT_EQ(reference::libtorch_given_gradient_after_two_passes(), 2);
}

TEST(Parity, GradLeavesRetainedGradientsAlone) {
  const Tensor x({3, 3}, requires_grad);
  Tensor y = x * 2;
  y.retain_grad();
  grad((y * y).sum(), x);
  EXPECT_FALSE(y.grad().defined());
  EXPECT_FALSE(reference::libtorch_grad_leaves_retained_gradients_alone());
}

TEST(Parity, UnrecordedWritesLeaveTheHistoryOfViews) {
  const Tensor x({{1, 2}}, requires_grad);
  Tensor view = (x * 2).reshape({2});
  const Tensor y = view.sum();
  view.detach().add_(1);
  view.retain_grad();
  y.backward();
  EXPECT_EQ(view.grad().snapshot(), Tensor({1, 1}).snapshot());
  EXPECT_FALSE(reference::libtorch_keeps_the_history_of_views());
}

TEST(Parity, OperandsMayShareMemory) {
  Tensor x({{1, 2}});
  x.add_(x.reshape({2}));
  EXPECT_EQ(x.snapshot(), Tensor({{2, 4}}).snapshot());
  EXPECT_FALSE(reference::libtorch_adds_another_shape_of_the_same());
}

TEST(Parity, FlagsOfSavedLeavesStay) {
  const Tensor x({1, 2}, requires_grad);
  Tensor w({3, 4}, requires_grad);
  const Tensor y = (w * x).sum();
  w.requires_grad_(false);
  EXPECT_TRUE(grad(y, x, {.create_graph = true}).requires_grad());
  EXPECT_FALSE(reference::libtorch_keeps_the_flag_of_a_saved_leaf());
}

TEST(Parity, SigmoidIsDifferentiatedTwiceAsItIsWritten) {
  const Tensor x(1.0, requires_grad);
  const Tensor first = grad(x.sigmoid(), x, {.create_graph = true});
  const Tensor infinite(std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(grad(first * infinite, x).item()));
  EXPECT_TRUE(std::isinf(reference::libtorch_second_derivative_of_sigmoid_times_infinity()));
}

TEST(Parity, LeavesAccumulateInTheirTurn) {
  const Tensor x({1, 2}, requires_grad);
  const Tensor w({3, 4}, requires_grad);
  x.sum().backward();
  const Tensor older = (w * x.grad()).sum();
  const Tensor newer = x.sum();
  (older + newer).backward();
  EXPECT_EQ(w.grad().snapshot(), Tensor({1, 1}).snapshot());
  EXPECT_EQ(x.grad().snapshot(), Tensor({2, 2}).snapshot());
  EXPECT_FALSE(reference::libtorch_reads_a_gradient_before_it_grows());
}

// That the largest is found where LibTorch finds it is in the misuse table.
TEST(Parity, ArgmaxReturnsIndices) {
  const std::vector<std::int64_t> indices = Tensor({{1, 3, 2}, {6, 5, 4}}).argmax(1);
  EXPECT_EQ(indices, (std::vector<std::int64_t>{1, 0}));
}

TEST(Parity, CheckpointMatchesThePlainFunction) {
  const Tensor w({0.5, -2}, requires_grad);
  const auto block = [&](const Tensor& x) { return (x * w).relu().pow(2); };
  const Tensor x({1, -3}, requires_grad);
  const auto plain = grad<float>({block(x).sum()}, {x, w});
  const auto checked = grad<float>({checkpoint(block, x).sum()}, {x, w});
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(plain[i].snapshot(), checked[i].snapshot());
  }
}

}  // namespace
}  // namespace gradbook
