// What the benchmark measures is the same work on both sides, and what it reports is what it
// measured. Nothing here depends on how fast anything is.
#include "tests/bench/bench.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "engine/value.hpp"
#include "tests/bench/agreement.hpp"
#include "tests/bench/engine.hpp"
#include "tests/bench/json.hpp"

namespace gradbook::bench {
namespace {

using nlohmann::json;
using reference::Results;
using reference::bench::workloads;

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

Outcome run(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = run_bench(arguments, out, err);
  return {status, out.str(), err.str()};
}

Workload workload(const std::string& name) {
  for (const Workload& row : workloads()) {
    if (row.name == name) return row;
  }
  throw std::invalid_argument("no workload " + name);
}

/// A file name of this test's own, removed at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              (name + "_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
               "_" + std::to_string(getpid()))) {}
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string name() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(BenchWorkloads, EngineAndLibTorchComputeTheSame) {
  for (const Workload& row : workloads()) EXPECT_EQ(compare_sides(row), "") << row.name;
}

// The rows of the means are fixed: 16 operations, each forward alone and with backward.
TEST(BenchWorkloads, EveryOperationIsThereAtEverySize) {
  std::map<std::size_t, std::size_t> operations;
  std::set<std::string> names;
  for (const Workload& row : workloads()) {
    if (row.group == Group::operation) ++operations[row.size];
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
  EXPECT_EQ(operations, (std::map<std::size_t, std::size_t>{{16, 32}, {256, 32}, {2048, 32}}));
}

// 3-16-16-1: 320 products, 320 sums, 32 tanh; the figure per operation is divided by their number.
TEST(BenchWorkloads, TheValueNetworkHasAsManyOperationsAsItsTimeIsDividedBy) {
  const Workload row = workload("value/mlp");
  const Subject subject = engine(row, 1);
  const std::uint64_t before = recorded_values();
  subject.run();
  EXPECT_EQ(static_cast<double>(recorded_values() - before), row.units);
}

TEST(BenchWorkloads, LargeInputsAreMoreThanTheCacheHolds) {
  constexpr std::size_t cache = std::size_t{100} << 20;
  for (const Workload& row : workloads()) {
    if (row.size != 2048) continue;
    EXPECT_GT(input_sets(row, cache) * reference::bench::input_bytes(row), 2 * cache) << row.name;
  }
  EXPECT_EQ(input_sets(workload("add/same/16/fw"), cache), 2U);
}

TEST(BenchAgreement, NoticesOneWrongElement) {
  const Results sound{{"y", {Shape{3}, {1, 2, 3}}}};
  EXPECT_EQ(disagreement(sound, sound), "");
  EXPECT_EQ(disagreement({{"y", {Shape{3}, {1, 2 + 1e-6, 3}}}}, sound), "");
  EXPECT_NE(disagreement({{"y", {Shape{3}, {1, 2.001, 3}}}}, sound), "");
  EXPECT_NE(disagreement({{"y", {Shape{3, 1}, {1, 2, 3}}}}, sound), "");
  EXPECT_NE(disagreement({{"z", {Shape{3}, {1, 2, 3}}}}, sound), "");
  EXPECT_NE(disagreement({{"y", sound.at("y")}, {"z", 1.0}}, sound), "");
  EXPECT_NE(disagreement({}, {}), "");
}

TEST(BenchAgreement, ResultsThatWouldAgreeWhateverTheProgramDoNotCount) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_NE(disagreement({{"y", 0.0}}, {{"y", 0.0}}), "");
  EXPECT_NE(disagreement({{"y", infinity}}, {{"y", infinity}}), "");
}

TEST(BenchStatistics, MedianAndItsInterval) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  const Interval few = confidence({5, 1, 3});
  EXPECT_EQ(few.low, 1);
  EXPECT_EQ(few.high, 5);
  std::vector<double> many;  // a table of the sign test gives the 10th of 30 from either end
  for (int i = 30; i >= 1; --i) many.push_back(i);
  const Interval interval = confidence(many);
  EXPECT_EQ(interval.low, 10);
  EXPECT_EQ(interval.high, 21);
}

