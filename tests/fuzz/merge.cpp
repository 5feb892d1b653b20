#include "tests/fuzz/merge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <stdexcept>

namespace gradbook::fuzz {
namespace {

std::string name_of(const Shard& shard) { return fmt::format("{}/{}", shard.number, shard.of); }

// Empty where both are of the same campaign, split the same way.
std::string difference(const Report& a, const Report& b) {
  if (a.seed != b.seed) return fmt::format("seeds {} and {}", a.seed, b.seed);
  if (a.programs != b.programs)
    return fmt::format("campaigns of {} and {} programs", a.programs, b.programs);
  if (a.shard.of != b.shard.of) return fmt::format("{} and {} shards", a.shard.of, b.shard.of);
  if (a.libtorch != b.libtorch) return fmt::format("LibTorch {} and {}", a.libtorch, b.libtorch);
  if (a.commit != b.commit) return fmt::format("commits {} and {}", a.commit, b.commit);
  return {};
}

// Two results of the same such text need not be of the same engine.
void check_that_commit_is_known(const std::string& file, const Report& report) {
  if (report.commit == "unknown")
    throw std::invalid_argument(
        fmt::format("{} is of an unknown commit: build fuzz in a git checkout, then run all shards "
                    "with that program",
                    file));
  if (report.commit.ends_with("-dirty"))
    throw std::invalid_argument(
        fmt::format("{} is of changes that are not committed ({}): commit them and build fuzz, "
                    "then run all shards with that program",
                    file, report.commit));
}

void check_missing(const std::map<std::uint64_t, std::string>& files, std::uint64_t of) {
  constexpr std::size_t most_named = 10;
  std::vector<std::string> missing;
  for (std::uint64_t number = 1; number <= of && missing.size() <= most_named; ++number) {
    if (!files.contains(number)) missing.push_back(name_of({number, of}));
  }
  if (missing.empty()) return;
  const bool more = missing.size() > most_named;
  if (more) missing.back() = "...";
  throw std::invalid_argument(fmt::format(
      "missing: {} {}", missing.size() == 1 ? "shard" : "shards", fmt::join(missing, ", ")));
}

}  // namespace

Report merge(const std::vector<std::pair<std::string, Report>>& shards) {
  if (shards.empty()) throw std::invalid_argument("expected the results of all shards");
  const auto& [first_file, first] = shards.front();
  std::map<std::uint64_t, std::string> files;
  Report sum{.seed = first.seed,
             .programs = first.programs,
             .libtorch = first.libtorch,
             .commit = first.commit};
  for (const auto& [file, report] : shards) {
    if (shards.size() > 1) check_that_commit_is_known(file, report);
    if (const std::string other = difference(first, report); !other.empty())
      throw std::invalid_argument(
          fmt::format("{} and {} do not belong together: {}", first_file, file, other));
    const auto [known, is_new] = files.emplace(report.shard.number, file);
    if (!is_new)
      throw std::invalid_argument(fmt::format("shard {} is there twice: {} and {}",
                                              name_of(report.shard), known->second, file));
    if (!report.complete())
      throw std::invalid_argument(
          fmt::format("shard {} ({}) is incomplete: {} of {} programs are done, program {} is next",
                      name_of(report.shard), file, report.done, report.shard.size(report.programs),
                      report.next()));
    sum.done += report.done;
    sum.counts.add(report.counts);
    sum.seconds += report.seconds;
    const std::uint64_t not_kept = report.disagreements - report.findings.size();
    for (const Finding& finding : report.findings) sum.add(finding);
    sum.disagreements += not_kept;
  }
  check_missing(files, first.shard.of);
  return sum;
}

}  // namespace gradbook::fuzz
