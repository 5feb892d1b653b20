// Programs that once came out differently in the two engines, as small as they got.
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>

#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/compare.hpp"

namespace gradbook::fuzz {
namespace {

void expect_agreement(const ProgramBuilder& b) { EXPECT_EQ(compare(b.program()).disagreement, ""); }

TEST(FoundByFuzzing, ARetainedGradientWasLostInAWrite) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("sum", {x});
  b.line("retain_grad", {y});
  b.line("backward", {y});
  b.line("sub_", {y}, {{"scalar", {-1}}});
  expect_agreement(b);
}

TEST(FoundByFuzzing, TheGradientOfAnExpandThatRepeatsNothingIsTheOneGiven) {
  for (const double create_graph : {0.0, 1.0}) {
    ProgramBuilder b;
    const auto x = b.leaf({}, {0}, true);
    const auto y = b.line("expand", {x}, {{"shape", {}}});
    const auto g = b.leaf({}, {0}, true);
    b.line("grad", {y, x, g}, {{"create_graph", {create_graph}}});
    expect_agreement(b);
  }
}

TEST(FoundByFuzzing, TheGradientOfAMeanIsNeverTheOneGiven) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("mean", {x});
  const auto g = b.leaf({}, {0});
  const auto z = b.line("mul", {y, b.line("grad", {y, x, g})});
  b.line("add_", {g, b.leaf({}, {0})});
  b.line("backward", {z});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AFrozenLeafAccumulatesNothing) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {1}, true);
  const auto y = b.line("mul", {x, b.leaf({}, {1})});
  b.line("backward", {y}, {{"retain_graph", {1}}});
  const auto z = b.line("mul", {y, x});
  b.line("requires_grad_", {x}, {{"wanted", {0}}});
  b.line("grad", {z, y}, {{"create_graph", {1}}});
  b.line("backward", {z});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AProductOfVectorsThatIsWrittenToKeepsItsHistory) {
  ProgramBuilder b;
  const auto x = b.leaf({1}, {0}, true);
  const auto y = b.line("matmul", {x, x});
  const auto z = b.line("sum", {y});
  b.line("no_grad", {});
  b.line("add_", {y}, {{"scalar", {0}}});
  b.line("end_no_grad", {});
  b.line("grad", {z, y});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AReshapeThatIsWrittenToKeepsItsHistory) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("reshape", {x}, {{"shape", {}}});
  const auto z = b.line("add", {y}, {{"scalar", {1}}});
  b.line("no_grad", {});
  b.line("zero_", {y});
  b.line("end_no_grad", {});
  b.line("grad", {z, y});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AProductSavesNoViewOfTheGradientOfASum) {
  ProgramBuilder b;
  const auto x = b.leaf({1, 1}, {0}, true);
  const auto w = b.leaf({1, 1}, {0}, true);
  const auto y = b.line("sum", {b.line("matmul", {x, w})}, {{"keepdim", {1}}});
  const auto g = b.leaf({1, 1}, {0}, true);
  const auto first = b.line("grad", {y, x, g}, {{"create_graph", {1}}});
  b.line("no_grad", {});
  b.line("sub_", {g, g});
  b.line("end_no_grad", {});
  b.line("backward", {first});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AProductOfVectorsIsNoView) {
  ProgramBuilder b;
  const auto y = b.line("matmul", {b.leaf({1}, {0}), b.leaf({1}, {0})});
  const auto x = b.leaf({}, {0}, true);
  b.line("copy_", {y, x});
  b.line("grad", {y, x});
  b.line("backward", {y});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AViewWhoseHistoryLibTorchRefusesIsLetGo) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("sum", {x});
  const auto g = b.leaf({}, {0});
  b.line("grad", {y, x, g});
  b.line("copy_", {g, y});
  expect_agreement(b);
}

TEST(FoundByFuzzing, ATransposedScalarIsAnAlias) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("grad", {x, x});
  const auto z = b.line("transpose", {y}, {{"dim0", {0}}, {"dim1", {-1}}});
  b.line("sub_", {z, z});
  b.line("requires_grad_", {y}, {{"wanted", {1}}});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AGradientThatRequiresGradGrowsOn) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  b.line("backward", {x});
  const auto gradient = b.line("grad_of", {x});
  b.line("requires_grad_", {gradient}, {{"wanted", {1}}});
  const auto y = b.line("mul", {gradient, b.leaf({}, {0})});
  b.line("backward", {x});
  b.line("backward", {y});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AGradientThatSharesMemoryWithItsTargetIsRefusedByLibTorchAlone) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("reshape", {x}, {{"shape", {1}}});
  const auto g = b.leaf({1}, {1});
  b.line("add_", {g, b.line("grad", {y, x, g})});
  expect_agreement(b);
}

TEST(FoundByFuzzing, TheSecondDerivativeOfSigmoidIsLibTorchsOwnFormula) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {1}, true);
  const auto y = b.line("sigmoid", {x});
  const auto first = b.line("grad", {y, x}, {{"create_graph", {1}}});
  const auto infinity = b.leaf({}, {-std::numeric_limits<double>::infinity()});
  b.line("backward", {b.line("mul", {first, infinity})});
  b.line("tanh", {b.line("grad_of", {x})});
  expect_agreement(b);
}

TEST(FoundByFuzzing, WhatPrecedesAnIntendedRefusalMayDifferByIntentionToo) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("transpose", {x}, {{"dim0", {0}}, {"dim1", {-1}}});
  const auto g = b.leaf({}, {0});
  b.line("backward", {y, g});
  b.line("backward", {y});
  b.line("sub", {y, g});
  const auto v = b.leaf({}, {0}, true);
  const auto w = b.leaf({}, {0}, true);
  const auto z = b.line("mul", {v, w});
  b.line("add_", {b.line("detach", {w})}, {{"scalar", {0}}});
  b.line("grad", {z, w});
  expect_agreement(b);
}

