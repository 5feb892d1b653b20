#include "reference/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/replay_internal.hpp"

namespace gradbook::reference {

void Findings::judge(std::size_t step, const std::string& operation, const Snapshot& engine,
                     const Answer& answer) {
  const std::string reason = held_against(engine, answer);
  if (!reason.empty()) disagree(step, operation, reason);
}

std::string Findings::held_against(const Snapshot& engine, const Answer& answer) {
  Verdict verdict = reference::judge(engine, answer.truth, answer.peer, precision_, &answer.scale);
  report_.worst_ratio = std::max(report_.worst_ratio, verdict.ratio);
  report_.largest_error = std::max(report_.largest_error, verdict.error);
  return verdict.ok ? std::string() : std::move(verdict.reason);
}

void Findings::disagree(std::size_t step, const std::string& operation, const std::string& what) {
  report_.disagreements.push_back({step, operation, what});
}

void Findings::end_to_end(const Snapshot& engine, const Snapshot& libtorch) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (engine.shape != libtorch.shape) {
    report_.end_to_end_error = infinity;
    return;
  }
  double scale = 0;
  double error = 0;
  for (std::size_t i = 0; i < engine.values.size(); ++i) {
    const double e = engine.values[i];
    const double l = libtorch.values[i];
    if (e == l || (std::isnan(e) && std::isnan(l))) {
      if (std::isfinite(l)) scale = std::max(scale, std::abs(l));
      continue;
    }
    if (!std::isfinite(e) || !std::isfinite(l)) error = infinity;
    scale = std::max(scale, std::abs(l));
    error = std::max(error, std::abs(e - l));
  }
  if (error > 0) error = std::isfinite(error) && scale > 0 ? error / scale : error;
  report_.end_to_end_error = std::max(report_.end_to_end_error, error);
}

ReplayReport Findings::report() && {
  report_.steps = report_.operations + report_.gradients;
  std::stable_sort(report_.disagreements.begin(), report_.disagreements.end(),
                   [](const Disagreement& a, const Disagreement& b) { return a.step < b.step; });
  return std::move(report_);
}

std::string first_line(const std::exception& error) {
  const auto* from_torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text =
      from_torch != nullptr ? from_torch->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

std::string to_text(const Disagreement& disagreement) {
  return fmt::format("step {}, {}: {}", disagreement.step, disagreement.operation,
                     disagreement.what);
}

std::string ReplayReport::summary() const {
  const std::string counts =
      fmt::format("{} operations and {} gradients replayed in LibTorch", operations, gradients);
  if (!ok()) {
    return fmt::format("{}: {} disagree, first {}", counts, disagreements.size(),
                       to_text(disagreements.front()));
  }
  return fmt::format(
      "{}: all agree, at most {:.0f}% of the allowed error is used; largest error of a step "
      "{:.2g}, "
      "end to end {:.2g}",
      counts, 100 * worst_ratio, largest_error, end_to_end_error);
}

ReplayReport replay(const Trace& trace) {
  Findings findings(trace.float64() ? Precision::float64 : Precision::float32);
  replay_steps(trace, findings);
  replay_flow(trace, findings);
  replay_program(trace, findings);
  return std::move(findings).report();
}

}  // namespace gradbook::reference
