#include "tests/bench/machine.hpp"

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <thread>
#include <vector>

#include "engine/kernels/parallel.hpp"
#include "engine/kernels/stream.hpp"
#include "engine/pool.hpp"
#include "reference/version.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace gradbook::bench {

namespace {

/// The value after "key" and a separator on the first line of `path` that begins with it.
std::string value_in(const char* path, const std::string& key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0) continue;
    std::string value = line.substr(line.find(separator) + 1);
    value.erase(0, value.find_first_not_of(" \t\""));
    value.erase(value.find_last_not_of(" \t\"") + 1);
    return value;
  }
  return "unknown";
}

/// Threads that wait for work, so that starting them is not measured.
class Team {
 public:
  using Work = std::function<void(std::size_t thread)>;

  Team(std::size_t size, Work work)
      : work_(std::move(work)), start_(barrier_size(size)), end_(barrier_size(size)) {
    for (std::size_t i = 1; i < size; ++i) {
      helpers_.emplace_back([this, i] {
        while (true) {
          start_.arrive_and_wait();
          if (done_) return;
          work_(i);
          end_.arrive_and_wait();
        }
      });
    }
  }
  ~Team() {
    done_ = true;
    start_.arrive_and_wait();
    for (std::thread& helper : helpers_) helper.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// Everybody works, the caller as thread 0.
  void run() {
    start_.arrive_and_wait();
    work_(0);
    end_.arrive_and_wait();
  }

 private:
  static std::ptrdiff_t barrier_size(std::size_t size) { return static_cast<std::ptrdiff_t>(size); }

  Work work_;
  std::barrier<> start_;
  std::barrier<> end_;
  bool done_ = false;
  std::vector<std::thread> helpers_;
};

using Copy = void (*)(float* to, const float* from, std::size_t count);

void copy_by_library(float* to, const float* from, std::size_t count) {
  std::memcpy(to, from, count * sizeof(float));
}

/// The same traffic: a loop that the compiler does not turn into memcpy(), which on some processors
/// is many times slower than a loop where both addresses are alike.
void copy_by_loop(float* to, const float* from, std::size_t count) {
  float one = 1;
  benchmark::DoNotOptimize(one);
  for (std::size_t i = 0; i < count; ++i) to[i] = one * from[i];
}

/// Without reading what is written over: the fastest where caches cannot hold it.
void copy_past_caches(float* to, const float* from, std::size_t count) {
  alignas(64) std::array<float, 64> block;
  const std::size_t before = reinterpret_cast<std::uintptr_t>(to) % 64;
  std::size_t i =
      std::min(count, (64 - before) % 64 / sizeof(float));  // to where a cache line begins
  copy_by_library(to, from, i);
  for (; i + block.size() <= count; i += block.size()) {
    std::copy_n(from + i, block.size(), block.begin());
    kernels::stream(to + i, block);
  }
  copy_by_library(to + i, from + i, count - i);
  kernels::finish_streams();
}

/// Copies arrays of so many elements, each thread a part of each. What is read takes turns where a
/// cache could hold it otherwise; what is written goes where the last copy went, as a row's result
/// does. Seconds of the fastest way to copy, a byte.
template <class Memory>
double seconds_per_copied_byte(std::size_t elements, int threads, const Effort& effort) {
  constexpr std::size_t large = std::size_t{1} << 20;
  const std::size_t bytes = elements * sizeof(float);
  const std::size_t sources = elements < large ? 1 : 2 * last_level_cache() / bytes + 2;
  // Many copies in a run of small arrays: a team takes time to come together.
  const std::size_t copies = std::max(sources, 1 + 4 * large / elements);
  // Small arrays lie in several spots in turn: how well two fit into a cache together depends on
  // which pages of memory the system gave them.
  const std::size_t spots = sources == 1 ? 8 : 1;
  const std::vector<Memory> from(spots, Memory(sources * elements, 1));
  std::vector<Memory> to(spots, Memory(elements, 2));
  // A few kilobytes are not worth a second thread.
  const std::size_t team_size = elements < 16384 ? 1 : static_cast<std::size_t>(threads);
  const std::size_t part = elements / team_size;
  double shortest = std::numeric_limits<double>::infinity();
  for (std::size_t spot = 0; spot < spots; ++spot) {
    for (const Copy copy : {copy_by_library, copy_by_loop, copy_past_caches}) {
      Team team(team_size, [&](std::size_t thread) {
        for (std::size_t i = 0; i < copies; ++i) {
          const float* source = from[spot].data() + (i % sources) * elements;
          copy(to[spot].data() + thread * part, source + thread * part, part);
          benchmark::ClobberMemory();
        }
      });
      const double seconds = measure_shortest([&] { team.run(); }, clock_for(threads), effort);
      shortest = std::min(shortest, seconds);
    }
  }
  const std::size_t copied = team_size * part * sizeof(float) * copies;
  return shortest / static_cast<double>(2 * copied);  // each byte is read and written
}

double seconds_per_flop(int threads, const Effort& effort) {
  constexpr int n = 1024;
  const std::vector<float> a(n * n, 0.5F);
  const std::vector<float> b(n * n, 0.25F);
  std::vector<float> c(n * n);
  const double seconds = measure_shortest(
      [&] {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0F, a.data(), n, b.data(),
                    n, 0.0F, c.data(), n);
      },
      clock_for(threads), effort);
  return seconds / (2.0 * n * n * n);
}