TEST(BenchStatistics, ARatioIsTheMedianOfPairsNotTheRatioOfMedians) {
  const PairedTimes times{{1, 2, 30}, {2, 10, 30}};
  const Row row = make_row(workload("tanh/16/fw"), 1, times, 0.5);
  EXPECT_EQ(row.ratio, 0.5);
  EXPECT_EQ(row.engine, 2);
  EXPECT_EQ(row.libtorch, 10);
  EXPECT_EQ(row.pairs, 3U);
}

TEST(BenchMeasuring, ProgramsTakeTurns) {
  std::string order;
  const PairedTimes times =
      measure_pairs([&] { order += 'a'; }, [&] { order += 'b'; }, Clock::wall, {1e-9, 10, 5, 1, 5});
  EXPECT_EQ(times.first.size(), times.second.size());
  ASSERT_GE(times.first.size(), 5U);
  std::string blocks;  // of the same letter, after the warm-up
  for (const char c : order) {
    if (blocks.empty() || blocks.back() != c) blocks += c;
  }
  EXPECT_EQ(blocks.substr(0, 12), "abababababab");
}

Row row_of(const std::string& name, double ratio, double libtorch = 1, double limit = 0) {
  return {.workload = workload(name),
          .engine = ratio * libtorch,
          .libtorch = libtorch,
          .ratio = ratio,
          .interval = {ratio, ratio},
          .limit = limit};
}

TEST(BenchBars, AreThoseThatWerePromised) {
  const auto bar = [](const Row& row) { return check(row).value().bar; };
  EXPECT_EQ(bar(row_of("step/xor", 1)), 0.10);
  EXPECT_EQ(bar(row_of("tanh/16/fwbw", 1)), 0.30);
  EXPECT_EQ(bar(row_of("tanh/256/fw", 1)), 1.0);
  EXPECT_EQ(bar(row_of("tanh/2048/fw", 1, 1.16, 1)), 1.0);
  EXPECT_EQ(bar(row_of("tanh/2048/fw", 1, 1.14, 1)), 1.05);  // LibTorch is at the limit
  EXPECT_EQ(bar(row_of("matmul/16/fw", 1)), 0.30);
  EXPECT_EQ(bar(row_of("matmul/256/fw", 1)), 1.05);
  EXPECT_EQ(bar(row_of("matmul/1024/fwbw", 1)), 1.05);
  EXPECT_EQ(bar(row_of("step/mlp", 1)), 1.0);
  EXPECT_EQ(bar(row_of("value/mlp", 1)), 20);
  EXPECT_FALSE(check(row_of("matmul/64/fw", 1)));
  Row on_two_threads = row_of("tanh/16/fw", 1);
  on_two_threads.threads = 2;
  EXPECT_FALSE(check(on_two_threads));
  EXPECT_TRUE(check(row_of("step/xor", 0.10))->ok());
  EXPECT_FALSE(check(row_of("step/xor", 0.11))->ok());
  EXPECT_FALSE(check(row_of("value/mlp", 0.01, 2.1e-6))->ok());  // 21 ns
}

TEST(BenchBars, AMeanIsGivenOnlyOfAllItsRows) {
  Report report;
  for (const Workload& each : workloads()) {
    if (each.group == Group::operation && each.size == 16) {
      report.rows.push_back(row_of(each.name, report.rows.size() % 2 == 0 ? 0.1 : 0.4));
    }
  }
  EXPECT_NEAR(geometric_mean(report, 16, 1).value(), 0.2, 1e-12);
  EXPECT_FALSE(geometric_mean(report, 256, 1));
  report.rows.pop_back();
  EXPECT_FALSE(geometric_mean(report, 16, 1));
}

TEST(BenchBars, OfMeansChainsAndMemoryAreThoseThatWerePromised) {
  Report report;
  for (const Workload& each : workloads()) report.rows.push_back(row_of(each.name, 1));
  report.chains = {{"value/chain/1000", {1}, {1}},
                   {"value/chain/1000000", {1}, {1}},
                   {"tensor/chain/1000", {1}, {1}},
                   {"tensor/chain/1000000", {1}, {1}}};
  report.memory = {
      {"step/mlp", 1, 1}, {"relu20/plain", 1, 1}, {"relu20/checkpoint", 1, 1}, {"step/xor", 2, 1}};
  std::map<std::string, double> bars;
  for (const Checked& checked : check_summary(report)) bars[checked.what] = checked.bar;
  EXPECT_EQ(bars, (std::map<std::string, double>{{"geometric mean at 16²", 0.20},
                                                 {"geometric mean at 256²", 0.50},
                                                 {"geometric mean at 2048²", 0.70},
                                                 {"value chain, a node at 10⁶ against 10³", 1.5},
                                                 {"tensor chain, a node at 10⁶ against 10³", 1.5},
                                                 {"peak bytes of step/mlp", 1},
                                                 {"peak bytes of relu20/plain", 1},
                                                 {"peak bytes of relu20/checkpoint", 1}}));
}

