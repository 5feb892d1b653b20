#include "engine/checkpoint.hpp"
#include "tests/crossvalidation/replay_fixture.hpp"

// What the engine does right, the replay finds right. That it finds what is wrong is in
// replay_finds_test.cpp.

namespace gradbook::reference {
namespace {

template <class AnyTensor>
class Replay : public ReplayTest<AnyTensor> {
 protected:
  using ReplayTest<AnyTensor>::random;
  using ReplayTest<AnyTensor>::positive;

  /// Every operation there is, on inputs that require grad: twenty-odd results.
  std::vector<AnyTensor> every_operation() {
    const AnyTensor a = random({2, 3}, requires_grad);
    const AnyTensor b = random({2, 3}, requires_grad);
    const AnyTensor row = random({3}, requires_grad);
    const AnyTensor column = random({2, 1}, requires_grad);
    const AnyTensor p = positive({2, 3}, requires_grad);
    AnyTensor written = a * 2;
    written.add_(b).sub_(row).mul_(column).add_(0.1).sub_(0.3).mul_(1.7);
    AnyTensor copied = a + 1;
    copied.copy_(row);
    AnyTensor zeroed = a * b;
    zeroed.zero_();
    return {a + b,
            a - row,
            column * row,
            a / p,
            column / p,
            a + 0.1,
            a - 0.1,
            0.1 - a,
            a * 0.1,
            a / 0.3,
            0.3 / p,
            p.pow(2.3),
            a.pow(3),
            a.pow(0),
            -a,
            p.reciprocal(),
            a.exp(),
            p.log(),
            p.sqrt(),
            a.tanh(),
            a.sigmoid(),
            a.relu(),
            gate(a, b),
            a.sum(),
            a.sum({1}),
            a.sum({0}, true),
            a.mean(),
            a.mean({-1}, true),
            a.transpose(0, 1),
            a.reshape({3, -1}),
            row.expand({2, 3}),
            a.sum_to({3}),
            a.sum_to({2, 3}),
            matmul(a, b.t()),
            matmul(a, row),
            matmul(row, row),
            matmul(random({4, 1, 2, 3}, requires_grad), random({5, 3, 2}, requires_grad)),
            written + a,
            copied * a,
            zeroed + b,
            a.detach() * b};
  }
};
TYPED_TEST_SUITE(Replay, BothPrecisions);

TYPED_TEST(Replay, AgreesOnEveryOperationForward) {
  const NoGradGuard off;
  const ReplayReport report = this->expect_agreement([&] { this->every_operation(); });
  EXPECT_EQ(report.gradients, 0U);
}

TYPED_TEST(Replay, AgreesOnEveryOperationBackward) {
  const ReplayReport report = this->expect_agreement([&] {
    for (const TypeParam& y : this->every_operation()) y.backward(this->random(y.shape()));
  });
  EXPECT_GT(report.gradients, 50U);
}

TYPED_TEST(Replay, AgreesOnEveryOperationTwiceDifferentiated) {
  this->expect_agreement([&] {
    for (const TypeParam& y : this->every_operation()) {
      y.backward(this->random(y.shape(), requires_grad), {.create_graph = true});
    }
  });
  this->expect_agreement([&] {
    const TypeParam x = this->positive({2, 3}, requires_grad);
    for (const TypeParam& y :
         {x.pow(2.5), x.exp(), x.log(), x.sqrt(), x.tanh(), x.sigmoid(), x.relu() * x, 1 / x,
          x / (x + 1), matmul(x, x.t()), x.mean({0}) * x, x.transpose(0, 1) * x.reshape({3, 2})}) {
      const TypeParam weights = this->random(y.shape(), requires_grad);
      const TypeParam first =
          grad<typename TypeParam::value_type>({y}, {x}, {weights}, {.create_graph = true})[0];
      (first * this->random(x.shape())).sum().backward();
    }
  });
}

TYPED_TEST(Replay, HasARowForEveryOperationThatATraceShows) {
  this->expect_agreement([&] {
    for (const TypeParam& y : this->every_operation()) y.backward(this->random(y.shape()));
  });
  const std::vector<std::string> known = replayable_operations();
  EXPECT_EQ(this->seen_, std::set<std::string>(known.begin(), known.end()));
}

TYPED_TEST(Replay, AgreesOnSumsOfGradientsOverSeveralCalls) {
  this->expect_agreement([&] {
    const TypeParam x = this->random({3}, requires_grad);
    const TypeParam y = x * x + x * 3 - x;
    TypeParam z = y.exp() * y;
    z.retain_grad();
    z.sum().backward({.retain_graph = true});
    z.sum().backward();
    x.backward(this->random({3}));
  });
}

TYPED_TEST(Replay, AgreesOnGradOfSeveralOutputsAndInputs) {
  using T = typename TypeParam::value_type;
  this->expect_agreement([&] {
    const TypeParam a = this->random({3}, requires_grad);
    const TypeParam b = this->random({3}, requires_grad);
    const TypeParam unused = this->random({3}, requires_grad);
    const TypeParam y = a * b;
    const TypeParam z = (y + a).sum();
    const auto gradients = grad<T>({y, z}, {a, y, b, unused}, {this->random({3}), TypeParam()},
                                   {.retain_graph = true, .allow_unused = true});
    EXPECT_FALSE(gradients[3].defined());
    TypeParam used = gradients[0] * b;
    used.sum().backward();
    grad<T>({a + 1}, {a}, {b})[0] * 2;
  });
}

TYPED_TEST(Replay, AgreesOnAliasesThatAreWrittenTo) {
  this->expect_agreement([&] {
    TypeParam x = this->random({2, 3});
    TypeParam flat = x.reshape({6});
    TypeParam same = x.detach();
    flat.mul_(2);
    same.add_(1);
    TypeParam y = x * this->random({3}, requires_grad);
    y.detach().add_(1);
    (y * 2).sum().backward();
  });
}

TYPED_TEST(Replay, AgreesWithWritesWhileRecordingIsOff) {
  this->expect_agreement([&] {
    TypeParam x = this->random({3}, requires_grad);
    TypeParam y = x + x;
    {
      const NoGradGuard off;
      x.mul_(0.5);
      y.add_(1);
      EXPECT_FALSE((x * y).requires_grad());
    }
    (x * y).sum().backward();
  });
}

TYPED_TEST(Replay, AgreesOnTraining) {
  this->expect_agreement([&] {
    const TypeParam x = this->random({8, 3});
    const TypeParam target = this->random({8, 1});
    TypeParam w1 = this->random({3, 4}, requires_grad);
    TypeParam b1 = TypeParam::zeros({4}, requires_grad);
    TypeParam w2 = this->random({4, 1}, requires_grad);
    for (int step = 0; step < 10; ++step) {
      const TypeParam error = matmul((matmul(x, w1) + b1).tanh(), w2) - target;
      (error * error).mean().backward();
      const NoGradGuard off;
      for (TypeParam* weights : {&w1, &b1, &w2}) {
        weights->grad().mul_(0.9);
        weights->sub_(weights->grad() * 0.1);
        if (step % 2 == 0) weights->set_grad(weights->grad() * 0.1);
        if (step % 3 == 0) weights->zero_grad();
      }
    }
  });
}

TYPED_TEST(Replay, AgreesOnFlagsThatChange) {
  this->expect_agreement([&] {
    TypeParam x = this->random({3});
    EXPECT_FALSE((x * 2).requires_grad());
    x.requires_grad_();
    (x * x).sum().backward();
    x.requires_grad_(false);
    EXPECT_FALSE((x * 2).requires_grad());
    x.requires_grad_();
    (x * 3).sum().backward();
  });
}

TYPED_TEST(Replay, AgreesOnACheckpoint) {
  this->expect_agreement([&] {
    const TypeParam x = this->random({3, 3}, requires_grad);
    const TypeParam w = this->random({3, 3}, requires_grad);
    const auto layer = [&](const TypeParam& in) { return matmul(in, w).tanh(); };
    const TypeParam y = checkpoint<typename TypeParam::value_type>(
        layer, checkpoint<typename TypeParam::value_type>(layer, x));
    (y * y).sum().backward();
  });
}

TYPED_TEST(Replay, AgreesWhereTheGraphIsOlderThanTheTrace) {
  const TypeParam x = this->random({3}, requires_grad);
  (x * 2).sum().backward();
  const TypeParam y = x.exp();
  this->expect_agreement([&] {
    (y * x).sum().backward();
    (x * x).sum().backward();
  });
}

TYPED_TEST(Replay, AgreesOnGradientsThatAreRetainedAliasedOrWrittenTo) {
  using T = typename TypeParam::value_type;
  this->expect_agreement([&] {
    const TypeParam x = this->random({2, 3}, requires_grad);
    TypeParam y = x.tanh();
    y.retain_grad();
    y.backward(this->random({2, 3}), {.create_graph = true});
    (y * x).sum().backward();
    const TypeParam flat = x.grad().reshape({6});
    x.sum().backward();
    TypeParam gradient = grad<T>({x.mean()}, {x})[0];
    gradient.add_(1).mul_(x);
  });
  this->expect_agreement([&] {
    const TypeParam x = this->random({2, 3}, requires_grad);
    TypeParam view = x.reshape({6});
    view.backward(this->random({6}));
    {
      const NoGradGuard off;
      view.zero_();
    }
    view.retain_grad();
    view.backward(this->random({6}));
  });
}

// LibTorch makes a tensor of its own where the engine hands the cotangent through.
TYPED_TEST(Replay, AgreesWhereAGradientIsTheCotangentItself) {
  using T = typename TypeParam::value_type;
  this->expect_agreement([&] {
    const TypeParam x = this->random({}, requires_grad);
    const TypeParam cotangent = this->random({}, requires_grad);
    const TypeParam gradient = grad<T>({x.clone()}, {x}, {cotangent}, {.create_graph = true})[0];
    (gradient * 2).backward();
    EXPECT_EQ(cotangent.grad().item(), 2);
  });
}

TYPED_TEST(Replay, AgreesAfterABackwardPassThatThrew) {
  this->after_a_failure_ = true;
  this->expect_agreement([&] {
    TypeParam x = this->random({3}, requires_grad);
    TypeParam changed = x.exp();
    TypeParam y = x * 2;
    y.retain_grad();
    const TypeParam z = y + changed;
    changed.add_(1);
    EXPECT_THROW(z.sum().backward(), SavedTensorChangedError);
    EXPECT_TRUE(y.grad().defined()) << "it came that far";
    y.backward(this->random({3}));
  });
}

TYPED_TEST(Replay, AnEmptyTraceHasNoSteps) {
  EXPECT_EQ(replay(Trace()).steps, 0U);
  EXPECT_TRUE(replay(Trace()).ok());
}

}  // namespace
}  // namespace gradbook::reference