TEST(FoundByFuzzing, TheGradientOfAFrozenLeafThatWasWrittenToIsNoResultOfAPass) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("sum", {x});
  b.line("backward", {y, b.leaf({}, {0})});
  b.line("requires_grad_", {x}, {{"wanted", {0}}});
  b.line("add_", {x, y});
  b.line("backward", {x});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AnInfiniteGradientOfTanhIsNaNInFloat32LibTorchAlone) {
  ProgramBuilder b;
  const auto x = b.leaf({1}, {-9}, true);
  const auto infinity = b.leaf({1}, {std::numeric_limits<double>::infinity()});
  b.line("backward", {b.line("matmul", {b.line("tanh", {x}), infinity})});
  expect_agreement(b);
}

TEST(FoundByFuzzing, ARetainedGradientGrowsOnAfterAWrite) {
  ProgramBuilder b;
  const auto x = b.leaf({1}, {0}, true);
  const auto y = b.line("mul", {x}, {{"scalar", {2}}});
  b.line("retain_grad", {y});
  b.line("backward", {y});
  b.line("mul_", {y, b.leaf({}, {0})});
  b.line("backward", {y});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AConstantThatIsMultipliedWithInPlaceIsNotSaved) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("clone", {x});
  b.line("mul_", {y}, {{"scalar", {2}}});
  const auto g = b.leaf({}, {0}, true);
  const auto first = b.line("grad", {y, x, g}, {{"create_graph", {1}}});
  b.line("backward", {first});
  b.line("backward", {first});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AProductOfABatchAndAMatrixIsNoView) {
  ProgramBuilder b;
  const auto product = b.line("matmul", {b.leaf({1, 1}, {0}, true), b.leaf({1, 1, 1}, {0})});
  const auto alias = b.line("detach", {product});
  b.line("copy_", {alias, product});
  b.line("grad", {alias, product});
  expect_agreement(b);
}

TEST(FoundByFuzzing, TheSecondDerivativeOfTheMeanOfNothingIsZero) {
  ProgramBuilder b;
  const auto x = b.leaf({0}, {}, true);
  const auto g = b.leaf({}, {0}, true);
  const auto first = b.line("grad", {b.line("mean", {x}), x, g}, {{"create_graph", {1}}});
  b.line("grad", {b.line("mean", {first}), g});
  expect_agreement(b);
}

TEST(FoundByFuzzing, ARefusedPassLetsAGradientAndAnOlderLeafWait) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto v = b.leaf({}, {0}, true);
  const auto w = b.leaf({}, {0}, true);
  const auto g = b.leaf({}, {0});
  b.line("backward", {b.line("mul", {x, w}), g}, {{"create_graph", {1}}});
  b.line("copy_", {g, g});
  b.line("backward", {v});
  const auto gradient = b.line("grad_of", {x});
  b.line("backward", {b.line("add", {b.line("add", {v, x}), gradient})});
  expect_agreement(b);
}

TEST(FoundByFuzzing, AGradientThatGrewInAPassThatWasRefusedLaterIsNoSurprise) {
  ProgramBuilder b;
  const auto x = b.leaf({1}, {1}, true);
  const auto factor = b.leaf({}, {1});
  const auto y = b.line("mul", {x, factor});
  b.line("copy_", {factor, b.leaf({}, {0})});
  const auto newer = b.leaf({1}, {0}, true);
  const auto product = b.line("matmul", {newer, y});
  b.line("backward", {b.line("add", {b.line("mean", {newer}), product})});
  expect_agreement(b);
}

TEST(FoundByFuzzing, TheConcessionThatExplainsIsTakenBeforeOneThatOnlyDiffersLater) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.leaf({}, {0});
  b.line("copy_", {y, x});
  const auto z = b.line("transpose", {y}, {{"dim0", {0}}, {"dim1", {-1}}});
  const auto g = b.leaf({}, {0});
  b.line("grad", {z, x, g}, {{"create_graph", {1}}});
  b.line("add_", {g}, {{"scalar", {2}}});
  b.line("requires_grad_", {g}, {{"wanted", {1}}});
  expect_agreement(b);
  EXPECT_EQ(compare(b.program()).intended.count("flags of saved leaves"), 1U);
}

TEST(FoundByFuzzing, AGradientOfZeroThatFollowsOneOfMinusZeroIsAnotherOne) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("reshape", {x}, {{"shape", {}}});
  const auto z = b.line("pow", {b.line("sub", {b.leaf({}, {0}), y})}, {{"scalar", {0}}});
  b.line("grad", {z, x});
  b.line("grad", {y, x, b.leaf({}, {0})});
  expect_agreement(b);
}

TEST(FoundByFuzzing, TwoConcessionsMayBeNeededWhereAllTogetherAreTooMany) {
  ProgramBuilder b;
  const auto x = b.leaf({}, {0}, true);
  const auto y = b.line("reshape", {x}, {{"shape", {}}});
  const auto alias = b.line("detach", {x});
  b.line("mul_", {alias}, {{"scalar", {-1}}});
  const auto g = b.leaf({}, {1});
  const auto gradient = b.line("grad", {y, x, g});
  b.line("requires_grad_", {g}, {{"wanted", {1}}});
  b.line("copy_", {gradient, alias});
  b.line("clone", {g});
  expect_agreement(b);
  const std::map<std::string, std::size_t> both = {{"history of views", 1},
                                                   {"views without recording", 1}};
  EXPECT_EQ(compare(b.program()).intended, both);
}

}  // namespace
}  // namespace gradbook::fuzz
