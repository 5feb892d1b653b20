// What operations at 256² cost beside bare loops over arrays of the same size: how much of the
// engine's time is memory and arithmetic, which no engine can save. Prints one line for each, and
// exits with 1 if the two do not compute the same.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <vector>

#include "engine/kernels/parallel.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"

namespace gradbook {
namespace {

constexpr std::size_t n = 256;
constexpr std::size_t size = n * n;

/// out[i] = f(a[i], b[i]); none of them overlap.
template <class F>
void loop(float* __restrict out, const float* __restrict a, const float* __restrict b, F f) {
  for (std::size_t i = 0; i < size; ++i) out[i] = f(a[i], b[i]);
}

/// What both sides start from. Two sets are used in turn, like the benchmark's.
struct Inputs {
  Tensor a, b, g;
  const float* pa() const { return a.array().data(); }
  const float* pb() const { return b.array().data(); }
  const float* pg() const { return g.array().data(); }
};

/// Where the bare loops write: a result and the gradients of two operands.
struct Outputs {
  float *y, *ga, *gb;
};

struct Row {
  const char* name;
  std::function<Tensor(const Inputs&)> engine;
  bool backward;
  std::function<void(const Inputs&, const Outputs&)> bare;
};

const auto add = [](float x, float y) { return x + y; };
const auto mul = [](float x, float y) { return x * y; };
const auto relu = [](float x, float) { return x > 0 ? x : 0; };
const auto relu_vjp = [](float g, float y) { return y > 0 ? g : 0; };

std::vector<Row> all_rows() {
  const auto engine_add = [](const Inputs& in) { return in.a + in.b; };
  const auto engine_mul = [](const Inputs& in) { return in.a * in.b; };
  const auto engine_relu = [](const Inputs& in) { return in.a.relu(); };
  return {
      {"add/same/256/fw", engine_add, false,
       [](const Inputs& in, const Outputs& to) { loop(to.y, in.pa(), in.pb(), add); }},
      {"add/same/256/fwbw", engine_add, true,
       [](const Inputs& in, const Outputs& to) {
         loop(to.y, in.pa(), in.pb(), add);
         std::memcpy(to.ga, in.pg(), size * sizeof(float));
         std::memcpy(to.gb, in.pg(), size * sizeof(float));
       }},
      {"mul/same/256/fw", engine_mul, false,
       [](const Inputs& in, const Outputs& to) { loop(to.y, in.pa(), in.pb(), mul); }},
      {"mul/same/256/fwbw", engine_mul, true,
       [](const Inputs& in, const Outputs& to) {
         loop(to.y, in.pa(), in.pb(), mul);
         loop(to.ga, in.pg(), in.pb(), mul);
         loop(to.gb, in.pg(), in.pa(), mul);
       }},
      {"relu/256/fw", engine_relu, false,
       [](const Inputs& in, const Outputs& to) { loop(to.y, in.pa(), in.pa(), relu); }},
      {"relu/256/fwbw", engine_relu, true,
       [](const Inputs& in, const Outputs& to) {
         loop(to.y, in.pa(), in.pa(), relu);
         loop(to.ga, in.pg(), to.y, relu_vjp);
       }},
  };
}

/// One run of the engine. Gradients are dropped, as the benchmark does.
void run_engine(const Row& row, Inputs& in) {
  const AutoGradMode mode(row.backward);
  const Tensor y = row.engine(in);
  if (!row.backward) return;
  y.backward(in.g);
  in.a.zero_grad();
  in.b.zero_grad();
}

bool is_alike(const Tensor& tensor, const float* bare) {
  return !tensor.defined() || std::equal(bare, bare + size, tensor.array().data());
}

bool computes_the_same(const Row& row, Inputs& in, const Outputs& to) {
  row.bare(in, to);
  const AutoGradMode mode(row.backward);
  const Tensor y = row.engine(in);
  if (row.backward) y.backward(in.g);
  const bool same =
      is_alike(y, to.y) && is_alike(in.a.grad(), to.ga) && is_alike(in.b.grad(), to.gb);
  in.a.zero_grad();
  in.b.zero_grad();
  return same;
}

/// Microseconds of a run, the median of blocks of both in turn.
std::array<double, 2> measure(const Row& row, std::array<Inputs, 2>& in, const Outputs& to) {
  constexpr std::size_t blocks = 101;
  constexpr std::size_t runs = 50;
  std::array<std::vector<double>, 2> times;
  for (std::size_t block = 0; block < 2 * blocks; ++block) {
    const bool bare = block % 2 == 1;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < runs; ++i) {
      if (bare) {
        row.bare(in[i % 2], to);
      } else {
        run_engine(row, in[i % 2]);
      }
    }
    const std::chrono::duration<double, std::micro> taken =
        std::chrono::steady_clock::now() - start;
    times[bare].push_back(taken.count() / runs);
  }
  for (auto& side : times) std::nth_element(side.begin(), side.begin() + blocks / 2, side.end());
  return {times[0][blocks / 2], times[1][blocks / 2]};
}

int compare() {
  kernels::set_num_threads(1);
  RandomState random(1);
  const auto normal = [&] { return random.randn<float>({n, n}); };
  const auto inputs = [&] {
    return Inputs{normal().requires_grad_(), normal().requires_grad_(), normal()};
  };
  std::array<Inputs, 2> in{inputs(), inputs()};
  std::array<Array<float>, 3> memory;
  for (auto& array : memory) array = Array<float>({n, n});
  const Outputs to{memory[0].fresh(), memory[1].fresh(), memory[2].fresh()};
  fmt::print("{:<18} {:>9} {:>9} {:>6}\n", "", "engine", "bare loop", "ratio");
  for (const Row& row : all_rows()) {
    if (!computes_the_same(row, in[0], to)) {
      fmt::print("{}: the engine and the bare loop do not compute the same\n", row.name);
      return 1;
    }
    const auto [engine, bare] = measure(row, in, to);
    fmt::print("{:<18} {:>6.2f} µs {:>6.2f} µs {:>6.2f}\n", row.name, engine, bare, engine / bare);
  }
  return 0;
}

}  // namespace
}  // namespace gradbook

int main() { return gradbook::compare(); }
