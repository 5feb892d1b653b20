#include <concepts>
#include <type_traits>

#include "tests/crossvalidation/misuse_table.hpp"

namespace gradbook::misuse {

namespace {

/// What comes of `operation` on an A and a B. It must be one that compiles for two tensors of the
/// same type; where it does not for these two, the compiler has refused it.
template <class A, class B, class Operation>
Snapshot mixed(const A& a, const B& b, const Operation& operation) {
  static_assert(std::invocable<Operation, const A&, const A&> &&
                std::invocable<Operation, const B&, const B&>);
  if constexpr (std::invocable<Operation, const A&, const B&>) {
    return operation(a, b).snapshot();
  } else {
    throw DoesNotCompile("no such operation of a Tensor and a Tensor64");
  }
}

}  // namespace

std::vector<Row> dtype_rows() {
  return {
      {"add: float32 and float64",
       []() -> Snapshot {
         return mixed(leaf(), leaf64(),
                      [](const auto& a, const auto& b) -> decltype(a + b) { return a + b; });
       },
       &typeid(DoesNotCompile),
       {},
       "dtypes do not mix"},
      {"div: float64 and float32",
       []() -> Snapshot {
         return mixed(leaf64(), leaf(),
                      [](const auto& a, const auto& b) -> decltype(a / b) { return a / b; });
       },
       &typeid(DoesNotCompile),
       {},
       "dtypes do not mix"},
      {"matmul: float32 and float64",
       []() -> Snapshot {
         return mixed(leaf(), leaf64(), [](const auto& a, const auto& b) -> decltype(matmul(a, b)) {
           return matmul(a, b);
         });
       },
       &typeid(DoesNotCompile)},
      {"add_: float64 to float32",
       []() -> Snapshot {
         return mixed(
             Tensor::ones({2}), leaf64().detach(),
             [](auto a, const auto& b) -> std::decay_t<decltype(a.add_(b))> { return a.add_(b); });
       },
       &typeid(DoesNotCompile),
       {},
       "dtypes do not mix"},
      {"copy_: float64 to float32",
       []() -> Snapshot {
         return mixed(Tensor::ones({2}), leaf64().detach(),
                      [](auto a, const auto& b) -> std::decay_t<decltype(a.copy_(b))> {
                        return a.copy_(b);
                      });
       },
       &typeid(DoesNotCompile),
       {},
       "dtypes do not mix"},
      {"backward: a gradient in float64 for float32",
       []() -> Snapshot {
         return mixed(leaf(), Tensor64::ones({2}),
                      [](const auto& x, const auto& g) -> decltype(x.exp().backward(g), x.grad()) {
                        x.exp().backward(g);
                        return x.grad();
                      });
       },
       &typeid(DoesNotCompile),
       {},
       "dtypes do not mix"},
      {"grad: an output in float64 of an input in float32",
       []() -> Snapshot {
         return mixed(
             leaf(), leaf64().exp().sum(),
             [](const auto& x, const auto& y) -> decltype(grad(y, x)) { return grad(y, x); });
       },
       &typeid(DoesNotCompile),
       {},
       "dtypes do not mix"},
      {"add, float64: shapes that do not broadcast",
       []() -> Snapshot {
         return (Tensor64::ones({2, 3}) + Tensor64::ones({4})).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}, {4}}},
      {"matmul, float64: inner sizes differ",
       []() -> Snapshot {
         return matmul(Tensor64::ones({2, 3}), Tensor64::ones({2, 3})).snapshot();
       },
       &typeid(ShapeError),
       {{2, 3}, {2, 3}}},
      {"sum, float64: a dimension out of range",
       []() -> Snapshot {
         return Tensor64::ones({2, 3}).sum({2}).snapshot();
       },
       &typeid(DimensionError),
       {{2, 3}}},
      {"item, float64: many elements",
       []() -> Snapshot { return Tensor64::ones({2}).item(); },
       &typeid(ShapeError),
       {{2}}},
      {"backward, float64: not a scalar",
       []() -> Snapshot {
         const Tensor64 x = leaf64();
         x.exp().backward();
         return x.grad().snapshot();
       },
       &typeid(BackwardError),
       {{2}}},
      {"backward, float64: twice where something was saved",
       []() -> Snapshot {
         const Tensor64 x = leaf64();
         const Tensor64 y = (x * x).sum();
         y.backward();
         y.backward();
         return x.grad().snapshot();
       },
       &typeid(GraphFreedError),
       {{2}}},
      {"grad, float64: an input without a part in the output",
       []() -> Snapshot {
         const Tensor64 x = leaf64();
         const Tensor64 z = leaf64();
         return grad(x.exp().sum(), z).snapshot();
       },
       &typeid(BackwardError),
       {{2}}},
      {"add_, float64: a leaf that requires grad",
       []() -> Snapshot {
         Tensor64 x = leaf64();
         x.add_(1);
         return x.snapshot();
       },
       &typeid(InPlaceError),
       {{2}}},
      {"add_, float64: a saved input",
       []() -> Snapshot {
         const Tensor64 x = leaf64();
         Tensor64 h = x * 2;
         const Tensor64 y = (h * h).sum();
         h.add_(1);
         y.backward();
         return x.grad().snapshot();
       },
       &typeid(SavedTensorChangedError),
       {{2}},
       "",
       "mul"},
      {"log of a negative number, float64",
       []() -> Snapshot {
         const Tensor64 x({-1, -2}, requires_grad);
         x.log().sum().backward();
         return x.grad().snapshot();
       }},
      {"sqrt of a negative number, float64",
       []() -> Snapshot {
         const Tensor64 x({-1, -2}, requires_grad);
         x.sqrt().sum().backward();
         return x.grad().snapshot();
       }},
      {"pow: a root of a negative number, float64",
       []() -> Snapshot {
         const Tensor64 x({-1, -2}, requires_grad);
         x.pow(0.5).sum().backward();
         return x.grad().snapshot();
       }},
      {"exp, float64: a result that float32 cannot hold",
       []() -> Snapshot {
         const Tensor64 x({100, 700}, requires_grad);
         x.exp().sum().backward();
         return x.grad().snapshot();
       }},
  };
}

}  // namespace gradbook::misuse
