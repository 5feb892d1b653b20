#include "engine/kernels/parallel.hpp"

#include <atomic>

namespace gradbook::kernels {

namespace {

std::size_t all_cores() { return std::max(1U, std::thread::hardware_concurrency()); }

std::atomic<std::size_t>& setting() {
  static std::atomic<std::size_t> threads = all_cores();
  return threads;
}

}  // namespace

std::size_t num_threads() { return setting().load(std::memory_order_relaxed); }

void set_num_threads(std::size_t threads) { setting() = threads == 0 ? all_cores() : threads; }

}  // namespace gradbook::kernels