TEST(BenchBars, WhatIsOverComesFurthestFirst) {
  Report report;
  report.rows = {row_of("tanh/256/fw", 1.5), row_of("tanh/16/fw", 0.9), row_of("exp/256/fw", 0.9)};
  // By rounds: while the machine was half as fast, both took twice as long.
  report.chains = {{"value/chain/1000", {9, 9, 9}, {1, 2, 1}},
                   {"value/chain/1000000", {1, 1, 1}, {1.6, 3.2, 9}}};
  report.memory = {{"step/mlp", 120, 100}, {"step/xor", 300, 100}};
  const std::vector<Checked> missed = over(report);
  ASSERT_EQ(missed.size(), 4U);
  EXPECT_EQ(missed[0].what, "tanh/16/fw");
  EXPECT_EQ(missed[1].what, "tanh/256/fw");
  EXPECT_EQ(missed[2].what, "peak bytes of step/mlp");
  EXPECT_NEAR(missed[3].value, 1.6, 1e-12);
}

TEST(BenchMemory, TheEngineAndLibTorchAreCountedAlike) {
  const MemoryRow row = measure_memory(workload("relu20/plain"));
  constexpr std::size_t array = 256 * 256 * sizeof(float);
  for (const std::size_t peak : {row.engine, row.libtorch}) {
    EXPECT_GE(peak, 20 * array);  // each layer's result is kept for the way back
    EXPECT_LE(peak, 30 * array);
  }
}

TEST(BenchChains, AreTimedInAProcessOfTheirOwn) {
  const std::uint64_t before = recorded_values();
  const std::vector<ChainRow> rows =
      measure_chains({workload("value/chain/1000"), workload("tensor/chain/1000")}, quick_effort);
  EXPECT_EQ(recorded_values(), before);
  ASSERT_EQ(rows.size(), 2U);
  for (const ChainRow& row : rows) {
    EXPECT_EQ(row.cold.size(), quick_effort.least_pairs);
    EXPECT_EQ(row.warm.size(), quick_effort.least_pairs);
    EXPECT_GT(*std::min_element(row.cold.begin(), row.cold.end()), 0);
    EXPECT_GT(*std::min_element(row.warm.begin(), row.warm.end()), 0);
  }
}

TEST(BenchTable, DurationsHaveThreeDigits) {
  EXPECT_EQ(duration(8.124e-10), "0.81 ns");
  EXPECT_EQ(duration(8.124e-9), "8.12 ns");
  EXPECT_EQ(duration(4.5678e-6), "4.57 µs");
  EXPECT_EQ(duration(13.25e-3), "13.2 ms");
  EXPECT_EQ(duration(0.9999), "1.00 s");
  EXPECT_EQ(duration(123), "123 s");
}

TEST(BenchTable, ColumnsLineUpInTextAndInMarkdown) {
  const Table table{{"name", "µs", ""}, {{"a", "1", "ok"}, {"longer", "10", ""}}};
  EXPECT_EQ(render(table, Style::text), "name    µs\n------  --  --\na        1  ok\nlonger  10\n");
  EXPECT_EQ(render(table, Style::markdown),
            "| name   |  µs |     |\n| ------ | --: | --- |\n| a      |   1 | ok  |\n"
            "| longer |  10 |     |\n");
}

