#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>

#include "tests/fuzz/alone.hpp"
#include "tests/fuzz/report.hpp"

namespace gradbook::fuzz {

struct Campaign {
  std::uint64_t seed = 1;
  std::uint64_t programs = 20'000;
  Shard shard = {};
  std::optional<double> minutes = {};  ///< stops after so long
};

/// Called a few times a second with the report so far, and after every finding.
using Progress = std::function<void(const Report&)>;

/// Runs the programs of a campaign's shard, in a child process: one that crashes or does not end is
/// a finding like any other, and the rest go on in the next child. Ends early, with the report so
/// far, after Campaign::minutes or when *stop becomes other than 0. Memory does not grow with the
/// number of programs.
Report run_campaign(const Campaign& campaign, const Subject& subject,
                    const Progress& progress = nullptr,
                    const volatile std::sig_atomic_t* stop = nullptr);

}  // namespace gradbook::fuzz
