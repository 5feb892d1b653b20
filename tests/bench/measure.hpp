#pragma once

#include <cstddef>
#include <functional>
#include <vector>

/// Measuring with Google Benchmark.
namespace gradbook::bench {

/// What is read as time. On one thread the processor time of the whole process is what a clock on
/// the wall would show if nothing else ran on the machine; on several, only the wall counts.
enum class Clock { processor, wall };

/// How much time a measurement may take.
struct Effort {
  double block_seconds = 0.002;  ///< one measured time covers as many runs as fill this
  double row_seconds = 1;        ///< no new pair is begun after this
  std::size_t least_pairs = 7;   ///< but so many are measured,
  std::size_t slow_pairs = 2;    ///< or so many if a pair takes longer than row_seconds
  std::size_t most_pairs = 61;
};
/// For a first look, and for tests.
inline constexpr Effort quick_effort{0.0005, 0.05, 3, 1, 5};

/// Seconds per run of two programs that took turns: first[i] was measured right before second[i].
struct PairedTimes {
  std::vector<double> first;
  std::vector<double> second;
  double share = 1;  ///< processor time of the whole measurement in parts of its wall time
};

/// Warms both programs up and then lets them take turns, A B A B, until the median of the ratios is
/// known to 1 %, the time is used up, or *stop becomes other than 0. Of programs that take seconds
/// the warm-up counts as a pair: they have to have run before. By the wall's clock, where threads
/// are measured, those of the other program sleep before a pair's turn, and its own are awake.
PairedTimes measure_pairs(const std::function<void()>& first, const std::function<void()>& second,
                          Clock clock, const Effort& effort, const volatile int* stop = nullptr);

/// Processor time that this process has used.
double processor_seconds();

/// Seconds per run, the shortest of several blocks: what the machine can do.
double measure_shortest(const std::function<void()>& run, Clock clock, const Effort& effort);

/// Of a list that is not empty.
double median(std::vector<double> values);

/// Of a median: it lies between the two with a probability of at least 95 %, if there are enough
/// values (six); else all values do.
struct Interval {
  double low;
  double high;
};
Interval confidence(std::vector<double> values);

/// first[i] / second[i].
std::vector<double> ratios(const PairedTimes& times);

}  // namespace gradbook::bench
