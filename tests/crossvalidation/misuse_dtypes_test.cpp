#include <gtest/gtest.h>

#include <concepts>
#include <tuple>
#include <type_traits>

#include "engine/tensor.hpp"

// What the misuse table shows of some operations, of all of them: a Tensor and a Tensor64 do not
// mix.

namespace gradbook {
namespace {

/// The operations of two tensors; each can be called where it compiles.
constexpr std::tuple operations = {
    [](auto& a, auto& b) -> std::void_t<decltype(a + b)> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a - b)> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a * b)> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a / b)> {},
    [](auto& a, auto& b) -> std::void_t<decltype(matmul(a, b))> {},
    [](auto& a, auto& b) -> std::void_t<decltype(gate(a, b))> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a.add_(b))> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a.sub_(b))> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a.mul_(b))> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a.copy_(b))> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a.set_grad(b))> {},
    [](auto& a, auto& b) -> std::void_t<decltype(a.backward(b))> {},
    [](auto& a, auto& b) -> std::void_t<decltype(grad(a, b))> {},
};

/// How many of them compile for an A and a B.
template <class A, class B>
constexpr std::size_t compiling = std::apply(
    [](auto... operation) {
      return (std::size_t{0} + ... + std::invocable<decltype(operation), A&, B&>);
    },
    operations);

// That LibTorch mixes them is in the misuse table.
TEST(Parity, TensorAndTensor64DoNotMix) {
  constexpr std::size_t all = std::tuple_size_v<decltype(operations)>;
  static_assert(compiling<Tensor, Tensor> == all && compiling<Tensor64, Tensor64> == all);
  static_assert(compiling<Tensor, Tensor64> == 0 && compiling<Tensor64, Tensor> == 0);
  const Tensor x({1, 2});
  EXPECT_EQ((Tensor64::from(x.snapshot()) + Tensor64({3, 4})).snapshot(), Snapshot({2}, {4, 6}));
}

}  // namespace
}  // namespace gradbook