std::string caches() {
  std::string text;
  for (const auto& cache : benchmark::CPUInfo::Get().caches) {
    if (cache.type == "Instruction") continue;
    text += fmt::format("{}L{} {} KiB", text.empty() ? "" : ", ", cache.level, cache.size / 1024);
  }
  return text.empty() ? "unknown" : text;
}

}  // namespace

void set_threads(int threads) {
  kernels::set_num_threads(static_cast<std::size_t>(threads));
  reference::set_num_threads(threads);
  // Engine and LibTorch call the same OpenBLAS.
  openblas_set_num_threads(threads);
}

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, -1);  // never
  mallopt(M_MMAP_MAX, 0);         // else large ones would be mapped, and unmapped, one by one
#endif
}

Clock clock_for(int threads) { return threads == 1 ? Clock::processor : Clock::wall; }

int all_cores() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

std::size_t last_level_cache() {
  std::size_t largest = 0;
  for (const auto& cache : benchmark::CPUInfo::Get().caches) {
    largest = std::max(largest, static_cast<std::size_t>(cache.size));
  }
  constexpr std::size_t guess = std::size_t{32} << 20;
  return largest == 0 ? guess : largest;
}

std::map<std::string, std::string> machine_facts() {
  utsname name{};
  uname(&name);
  return {{"cpu", value_in("/proc/cpuinfo", "model name", ':')},
          {"cores", fmt::format("{}", all_cores())},
          {"caches", caches()},
          {"memory", value_in("/proc/meminfo", "MemTotal", ':')},
          {"system", fmt::format("{}, {} {}", value_in("/etc/os-release", "PRETTY_NAME", '='),
                                 name.sysname, name.release)},
          {"libtorch", reference::libtorch_version()},
          {"openblas", openblas_get_config()},
          {"compiler", __VERSION__},
          {"build", GRADBOOK_BUILD}};
}

Limits measure_limits(int threads, const Effort& effort) {
  Limits limits;
  for (const std::size_t n : {16, 256, 2048}) {
    // Memory as LibTorch has it, and as the engine.
    limits.seconds_per_byte[n] =
        std::min(seconds_per_copied_byte<std::vector<float>>(n * n, threads, effort),
                 seconds_per_copied_byte<std::vector<float, pool::Allocator<float>>>(n * n, threads,
                                                                                     effort));
  }
  limits.seconds_per_flop = seconds_per_flop(threads, effort);
  pool::trim();  // no row has use for blocks of these sizes
  return limits;
}

double least_seconds(const reference::bench::Workload& workload, const Limits& limits) {
  if (workload.flops > 0) return workload.flops * limits.seconds_per_flop;
  if (workload.bytes > 0) return workload.bytes * limits.seconds_per_byte.at(workload.size);
  return 0;
}

}  // namespace gradbook::bench
