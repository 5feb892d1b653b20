// Every field is documented in tests/fuzz/README.md.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/fuzz/report.hpp"

namespace gradbook::fuzz {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* format = "gradbook.fuzz";
constexpr int version = 4;

// JSON has no inf and no NaN.
Json number_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

// A number of programs or of anything else. The library would take -1 for one too, and true.
std::uint64_t count_from(const Json& json, const std::string& name) {
  if (json.is_number_unsigned()) return json.get<std::uint64_t>();
  throw std::invalid_argument(
      fmt::format("'{}': expected a whole number from 0, found {}", name, json.dump()));
}

std::uint64_t count_at(const Json& json, const char* name) {
  return count_from(json.at(name), name);
}

std::map<std::string, std::uint64_t> counts_by_name(const Json& json, const std::string& name) {
  if (!json.is_object())
    throw std::invalid_argument(fmt::format("'{}': expected counts by name", name));
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [each, count] : json.items())
    counts[each] = count_from(count, fmt::format("{}.{}", name, each));
  return counts;
}

// Of programs by how many operations they have, which JSON can only have as text.
std::map<std::size_t, std::uint64_t> counts_by_number(const Json& json, const std::string& name) {
  std::map<std::size_t, std::uint64_t> counts;
  for (const auto& [text, count] : counts_by_name(json, name)) {
    std::size_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || stop != text.data() + text.size())
      throw std::invalid_argument(
          fmt::format("'{}': expected a whole number from 0, found '{}'", name, text));
    counts[number] = count;
  }
  return counts;
}

double number_from(const Json& json) {
  if (json == "nan") return std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  if (json == "inf") return infinity;
  return json == "-inf" ? -infinity : json.get<double>();
}

Json to_object(const Counts& counts) {
  Json operations = Json::object();
  for (const auto& [number, programs] : counts.operations)
    operations[std::to_string(number)] = programs;
  return {{"programs", counts.programs},
          {"operations", std::move(operations)},
          {"gradient_not_zero", counts.gradient_not_zero},
          {"raised", counts.raised},
          {"ill_conditioned", counts.ill_conditioned},
          {"refusals", Json(counts.refusals)},
          {"pairs", Json(counts.pairs)},
          {"intended", Json(counts.intended)},
          {"worst_ratio", number_json(counts.worst_ratio)},
          {"worst_program", counts.worst_program ? Json(*counts.worst_program) : Json()}};
}

Counts counts_from(const Json& json) {
  Counts counts{.programs = count_at(json, "programs"),
                .operations = counts_by_number(json.at("operations"), "operations"),
                .gradient_not_zero = count_at(json, "gradient_not_zero"),
                .raised = count_at(json, "raised"),
                .ill_conditioned = count_at(json, "ill_conditioned"),
                .refusals = counts_by_name(json.at("refusals"), "refusals"),
                .intended = counts_by_name(json.at("intended"), "intended"),
                .worst_ratio = number_from(json.at("worst_ratio"))};
  for (const auto& [operation, features] : json.at("pairs").items())
    counts.pairs[operation] = counts_by_name(features, "pairs." + operation);
  const Json& worst = json.at("worst_program");
  if (!worst.is_null()) counts.worst_program = count_from(worst, "worst_program");
  return counts;
}

Json to_object(const Finding& finding) {
  Json shrunk;
  if (finding.shrunk) {
    shrunk = {{"found", finding.shrunk->found},
              {"text", finding.shrunk->text},
              {"engine", finding.shrunk->engine},
              {"libtorch", finding.shrunk->libtorch}};
  }
  return {{"program", finding.index}, {"found", finding.found}, {"shrunk", std::move(shrunk)}};
}

Finding finding_from(const Json& json) {
  Finding finding{.index = count_at(json, "program"), .found = json.at("found").get<std::string>()};
  const Json& shrunk = json.at("shrunk");
  if (!shrunk.is_null()) {
    finding.shrunk = {shrunk.at("found").get<std::string>(), shrunk.at("text").get<std::string>(),
                      shrunk.at("engine").get<std::string>(),
                      shrunk.at("libtorch").get<std::string>()};
  }
  return finding;
}

// Null where too little has run to tell.
Json passed_json(const Report& report) {
  if (failed(report)) return false;
  return passed(report) ? Json(true) : Json();
}

Json conditions_json(const Report& report) {
  Json all = Json::array();
  for (const Condition& condition : conditions(report)) {
    all.push_back({{"name", condition.name},
                   {"wanted", condition.wanted},
                   {"value", condition.value},
                   {"judged", condition.judged},
                   {"holds", condition.holds}});
  }
  return all;
}

Json rare_json(const Counts& counts) {
  Json all = Json::array();
  for (const PairHits& pair : rare_pairs(counts)) {
    all.push_back({{"operation", pair.operation}, {"feature", pair.feature}, {"hits", pair.hits}});
  }
  return all;
}

// A message may carry bytes that are not UTF-8; they must not cost the whole result.
std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string to_json(const Report& report) {
  Json findings = Json::array();
  for (const Finding& finding : report.findings) findings.push_back(to_object(finding));
  return line_of({{"format", format},
                  {"version", version},
                  {"seed", report.seed},
                  {"programs", report.programs},
                  {"shard", {{"number", report.shard.number}, {"of", report.shard.of}}},
                  {"commit", report.commit},
                  {"libtorch", report.libtorch},
                  {"complete", report.complete()},
                  {"done", report.done},
                  {"next", report.complete() ? Json() : Json(report.next())},
                  {"passed", passed_json(report)},
                  {"disagreements", report.disagreements},
                  {"findings", std::move(findings)},
                  {"conditions", conditions_json(report)},
                  {"median_operations", report.counts.median_operations()},
                  {"rare_pairs", rare_json(report.counts)},
                  {"counts", to_object(report.counts)},
                  {"seconds", report.seconds}});
}

Report report_from_json(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("format") || json["format"] != format)
    throw std::invalid_argument(
        fmt::format("expected a result of fuzz --json (format {})", format));
  try {
    if (json.at("version") != version)
      throw std::invalid_argument(fmt::format("expected version {} of the format, found {}",
                                              version, json.at("version").dump()));
    Report report{.seed = count_at(json, "seed"),
                  .programs = count_at(json, "programs"),
                  .shard = {count_at(json.at("shard"), "number"), count_at(json.at("shard"), "of")},
                  .libtorch = json.at("libtorch").get<std::string>(),
                  .commit = json.at("commit").get<std::string>(),
                  .done = count_at(json, "done"),
                  .counts = counts_from(json.at("counts")),
                  .disagreements = count_at(json, "disagreements"),
                  .seconds = json.at("seconds").get<double>()};
    for (const Json& finding : json.at("findings"))
      report.findings.push_back(finding_from(finding));
    const Shard& shard = report.shard;
    const bool consistent = shard.number >= 1 && shard.number <= shard.of &&
                            report.done <= shard.size(report.programs) &&
                            report.counts.programs == report.done &&
                            report.disagreements >= report.findings.size();
    if (!consistent) throw std::invalid_argument("its figures contradict each other");
    return report;
  } catch (const Json::exception& error) {
    throw std::invalid_argument(fmt::format("not as fuzz writes it: {}", error.what()));
  }
}

}  // namespace gradbook::fuzz
