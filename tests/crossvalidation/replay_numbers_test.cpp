#include <limits>

#include "tests/crossvalidation/replay_fixture.hpp"

// The step-local verdict where numbers are hard: at their edges, in long sums, and where there are
// none.

namespace gradbook::reference {
namespace {

template <class AnyTensor>
class ReplayNumbers : public ReplayTest<AnyTensor> {};
TYPED_TEST_SUITE(ReplayNumbers, BothPrecisions);

TYPED_TEST(ReplayNumbers, AgreesOnLongSumsOfOneSign) {
  this->expect_agreement([&] {
    const TypeParam x = this->positive({4, 30000}, requires_grad);
    const TypeParam w = this->positive({30000, 2}, requires_grad);
    (matmul(x, w) * x.sum({1}, true) * x.mean()).backward(this->positive({4, 2}));
    (x + this->positive({30000}, requires_grad)).sum().backward();
  });
}

TYPED_TEST(ReplayNumbers, AgreesOnZeroSizesAndScalars) {
  this->expect_agreement([&] {
    const TypeParam none = TypeParam::zeros({0, 3}, requires_grad);
    (none * 2 + this->random({3}, requires_grad)).sum().backward();
    matmul(none, this->random({3, 2}, requires_grad)).backward(TypeParam::zeros({0, 2}));
    const TypeParam s = this->random({}, requires_grad);
    (s.sum() * s.mean({0}) + s.reshape({1, 1}).transpose(0, 1)).sum().backward();
  });
}

// BLAS fuses products with sums, LibTorch's small products do not.
TYPED_TEST(ReplayNumbers, AgreesOnAProductThatOverflowsBesideAnInfinity) {
  const double inf = std::numeric_limits<double>::infinity();
  const double largest = std::numeric_limits<typename TypeParam::value_type>::max();
  const ReplayReport report = this->replayed([&] {
    const TypeParam row({{-1.5, largest}}, requires_grad);
    const TypeParam column({{inf}, {largest}}, requires_grad);
    matmul(row, column).backward(TypeParam::ones({1, 1}));
    matmul(column.reshape({1, 1, 2, 1}).transpose(2, 3), row.reshape({1, 2, 1}))
        .backward(TypeParam::ones({1, 1, 1, 1}));
  });
  EXPECT_TRUE(report.ok()) << report.summary();
}

TYPED_TEST(ReplayNumbers, AgreesOnTheEdgesOfTheNumbers) {
  const double inf = std::numeric_limits<double>::infinity();
  const double largest = std::numeric_limits<typename TypeParam::value_type>::max();
  const double smallest = std::numeric_limits<typename TypeParam::value_type>::denorm_min();
  const Snapshot edges(
      {12}, {0.0, -0.0, 1, -1, inf, -inf, std::nan(""), largest, -largest, smallest, 89, -104});
  const ReplayReport report = this->replayed([&] {
    TypeParam x = TypeParam::from(edges, requires_grad);
    const TypeParam other = TypeParam::from(edges).reshape({12, 1});
    for (const TypeParam& y :
         {x + other,  x - other,   x * other,      x / other,      other / x,     x.pow(2),
          x.pow(-1),  x.pow(0),    x.pow(0.7),     x.pow(3),       x.pow(0.5),    x.pow(-0.5),
          x.pow(1.5), -x,          x.reciprocal(), x.exp(),        x.log(),       x.sqrt(),
          x.tanh(),   x.sigmoid(), x.relu(),       gate(other, x), gate(x, other)}) {
      for (const double g : {1.0, 0.0, inf, largest, std::nan("")}) {
        y.backward(TypeParam::full(y.shape(), g), {.retain_graph = true});
        x.zero_grad();
      }
    }
  });
  EXPECT_TRUE(report.ok()) << report.summary();
}

}  // namespace
}  // namespace gradbook::reference
