#include "tests/bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gradbook::bench {

namespace {

using reference::bench::Group;
using reference::bench::Workload;

constexpr double at_the_limit = 1.15;  // LibTorch within 15 % of what is physically possible

/// The bar of each geometric mean, by n.
const std::map<std::size_t, double>& mean_bars() {
  static const std::map<std::size_t, double> bars = {{16, 0.20}, {256, 0.50}, {2048, 0.70}};
  return bars;
}

constexpr double chain_bar = 1.5;

/// Seconds a node, warmed, of each round; none when it was not measured.
std::vector<double> chain(const Report& report, const std::string& name) {
  for (const ChainRow& row : report.chains) {
    if (row.name == name) return row.warm;
  }
  return {};
}

}  // namespace

Row make_row(const Workload& workload, int threads, const PairedTimes& times,
             double least_seconds) {
  const std::vector<double> all = ratios(times);
  return {.workload = workload,
          .threads = threads,
          .engine = median(times.first) / workload.units,
          .libtorch = median(times.second) / workload.units,
          .ratio = median(all),
          .interval = confidence(all),
          .pairs = all.size(),
          .limit = least_seconds / workload.units,
          .share = times.share};
}

std::optional<Checked> check(const Row& row) {
  if (row.threads != 1) return std::nullopt;
  const auto ratio_at_most = [&](double bar) {
    return Checked{row.workload.name, row.ratio, bar, ""};
  };
  const std::size_t n = row.workload.size;
  switch (row.workload.group) {
    case Group::operation:
      if (n == 16) return ratio_at_most(0.30);
      return ratio_at_most(row.libtorch <= at_the_limit * row.limit ? 1.05 : 1.0);
    case Group::matmul:
      if (n == 16) return ratio_at_most(0.30);
      if (n >= 256) return ratio_at_most(1.05);
      return std::nullopt;
    case Group::xor_step:
      return ratio_at_most(0.10);
    case Group::mlp_step:
      return ratio_at_most(1.0);
    case Group::value_mlp:
      return Checked{row.workload.name, row.engine * 1e9, 20, "ns"};
    case Group::relu_chain:
    case Group::value_chain:
    case Group::tensor_chain:
      break;
  }
  return std::nullopt;
}

std::optional<double> geometric_mean(const Report& report, std::size_t n, int threads) {
  std::size_t wanted = 0;
  for (const Workload& workload : reference::bench::workloads()) {
    if (workload.group == Group::operation && workload.size == n) ++wanted;
  }
  double sum = 0;
  std::size_t count = 0;
  for (const Row& row : report.rows) {
    const bool counts = row.workload.group == Group::operation && row.workload.size == n;
    if (!counts || row.threads != threads) continue;
    sum += std::log(row.ratio);
    ++count;
  }
  if (count != wanted) return std::nullopt;
  return std::exp(sum / static_cast<double>(count));
}

std::vector<Checked> check_summary(const Report& report) {
  std::vector<Checked> all;
  for (const auto& [n, bar] : mean_bars()) {
    if (const auto mean = geometric_mean(report, n, 1)) {
      all.push_back({fmt::format("geometric mean at {}²", n), *mean, bar, ""});
    }
  }
  for (const char* kind : {"value", "tensor"}) {
    const PairedTimes times{chain(report, fmt::format("{}/chain/1000000", kind)),
                            chain(report, fmt::format("{}/chain/1000", kind))};
    if (times.first.empty() || times.second.empty()) continue;
    all.push_back({fmt::format("{} chain, a node at 10⁶ against 10³", kind), median(ratios(times)),
                   chain_bar, ""});
  }
  for (const MemoryRow& row : report.memory) {
    if (row.name == "step/xor") continue;  // reported, without a bar
    all.push_back({"peak bytes of " + row.name, row.ratio(), 1.0, ""});
  }
  return all;
}

std::vector<Checked> over(const Report& report) {
  std::vector<Checked> all = check_summary(report);
  for (const Row& row : report.rows) {
    if (const auto checked = check(row)) all.push_back(*checked);
  }
  std::erase_if(all, [](const Checked& checked) { return checked.ok(); });
  std::stable_sort(all.begin(), all.end(), [](const Checked& a, const Checked& b) {
    return a.value / a.bar > b.value / b.bar;
  });
  return all;
}

}  // namespace gradbook::bench
