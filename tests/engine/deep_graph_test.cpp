// A million operations in a row, on a stack of 512 KiB: recorded, run backward, destroyed. A walk
// that recursed over the graph would need a hundred times as much.
#include <pthread.h>

#include <cstddef>
#include <functional>

#include "engine/value.hpp"
#include "tests/engine/expect.hpp"

namespace gradbook {
namespace {

constexpr int deep = 1000000;
constexpr std::size_t small_stack = 512 * 1024;

/// Runs `work` in a thread whose stack has 512 KiB.
void on_a_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, small_stack), 0);
  pthread_t thread{};
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(DeepGraph, AMillionValuesForwardBackwardDestroyed) {
  on_a_small_stack([] {
    const Value x(1.0);
    Value y = x;
    for (int i = 0; i < deep; ++i) y = y + x;
    EXPECT_EQ(y.data(), 1.0 + deep);
    y.backward();
    EXPECT_EQ(x.grad(), 1.0 + deep);
    y = Value(0.0);
    EXPECT_EQ(x.grad(), 1.0 + deep);
  });
}

TEST(DeepGraph, AMillionValuesDestroyedWithoutEverRunningBackward) {
  on_a_small_stack([] {
    Value y(1.0);
    for (int i = 0; i < deep; ++i) y = (y * 0.5).tanh();
  });
}

TEST(DeepGraph, AMillionTensorsForwardBackwardDestroyed) {
  on_a_small_stack([] {
    const Tensor x(1.0, requires_grad);
    Tensor y = x;
    for (int i = 0; i < deep; ++i) y = y + x;
    EXPECT_EQ(y.item(), 1.0F + deep);  // exact: below 2^24
    y.backward();
    EXPECT_EQ(x.grad().item(), 1.0F + deep);
    y = Tensor();
  });
}

// Each node also holds what its input was, and the node that computed it.
TEST(DeepGraph, AMillionSavedTensorsDestroyedWithoutEverRunningBackward) {
  on_a_small_stack([] {
    const Tensor x(0.5, requires_grad);
    Tensor y = x;
    for (int i = 0; i < deep; ++i) y = y * x;
    EXPECT_EQ(y.item(), 0.0F);
  });
}

TEST(DeepGraph, ALongChainOfWritesInPlace) {
  on_a_small_stack([] {
    const Tensor x({1, 2}, requires_grad);
    Tensor y = x * 1;
    for (int i = 0; i < deep / 4; ++i) y.add_(x);
    y.sum().backward();
    EXPECT_EQ(x.grad().snapshot(), snap({2}, {1.0 + deep / 4, 1.0 + deep / 4}));
  });
}

TEST(DeepGraph, ALongRecordedBackwardIsDestroyedToo) {
  on_a_small_stack([] {
    const Tensor x(1.0, requires_grad);
    Tensor y = x;
    for (int i = 0; i < deep / 10; ++i) y = y * x;
    const Tensor first = grad(y, x, {.create_graph = true});
    EXPECT_EQ(first.item(), 1.0F + deep / 10);
  });
}

TEST(DeepGraph, GradAndItsPruningWalkAsDeep) {
  on_a_small_stack([] {
    const Tensor x(1.0, requires_grad);
    const Tensor other(1.0, requires_grad);
    Tensor y = x + other;
    for (int i = 0; i < deep / 4; ++i) y = y * 1;
    EXPECT_EQ(grad(y, x).item(), 1.0F);
    EXPECT_FALSE(other.grad().defined());
  });
}

// The refusal comes from the far end; unwinding leaves the chain whole.
TEST(DeepGraph, AnErrorAtTheFarEndIsJustAnError) {
  on_a_small_stack([] {
    const Tensor x(1.0, requires_grad);
    const Tensor square = x * x;
    square.backward();
    Tensor y = square;
    for (int i = 0; i < deep / 4; ++i) y = y + 1;
    message_of<GraphFreedError>([&] { y.backward(); });
    EXPECT_EQ(x.grad().item(), 2.0F);
  });
}

}  // namespace
}  // namespace gradbook