TEST(BenchProgram, WritesWhatItMeasured) {
  const TemporaryFile file("bench_json");
  const Outcome outcome =
      run({"--quick", "--filter", "^(add/same/16/fw|step/xor)$", "--json", file.name()});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json report = read_report(file.name());
  EXPECT_EQ(report.at("schema"), schema_version);
  for (const char* fact : {"cpu", "date", "libtorch", "openblas", "compiler", "build"}) {
    EXPECT_FALSE(report.at("facts").at(fact).get<std::string>().empty()) << fact;
  }
  EXPECT_GT(report.at("limits").at(0).at("sgemm_flops_per_second").get<double>(), 0);
  ASSERT_EQ(report.at("rows").size(), 2U);
  for (const json& row : report.at("rows")) {
    EXPECT_GT(row.at("engine_seconds").get<double>(), 0);
    EXPECT_GT(row.at("libtorch_seconds").get<double>(), 0);
    EXPECT_LE(row.at("ratio_low").get<double>(), row.at("ratio").get<double>());
    EXPECT_GE(row.at("ratio_high").get<double>(), row.at("ratio").get<double>());
    EXPECT_EQ(row.at("threads"), 1);
    EXPECT_EQ(row.at("ok"), row.at("ratio") <= row.at("bar"));
  }
  EXPECT_EQ(report.at("rows").at(0).at("name"), "add/same/16/fw");
  EXPECT_EQ(report.at("rows").at(0).at("bar"), 0.30);
  EXPECT_EQ(report.at("rows").at(1).at("name"), "step/xor");
  EXPECT_EQ(report.at("memory").at(0).at("name"), "step/xor");
  EXPECT_NE(outcome.out.find("add/same/16/fw"), std::string::npos);
  EXPECT_EQ(outcome.out.find("geometric mean"), std::string::npos);

  const Outcome again = run({"--quick", "--filter", "^step/xor$", "--compare", file.name()});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("old ratio"), std::string::npos);
}

// The page that says what a script may read is held to what is written.
TEST(BenchProgram, ReadmeNamesEveryField) {
  std::ifstream file(GRADBOOK_SOURCE_DIR "/tests/bench/README.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Report report;
  report.rows = {row_of("step/xor", 1)};
  report.memory = {{"step/mlp", 1, 1}};
  report.chains = {{"value/chain/1000", {1}, {1}}};
  report.limits[1] = Limits{{{16, 1}}, 1};
  const json all = to_json(report);
  for (const auto& [field, value] : all.items()) {
    const bool list = value.is_array();
    EXPECT_NE(text.find("`" + field + (list ? "[" : "`")), std::string::npos) << field;
    if (!list || value.empty()) continue;
    for (const auto& [inner, ignored] : value.at(0).items()) {
      const std::string name = field == "rows" ? "`rows[]." + inner + "`" : "`" + inner + "`";
      EXPECT_NE(text.find(name), std::string::npos) << name;
    }
  }
}

TEST(BenchProgram, AnInterruptedRunShowsWhatItHas) {
  const volatile std::sig_atomic_t stop = 1;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_bench({"--quick", "--filter", "step/xor"}, out, err, &stop), 130);
  EXPECT_NE(out.str().find("LibTorch"), std::string::npos);
  EXPECT_EQ(err.str(), "bench: stopped after 0 of 1 rows\n");
}

TEST(BenchProgram, ListsRowsWithoutMeasuring) {
  EXPECT_EQ(run({"--list", "--filter", "^matmul/32/"}).out, "matmul/32/fw\nmatmul/32/fwbw\n");
}

TEST(BenchProgram, WrongUsageIsOneLineAndStatusTwo) {
  const TemporaryFile other("bench_not_a_report");
  std::ofstream(other.name()) << "{}";
  const std::vector<std::vector<std::string>> wrong = {{"--threads", "none"},
                                                       {"--threads", "0"},
                                                       {"--filter", "["},
                                                       {"--filter", "^no$"},
                                                       {"--compare", other.name()},
                                                       {"--compare", "/nowhere"},
                                                       {"--json", "/no/no"},
                                                       {"--sideways"},
                                                       {"--check", "--threads", "2"}};
  for (const auto& arguments : wrong) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments[0] << outcome.out;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

TEST(BenchProgram, OutputThatCannotBeWrittenIsAnError) {
  const Outcome outcome = run({"--quick", "--filter", "^add/same/16/fw$", "--json", "/dev/full"});
  EXPECT_EQ(outcome.status, 1) << outcome.out;
  EXPECT_EQ(outcome.err, "bench: --json: cannot write all of '/dev/full'\n");

  std::ofstream full("/dev/full");
  std::ostringstream err;
  EXPECT_EQ(run_bench({"--list"}, full, err, nullptr), 1);
  EXPECT_EQ(err.str().find("bench: cannot write all of the output"), 0U) << err.str();
}

}  // namespace
}  // namespace gradbook::bench
