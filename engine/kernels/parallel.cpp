#include "engine/kernels/parallel.hpp"

#include <atomic>
#include <future>
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
  const std::size_t of_each = std::max<std::size_t>(1, threads_here() / parts);
  const auto with_share = [&run, of_each](std::size_t part) {
    const Share here(of_each);
    run(part);
  };
  std::vector<std::future<void>> others;
  others.reserve(parts - 1);
  for (std::size_t part = 1; part < parts; ++part) {
    // Deferred where the system has no thread left: then get() runs it.
    others.push_back(std::async(std::launch::async | std::launch::deferred, with_share, part));
  }
  with_share(0);
  for (std::future<void>& other : others) other.get();
}

}  // namespace gradbook::kernels
