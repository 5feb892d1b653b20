#include "tests/fuzz/report_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "engine/parity.hpp"
#include "lessons/workbook/numbers.hpp"
#include "lessons/workbook/text_layout.hpp"
#include "tests/fuzz/print.hpp"

namespace gradbook::fuzz {
namespace {

using workbook::TerminalRenderer;
using Rows = std::vector<std::vector<std::string>>;

// 20000 as "20,000".
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string counted(std::uint64_t number, const std::string& one) {
  return fmt::format("{} {}{}", grouped(number), one, number == 1 ? "" : "s");
}

std::string table(const std::vector<std::string>& columns, const Rows& rows) {
  std::string text = "\n";
  for (const std::string& line : workbook::aligned_table(columns, rows)) text += line + '\n';
  return text;
}

std::string conditions_table(const Report& report, const TerminalRenderer& style) {
  Rows rows;
  for (const Condition& condition : conditions(report)) {
    const std::string verdict =
        !condition.judged ? style.faint("too few to tell") : style.verdict(condition.holds);
    rows.push_back({condition.name, condition.wanted, condition.value, verdict});
  }
  return table({"condition", "wanted", "found", "verdict"}, rows);
}

std::string refusals_table(const Counts& counts) {
  Rows rows;
  for (const auto& [name, hits] : counts.refusals) rows.push_back({name, grouped(hits)});
  return rows.empty() ? "" : table({"refused with", "programs"}, rows);
}

std::string intended_table(const Counts& counts) {
  Rows rows;
  for (const auto& [name, hits] : counts.intended) rows.push_back({name, grouped(hits)});
  return rows.empty() ? "" : table({"intended difference (engine/parity.md)", "hits"}, rows);
}

std::string rare_table(const Counts& counts) {
  constexpr std::size_t most_rows = 20;
  const std::vector<PairHits> rare = rare_pairs(counts);
  if (rare.empty()) return "";
  Rows rows;
  for (const PairHits& pair : rare) {
    if (rows.size() == most_rows) break;
    const double in_a_million =
        1e6 * static_cast<double>(pair.hits) / static_cast<double>(counts.programs);
    rows.push_back(
        {pair.operation, pair.feature, grouped(pair.hits), fmt::format("{:.0f}", in_a_million)});
  }
  std::string text = table({"operation", "with", "programs", "in a million"}, rows);
  text += fmt::format("{} below 1,000 in a million{}\n", counted(rare.size(), "pair"),
                      rare.size() > most_rows ? ", the rarest shown" : "");
  return text;
}

std::string finding_text(const Report& report, const Finding& finding,
                         const TerminalRenderer& style) {
  std::string text = '\n' + style.bad(fmt::format("program {}: {}", finding.index, finding.found));
  text += fmt::format("\n{}\n", command({.seed = report.seed, .index = finding.index}));
  if (!finding.shrunk) return text;
  const Shrunk& shrunk = *finding.shrunk;
  text += fmt::format("\nshrunk: {}\n\n{}\n{}\n{}", shrunk.found, shrunk.text, shrunk.engine,
                      shrunk.libtorch);
  return text;
}

std::string findings_text(const Report& report, const TerminalRenderer& style) {
  constexpr std::size_t most_shown = 50;
  std::string text;
  const std::size_t shown = std::min(most_shown, report.findings.size());
  for (std::size_t i = 0; i < shown; ++i) text += finding_text(report, report.findings[i], style);
  if (report.disagreements > shown)
    text += fmt::format("\nand {} more\n", grouped(report.disagreements - shown));
  return text;
}

std::string operations_text(const Counts& counts) {
  if (counts.operations.empty()) return "";
  return fmt::format("operations in a program  {} to {}\n", counts.operations.begin()->first,
                     counts.operations.rbegin()->first);
}

}  // namespace

std::string verdict_text(const Report& report) {
  const std::string programs = counted(report.done, "program");
  std::string text = report.disagreements == 0
                         ? programs + ": no disagreement"
                         : counted(report.disagreements, "disagreement") + " in " + programs;
  const std::vector<Condition> all = conditions(report);
  const bool broken =
      std::ranges::any_of(all, [](const auto& each) { return each.judged && !each.holds; });
  if (broken) text += "; a condition does not hold";
  if (!failed(report) && !std::ranges::all_of(all, &Condition::judged))
    text += "; too few to judge every condition";
  if (!report.complete()) text += fmt::format("; not complete, program {} is next", report.next());
  return text;
}

std::string progress_text(const Report& report) {
  const double rate = report.seconds > 0 ? static_cast<double>(report.done) / report.seconds : 0.0;
  const std::uint64_t all = report.shard.size(report.programs);
  std::string text = fmt::format("{} of {} programs", grouped(report.done), grouped(all));
  if (rate > 0) text += fmt::format(", {:.0f} a second", rate);
  text += report.disagreements == 0 ? std::string(", no disagreement")
                                    : ", " + counted(report.disagreements, "disagreement");
  if (rate > 0)
    text += fmt::format(", {} left",
                        workbook::seconds_text(static_cast<double>(all - report.done) / rate));
  return text;
}

std::string report_text(const Report& report, const TerminalRenderer& style) {
  const Counts& counts = report.counts;
  std::string text = findings_text(report, style);
  text += fmt::format("\nprograms                 {} of a campaign of {} with seed {}",
                      grouped(report.done), grouped(report.programs), report.seed);
  if (report.shard.of > 1)
    text += fmt::format(", shard {}/{}", report.shard.number, report.shard.of);
  text += fmt::format(
      "\ntime                     {}\nengine, commit           {}\nLibTorch                 {}\n",
      workbook::seconds_text(report.seconds), report.commit, report.libtorch);
  text += operations_text(counts);
  text += fmt::format("largest error            {} of what is allowed",
                      workbook::error_text(counts.worst_ratio));
  if (counts.worst_program) text += fmt::format(", in program {}", *counts.worst_program);
  text += fmt::format("\nill-conditioned          {}, compared step by step only\n",
                      counted(counts.ill_conditioned, "program"));
  text += conditions_table(report, style) + refusals_table(counts) + intended_table(counts) +
          rare_table(counts);
  const std::string verdict = verdict_text(report);
  const std::string shown = failed(report)   ? style.bad(verdict)
                            : passed(report) ? style.good(verdict)
                                             : verdict;
  return text + '\n' + shown + '\n';
}

}  // namespace gradbook::fuzz
