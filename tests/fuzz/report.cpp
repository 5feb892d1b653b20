#include "tests/fuzz/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gradbook::fuzz {
namespace {

constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t shares_judged_from = 1'000;
constexpr std::uint64_t pairs_judged_from = 20'000;
constexpr std::uint64_t hits_in_a_million = 1'000;
constexpr std::size_t least_median = 12;
constexpr double least_share_with_gradient = 0.9;
constexpr double least_share_raised = 0.05;
constexpr double most_share_raised = 0.2;
constexpr double most_share_ill_conditioned = 0.001;

template <class Key>
void add_up(std::map<Key, std::uint64_t>& sum, const std::map<Key, std::uint64_t>& other) {
  for (const auto& [key, count] : other) sum[key] += count;
}

double share(std::uint64_t part, const Counts& counts) {
  return counts.programs == 0 ? 0
                              : static_cast<double>(part) / static_cast<double>(counts.programs);
}

std::string percent(double part) { return fmt::format("{:.1f} %", 100 * part); }

std::uint64_t hits_wanted(const Counts& counts) {
  const double exact = static_cast<double>(counts.programs) *
                       static_cast<double>(hits_in_a_million) / static_cast<double>(million);
  const double spare = counts.programs < million ? 3 * std::sqrt(exact) : 0;
  return static_cast<std::uint64_t>(std::ceil(std::max(exact - spare, 0.0)));
}

bool is_less(double ratio, double than) {
  return ratio < than || (std::isnan(than) && !std::isnan(ratio));
}

void take_worse(Counts& counts, double ratio, std::optional<std::uint64_t> program) {
  const bool worse = is_less(counts.worst_ratio, ratio);
  const bool same = !worse && !is_less(ratio, counts.worst_ratio);
  if (worse || (same && program && counts.worst_program > program)) {
    counts.worst_ratio = ratio;
    counts.worst_program = program;
  }
}

}  // namespace

std::uint64_t Shard::size(std::uint64_t programs) const {
  return programs < number ? 0 : (programs - number) / of + 1;
}

void Counts::add(const Comparison& comparison, std::uint64_t index) {
  ++programs;
  ++operations[comparison.operations];
  gradient_not_zero += comparison.gradient_not_zero ? 1 : 0;
  raised += comparison.raised ? 1 : 0;
  ill_conditioned += comparison.ill_conditioned ? 1 : 0;
  if (!comparison.refusal.empty()) ++refusals[comparison.refusal];
  for (const auto& [operation, feature] : comparison.covered) ++pairs[operation][feature];
  for (const auto& [name, hits] : comparison.intended) intended[name] += hits;
  if (comparison.worst_ratio != 0) take_worse(*this, comparison.worst_ratio, index);
}

void Counts::add(const Counts& other) {
  programs += other.programs;
  add_up(operations, other.operations);
  gradient_not_zero += other.gradient_not_zero;
  raised += other.raised;
  ill_conditioned += other.ill_conditioned;
  add_up(refusals, other.refusals);
  for (const auto& [operation, features] : other.pairs) add_up(pairs[operation], features);
  add_up(intended, other.intended);
  take_worse(*this, other.worst_ratio, other.worst_program);
}

std::size_t Counts::median_operations() const {
  std::uint64_t all = 0;
  for (const auto& [number, count] : operations) all += count;
  std::uint64_t below = 0;
  for (const auto& [number, count] : operations) {
    below += count;
    if (2 * below >= all) return number;
  }
  return 0;
}

void Report::add(Finding finding) {
  ++disagreements;
  findings.push_back(std::move(finding));
  std::ranges::sort(findings, {}, &Finding::index);
  if (findings.size() > most_findings) findings.resize(most_findings);
  for (std::size_t i = most_shrunk; i < findings.size(); ++i) findings[i].shrunk.reset();
}

std::optional<PairHits> least_hit(const Counts& counts) {
  std::optional<PairHits> least;
  for (const auto& [operation, features] : counts.pairs) {
    for (const auto& [feature, hits] : features) {
      if (!least || hits < least->hits) least = {operation, feature, hits};
    }
  }
  return least;
}

std::vector<PairHits> rare_pairs(const Counts& counts) {
  std::vector<PairHits> rare;
  for (const auto& [operation, features] : counts.pairs) {
    for (const auto& [feature, hits] : features) {
      if (static_cast<double>(hits) * static_cast<double>(million) <
          static_cast<double>(hits_in_a_million) * static_cast<double>(counts.programs))
        rare.push_back({operation, feature, hits});
    }
  }
  std::ranges::stable_sort(rare, {}, &PairHits::hits);
  return rare;
}

std::vector<Condition> conditions(const Report& report) {
  const Counts& counts = report.counts;
  const bool enough = counts.programs >= shares_judged_from;
  const std::size_t median = counts.median_operations();
  const double with_gradient = share(counts.gradient_not_zero, counts);
  const double raised = share(counts.raised, counts);
  const double ill_conditioned = share(counts.ill_conditioned, counts);
  std::vector<Condition> all = {
      {"operations, median", fmt::format("at least {}", least_median), std::to_string(median),
       enough, median >= least_median},
      {"gradient not zero", fmt::format("at least {}", percent(least_share_with_gradient)),
       percent(with_gradient), enough, with_gradient >= least_share_with_gradient},
      {"refused by both",
       fmt::format("{} to {}", percent(least_share_raised), percent(most_share_raised)),
       percent(raised), enough, raised >= least_share_raised && raised <= most_share_raised},
      {"ill-conditioned", fmt::format("at most {}", percent(most_share_ill_conditioned)),
       percent(ill_conditioned), enough, ill_conditioned <= most_share_ill_conditioned}};
  if (const auto least = least_hit(counts)) {
    const std::uint64_t wanted = hits_wanted(counts);
    all.push_back({"hits of the rarest pair", fmt::format("at least {}", wanted),
                   fmt::format("{} ({}, {})", least->hits, least->operation, least->feature),
                   counts.programs >= pairs_judged_from, least->hits >= wanted});
  }
  return all;
}

bool failed(const Report& report) {
  return report.disagreements > 0 || std::ranges::any_of(conditions(report), [](const auto& each) {
           return each.judged && !each.holds;
         });
}

bool passed(const Report& report) {
  return report.complete() && !failed(report) &&
         std::ranges::all_of(conditions(report), &Condition::judged);
}

}  // namespace gradbook::fuzz
