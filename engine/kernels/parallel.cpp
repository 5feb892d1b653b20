#include "engine/kernels/parallel.hpp"

#include <atomic>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

namespace gradbook::kernels {

namespace {

std::size_t all_cores() { return std::max(1U, std::thread::hardware_concurrency()); }

std::atomic<std::size_t>& setting() {
  static std::atomic<std::size_t> threads = all_cores();
  return threads;
}

constinit thread_local std::size_t share = 0;  // 0: all

/// While one lives, the code that runs here has a share of the threads.
class Share {
 public:
  explicit Share(std::size_t threads) : outer_(std::exchange(share, threads)) {}
  ~Share() { share = outer_; }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

 private:
  std::size_t outer_;
};

}  // namespace

std::size_t num_threads() { return setting().load(std::memory_order_relaxed); }

void set_num_threads(std::size_t threads) { setting() = threads == 0 ? all_cores() : threads; }

std::size_t threads_here() { return share == 0 ? num_threads() : share; }

void run_parts(std::size_t parts, const std::function<void(std::size_t)>& run) {
  std::vector<std::exception_ptr> thrown(parts);
  // OpenMP's threads stay awake for the next loop. Starting one for each loop, on two cores, took
  // as long as it saved: at 2048x2048 two threads were no faster than one. Always all of them:
  // GCC's OpenMP ends its spare threads when a loop asks for fewer.
  const auto all = static_cast<int>(num_threads());
#pragma omp parallel for num_threads(all) schedule(static, 1)
  for (std::size_t part = 0; part < parts; ++part) {
    const Share here(1);
    try {
      run(part);
    } catch (...) {
      thrown[part] = std::current_exception();
    }
  }
  for (const std::exception_ptr& each : thrown) {
    if (each) std::rethrow_exception(each);
  }
}

}  // namespace gradbook::kernels
