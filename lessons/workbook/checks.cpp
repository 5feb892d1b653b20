// How a page checks: against LibTorch, against figures by hand, against a replayed trace.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "lessons/workbook/by_hand.hpp"
#include "lessons/workbook/page.hpp"
#include "reference/replay.hpp"
#include "reference/verdict.hpp"

namespace gradbook::workbook {
namespace {

void add_reason(Comparison& row, const std::string& reason) {
  if (reason.empty()) return;
  row.ok = false;
  row.reason += (row.reason.empty() ? "" : "; ") + reason;
}

void hold_against_twin(Comparison& row, const reference::TwinRun& run, const How& how) {
  const std::string& name = how.twin_name.empty() ? row.quantity : how.twin_name;
  const auto truth = run.truth.find(name);
  const auto peer = run.peer.find(name);
  if (truth == run.truth.end() || peer == run.peer.end()) {
    row.error = std::numeric_limits<double>::quiet_NaN();
    add_reason(row, fmt::format("the LibTorch twin gives no '{}'", name));
    return;
  }
  row.libtorch = row.engine.precision == Precision::float32 ? peer->second : truth->second;
  const reference::Verdict verdict =
      reference::judge(row.engine.value, truth->second, peer->second, row.engine.precision,
                       how.magnitude ? &*how.magnitude : nullptr);
  row.error = verdict.error;
  row.allowance = verdict.allowance;
  if (!verdict.ok)
    add_reason(row, verdict.reason.empty() ? "differs from LibTorch" : verdict.reason);
}

}  // namespace

void CheckTable::compare(const std::string& quantity, const Quantity& engine,
                         std::string_view by_hand) {
  compare(quantity, engine, How{.by_hand = std::string(by_hand)});
}

void CheckTable::compare(const std::string& quantity, const Quantity& engine, Precision precision,
                         std::string_view by_hand) {
  compare(quantity, engine, How{.by_hand = std::string(by_hand), .precision = precision});
}

void CheckTable::compare(const std::string& quantity, const Quantity& engine, const How& how) {
  Comparison row{.quantity = quantity, .by_hand = how.by_hand, .engine = engine, .ok = true};
  row.engine.precision = how.precision.value_or(engine.precision);
  if (!how.by_hand.empty()) add_reason(row, disagreement(parse_by_hand(how.by_hand), row.engine));
  hold_against_twin(row, run_, how);
  page_.figure(quantity, row.engine);
  std::get<Comparisons>(page_.blocks_[block_]).rows.push_back(std::move(row));
}

void Page::replayed(const reference::ReplayReport& report, const std::string& what) {
  Replay replay{.steps = report.steps,
                .operations = report.operations,
                .gradients = report.gradients,
                .worst_ratio = report.worst_ratio,
                .largest_error = report.largest_error,
                .end_to_end_error = report.end_to_end_error};
  for (const auto& disagreement : report.disagreements) {
    replay.disagreements.push_back(to_text(disagreement));
  }
  // A check that could not fail is none.
  const bool nothing = report.steps == 0;
  std::string detail = nothing ? "the trace is empty: nothing was replayed" : report.summary();
  add_claim({what, std::move(detail), !nothing && report.ok(), std::move(replay)});
}

}  // namespace gradbook::workbook
