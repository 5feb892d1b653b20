#include "tests/bench/json.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace gradbook::bench {

namespace {

using nlohmann::json;

json row_json(const Row& row) {
  json fields = {{"name", row.workload.name},
                 {"threads", row.threads},
                 {"unit", row.workload.unit.empty() ? "run" : row.workload.unit},
                 {"engine_seconds", row.engine},
                 {"libtorch_seconds", row.libtorch},
                 {"ratio", row.ratio},
                 {"ratio_low", row.interval.low},
                 {"ratio_high", row.interval.high},
                 {"pairs", row.pairs},
                 {"clock", row.threads == 1 ? "processor" : "wall"},
                 {"processor_share", row.share},
                 {"limit_seconds", nullptr},
                 {"bar", nullptr},
                 {"ok", nullptr}};
  if (row.limit > 0) fields["limit_seconds"] = row.limit;
  if (const auto checked = check(row)) {
    fields["bar"] = checked->bar;
    fields["ok"] = checked->ok();
  }
  return fields;
}

json limits_json(int threads, const Limits& limits) {
  json copy = json::object();
  for (const auto& [n, seconds] : limits.seconds_per_byte) {
    copy[std::to_string(n)] = 1 / seconds;
  }
  return {{"threads", threads},
          {"copy_bytes_per_second", copy},
          {"sgemm_flops_per_second", 1 / limits.seconds_per_flop}};
}

/// "-12%" from old to new; "same" where the intervals of the two ratios overlap.
std::string change(const Row& row, const json& old) {
  if (row.interval.low <= old.at("ratio_high") && row.interval.high >= old.at("ratio_low")) {
    return "same";
  }
  return fmt::format("{:+.0f}%", 100 * (row.ratio / old.at("ratio").get<double>() - 1));
}

}  // namespace

json to_json(const Report& report) {
  json all = {{"program", "gradbook bench"}, {"schema", schema_version}, {"facts", report.facts},
              {"limits", json::array()},     {"rows", json::array()},    {"summary", json::array()},
              {"memory", json::array()},     {"chains", json::array()}};
  for (const auto& [threads, limits] : report.limits) {
    all["limits"].push_back(limits_json(threads, limits));
  }
  for (const Row& row : report.rows) all["rows"].push_back(row_json(row));
  for (const Checked& checked : check_summary(report)) {
    all["summary"].push_back({{"what", checked.what},
                              {"value", checked.value},
                              {"bar", checked.bar},
                              {"ok", checked.ok()}});
  }
  for (const MemoryRow& row : report.memory) {
    all["memory"].push_back({{"name", row.name},
                             {"engine_bytes", row.engine},
                             {"libtorch_bytes", row.libtorch},
                             {"ratio", row.ratio()}});
  }
  for (const ChainRow& row : report.chains) {
    all["chains"].push_back({{"name", row.name},
                             {"cold_seconds", median(row.cold)},
                             {"warm_seconds", median(row.warm)},
                             {"cold_rounds", row.cold},
                             {"warm_rounds", row.warm}});
  }
  return all;
}

json read_report(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("cannot read '{}'", path));
  const json report = json::parse(file, nullptr, false);
  if (report.is_discarded() || !report.is_object() ||
      report.value("program", "") != "gradbook bench") {
    throw std::runtime_error(fmt::format("expected a file written by --json, not '{}'", path));
  }
  if (report.value("schema", 0) != schema_version) {
    throw std::runtime_error(fmt::format("expected schema {} in '{}'", schema_version, path));
  }
  return report;
}

Table comparison(const Report& report, const json& earlier) {
  Table table{{"workload", "threads", "old ratio", "ratio", "change", "old engine", "engine", ""},
              {}};
  for (const Row& row : report.rows) {
    for (const json& old : earlier.at("rows")) {
      if (old.at("name") != row.workload.name || old.at("threads") != row.threads) continue;
      table.rows.push_back({row.workload.name, std::to_string(row.threads),
                            fmt::format("{:.3f}", old.at("ratio").get<double>()),
                            fmt::format("{:.3f}", row.ratio), change(row, old),
                            duration(old.at("engine_seconds").get<double>()), duration(row.engine),
                            ""});
    }
  }
  return table;
}

}  // namespace gradbook::bench
