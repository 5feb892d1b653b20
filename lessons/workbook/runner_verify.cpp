// `gradbook verify`: how exact every operation is, the engine's and LibTorch's, side by side.
#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "lessons/workbook/accuracy_page.hpp"
#include "lessons/workbook/runner.hpp"

namespace gradbook::workbook {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

AccuracyRun measure(const VerifyOptions& options, Console& console,
                    const volatile std::sig_atomic_t* stop) {
  constexpr double patience = 1;  // seconds until a line says what is going on
  const bool live = console.out_is_terminal && !options.json;
  const auto start = Clock::now();
  AccuracyRun run{.seed = options.seed, .samples = options.samples};
  std::string shown;
  const auto progress = [&](const std::string& written, std::size_t index, std::size_t count) {
    run.interrupted = stop != nullptr && *stop != 0;
    if (live && shown != written && seconds_since(start) > patience) {
      console.out << fmt::format("\r\x1b[K[{}/{}] {} …", index + 1, count, written) << std::flush;
      shown = written;
    }
    return !run.interrupted;
  };
  run.results = reference::measure_accuracy({.seed = static_cast<std::uint32_t>(options.seed),
                                             .samples = static_cast<std::size_t>(options.samples)},
                                            progress);
  if (!shown.empty()) console.out << "\r\x1b[K";
  run.seconds = seconds_since(start);
  return run;
}

}  // namespace

int verify(const VerifyOptions& options, Console& console, const TerminalRenderer& style,
           const volatile std::sig_atomic_t* stop) {
  const AccuracyRun run = measure(options, console, stop);
  console.out << (options.json ? to_json(run) : to_text(run, style)) << std::flush;
  return run.interrupted ? 130 : run.passed() ? 0 : 1;
}

}  // namespace gradbook::workbook
