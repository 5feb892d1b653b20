#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>

/// Loops over large arrays on several threads. Results do not depend on how many there are: parts
/// share nothing, and sums are added up in the same order.
namespace gradbook::kernels {

/// How many threads kernels may use: as many as there are cores, unless set_num_threads() says
/// otherwise.
std::size_t num_threads();
/// 0 stands for as many as there are cores. matmul follows OpenBLAS, which has its own setting.
void set_num_threads(std::size_t threads);

/// Elements for which another thread pays.
inline constexpr std::size_t worth_a_thread = std::size_t{1} << 20;

/// How many threads the code that runs here may use: within a part one.
std::size_t threads_here();

/// Calls run(0), run(1), ..., run(parts - 1), on as many threads as there may be; within a part all
/// on that one. Throws what the first of them threw, when all have ended. OpenMP ends the process
/// if the system refuses it a thread.
void run_parts(std::size_t parts, const std::function<void(std::size_t)>& run);

/// Calls f(begin, end) for parts of [0, size) that together make up all of it. `elements`: how many
/// are read in all.
template <class F>
void in_parts(std::size_t size, std::size_t elements, const F& f) {
  const bool is_large = elements >= 2 * worth_a_thread;
  const std::size_t threads = is_large ? threads_here() : 1;
  const std::size_t parts = std::min({threads, elements / worth_a_thread, size});
  if (parts < 2) {
    f(0, size);
    return;
  }
  run_parts(parts, [&](std::size_t part) { f(size * part / parts, size * (part + 1) / parts); });
}

}  // namespace gradbook::kernels
