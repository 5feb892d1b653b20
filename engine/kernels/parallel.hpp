#pragma once

#include <algorithm>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

/// Loops over large arrays on several threads. Results do not depend on how many there are: parts
/// share nothing, and sums are added up in the same order.
namespace gradbook::kernels {

/// How many threads kernels may use: as many as there are cores, unless set_num_threads() says
/// otherwise.
std::size_t num_threads();
/// 0 stands for as many as there are cores. matmul follows OpenBLAS, which has its own setting.
void set_num_threads(std::size_t threads);

/// Elements that keep one thread busy for much longer than it takes to start it.
inline constexpr std::size_t worth_a_thread = std::size_t{1} << 20;

/// How many threads the code that runs here may use: a part of a loop has its share of them. 0:
/// all.
inline constinit thread_local std::size_t share = 0;

/// Calls f(begin, end) for parts of [0, size) that together make up all of it. `elements`: how many
/// are read in all.
template <class F>
void in_parts(std::size_t size, std::size_t elements, const F& f) {
  const bool is_large = elements >= 2 * worth_a_thread;
  const std::size_t threads = !is_large ? 1 : share == 0 ? num_threads() : share;
  const std::size_t parts = std::min({threads, elements / worth_a_thread, size});
  if (parts < 2) {
    f(0, size);
    return;
  }
  const auto run = [&f, size, parts, threads](std::size_t part) {
    const std::size_t outer = std::exchange(share, threads / parts);
    f(size * part / parts, size * (part + 1) / parts);
    share = outer;
  };
  std::vector<std::jthread> others;
  others.reserve(parts - 1);
  for (std::size_t part = 1; part < parts; ++part) others.emplace_back(run, part);
  run(0);
}

}  // namespace gradbook::kernels
