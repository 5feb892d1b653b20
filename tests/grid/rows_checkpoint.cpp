#include "engine/checkpoint.hpp"
#include "tests/grid/rows.hpp"
#include "tests/grid/shapes.hpp"

namespace gradbook::grid {

namespace {

/// checkpoint(function, inputs).
template <class F>
Call checkpointed(const F& function) {
  return Call([function](const auto& in) {
    using T = typename std::decay_t<decltype(in[0])>::value_type;
    return checkpoint<T>(Call::Function<T>(function), in);
  });
}

/// A function, its inputs, and how a program writes it.
template <class F>
Case checkpoint_of(const std::string& text, const std::vector<Input>& inputs, const F& function) {
  return {"checkpoint(" + text + ")", inputs, checkpointed(function), Call(function)};
}

}  // namespace

std::vector<Row> checkpoint_rows() {
  std::vector<Case> cases;
  for (const Shape& shape : sample_shapes(2)) {
    cases.push_back(checkpoint_of("relu().pow(2), x", {{shape, Domain::away_from_zero}},
                                  [](const auto& in) { return in[0].relu().pow(2); }));
    cases.push_back(checkpoint_of("x.tanh() * x, x", {{shape}},
                                  [](const auto& in) { return in[0].tanh() * in[0]; }));
    cases.push_back(checkpoint_of("a * b + a, {a, b}", {{shape}, {{1, 1}}},
                                  [](const auto& in) { return in[0] * in[1] + in[0]; }));
    // The second tensor is captured.
    cases.push_back({"checkpoint(a * b, {a})",
                     {{shape}, {shape}},
                     Call([](const auto& in) {
                       return checkpoint([b = in[1]](const auto& x) { return x * b; }, in[0]);
                     }),
                     Call([](const auto& in) { return in[0] * in[1]; })});
  }
  cases.push_back(checkpoint_of("matmul(a, b).tanh(), {a, b}", {{{2, 3}}, {{5, 3, 2}}},
                                [](const auto& in) { return matmul(in[0], in[1]).tanh(); }));
  return {{"checkpoint(f, x)", "checkpoint", std::move(cases)}};
}

}  // namespace gradbook::grid
