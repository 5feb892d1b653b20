// The program fuzz: options, exit codes, files, Ctrl-C.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "lessons/workbook/process.hpp"
#include "tests/fuzz/cli.hpp"
#include "tests/fuzz/fake_subject.hpp"
#include "tests/fuzz/result_file.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::fuzz {
namespace {

using workbook::contains;
using workbook::Outcome;
using workbook::Setting;
using workbook::TemporaryFolder;
using Json = nlohmann::json;

Outcome fuzz(const std::vector<std::string>& arguments, const Subject& subject = fake_subject(),
             const Setting& setting = {}) {
  return workbook::call(
      [&](int argc, const char* const* argv, workbook::Console& console) {
        return run_fuzz(argc, argv, console, subject);
      },
      arguments, setting);
}

// A campaign of 60 programs in three shards, each in a file.
class Shards {
 public:
  explicit Shards(const Subject& subject = fake_subject()) {
    for (int i = 1; i <= 3; ++i) {
      const std::string shard = std::to_string(i) + "/3";
      fuzz({"--programs", "60", "--shard", shard, "--json", file(i)}, subject);
    }
  }
  std::string file(int shard) const { return (folder_ / std::to_string(shard)).string(); }

 private:
  TemporaryFolder folder_;
};

TEST(FuzzProgram, HelpHelps) {
  const Outcome outcome = fuzz({"--help"});
  EXPECT_EQ(outcome.code, 0);
  for (const char* part : {"--programs", "--seed", "--shard", "--minutes", "--json", "--only",
                           "--merge", "Examples:", "fuzz --merge *.json", "130 after Ctrl-C"})
    EXPECT_TRUE(contains(outcome.out, part)) << part << outcome.out;
}

TEST(FuzzProgram, WrongUsageIsOneLineThatNamesWhatWasExpected) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"--programs", "0"}, "expected a whole number from 1, not '0'"},
      {{"--programs", "-5"}, "expected a whole number from 1"},
      {{"--programs", "1e6"}, "expected a whole number from 1"},
      {{"--programs"}, "--programs"},
      {{"--seed", "0x10"}, "expected a whole number, not '0x10'"},
      {{"--seed", "18446744073709551616"}, "expected a whole number"},
      {{"--shard", "0/4"}, "expected I/N with I from 1 to N, not '0/4'"},
      {{"--shard", "5/4"}, "expected I/N"},
      {{"--shard", "2"}, "expected I/N"},
      {{"--shard", "1/0"}, "expected I/N"},
      {{"--minutes", "0"}, "expected a number of minutes above 0, not '0'"},
      {{"--minutes", "nan"}, "expected a number of minutes above 0"},
      {{"--only", "first"}, "expected the number of a program, below 2^64 - 1, not 'first'"},
      {{"--only", "18446744073709551615"}, "below 2^64 - 1, not '18446744073709551615'"},
      {{"--only", "1", "--shard", "1/2"}, "--shard"},
      {{"--only", "1", "--programs", "7"}, "--programs"},
      {{"--merge"}, "--merge"},
      {{"--merge", "a", "--seed", "1"}, "--seed"},
      {{"--merge", "/no/such/file"}, "'/no/such/file' cannot be read"},
      {{"--merge", "--json", "x.json"}, "expected the files of all shards, not '--json'"},
      {{"--json", "/no/such/folder/file"}, "expected a file that can be written"},
      {{"--json", "/"}, "'/' is a folder"},
      {{"--colour"}, "--colour"},
      {{"17"}, "17"}};
  for (const auto& [arguments, expected] : wrong) {
    const Outcome outcome = fuzz(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments.front() << outcome.out;
    EXPECT_EQ(outcome.out, "") << arguments.front();
    EXPECT_TRUE(contains(outcome.err, expected)) << arguments.front() << ": " << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "try fuzz --help")) << outcome.err;
    EXPECT_EQ(workbook::count_lines(outcome.err), 1U) << outcome.err;
  }
}

TEST(FuzzProgram, ACampaignWithoutDisagreementsPasses) {
  const TemporaryFolder folder;
  const std::string file = (folder / "result.json").string();
  const Outcome outcome = fuzz({"--programs", "200", "--seed", "7", "--json", file});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(contains(outcome.out, "200 programs: no disagreement")) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "\x1b")) << "no colour, no live line: not a terminal";
  const Json json = Json::parse(workbook::read_text(file));
  EXPECT_EQ(json["format"], "gradbook.fuzz");
  EXPECT_EQ(json["version"], 4);
  EXPECT_EQ(json["seed"], 7);
  EXPECT_EQ(json["done"], 200);
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["passed"], nullptr) << "too few for any condition";
  EXPECT_EQ(json["commit"], "1234abc");
  EXPECT_EQ(json["next"], nullptr);
  EXPECT_EQ(json["median_operations"], 14);
  EXPECT_EQ(json["counts"]["pairs"]["sum"]["in place"], 0);
  EXPECT_EQ(json["counts"]["ill_conditioned"], 1);
  EXPECT_EQ(json["rare_pairs"][0]["operation"], "sum");
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
}

TEST(FuzzProgram, ADisagreementFailsAndIsShownAsCode) {
  const Outcome outcome = fuzz({"--programs", "20"}, disagreeing_subject());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, "program 5: line 1, mul")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "fuzz --seed 1 --only 5")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "Tensor x1 = x0 * x0;")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "#include <torch/torch.h>")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "1 disagreement in 20 programs")) << outcome.out;
}

TEST(FuzzProgram, ABrokenConditionFails) {
  const Subject idle = fake_subject(
      [](const reference::Program&, Comparison& comparison) { comparison.operations = 1; });
  EXPECT_EQ(fuzz({"--programs", "999"}, idle).code, 0) << "too few to tell";
  const Outcome outcome = fuzz({"--programs", "1000"}, idle);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, "a condition does not hold")) << outcome.out;
}

TEST(FuzzProgram, OnlyOneProgramRunsAndIsPrinted) {
  const Outcome good = fuzz({"--seed", "3", "--only", "6"}, disagreeing_subject());
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_TRUE(contains(good.out, "x2 = sum(x1)")) << good.out;
  EXPECT_TRUE(contains(good.out, "  Tensor x2 = x1.sum();")) << good.out;
  EXPECT_TRUE(contains(good.out, "  torch::Tensor x2 = x1.sum(at::IntArrayRef{}, false);"))
      << good.out;
  EXPECT_TRUE(contains(good.out, "fuzz --seed 3 --only 6")) << good.out;
  EXPECT_TRUE(contains(good.out, "program 6: the engines agree")) << good.out;

  const Outcome bad = fuzz({"--only", "35"}, disagreeing_subject());
  EXPECT_EQ(bad.code, 1);
  EXPECT_TRUE(contains(bad.out, "// Found: line 1, mul: element [0] is 35")) << bad.out;
  EXPECT_TRUE(contains(bad.out, "Shrunk:")) << bad.out;
  EXPECT_TRUE(contains(bad.out, "program 35: line 1, mul")) << bad.out;
}

TEST(FuzzProgram, MergesShardsIntoTheResultOfOneRun) {
  const TemporaryFolder folder;
  const std::string one = (folder / "one.json").string();
  const std::string all = (folder / "all.json").string();
  EXPECT_EQ(fuzz({"--programs", "60", "--json", one}, disagreeing_subject()).code, 1);
  const Shards shards(disagreeing_subject());
  const Outcome outcome =
      fuzz({"--merge", shards.file(1), shards.file(3), shards.file(2), "--json", all});
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "2 disagreements in 60 programs")) << outcome.out;
  Json merged = Json::parse(workbook::read_text(all));
  Json expected = Json::parse(workbook::read_text(one));
  merged["seconds"] = expected["seconds"] = 0;
  EXPECT_EQ(merged, expected);
  EXPECT_EQ(fuzz({"--merge", all}).code, 1) << "what was merged is the result of one shard of one";
}

TEST(FuzzProgram, RefusesShardsThatDoNotMakeACampaign) {
  const Shards shards;
  EXPECT_EQ(fuzz({"--merge", shards.file(1), shards.file(2), shards.file(3)}).code, 0);
  const Outcome missing = fuzz({"--merge", shards.file(1), shards.file(3)});
  EXPECT_EQ(missing.code, 2);
  EXPECT_EQ(missing.err, "fuzz: missing: shard 2/3; try fuzz --help\n");
  const Outcome doubled = fuzz({"--merge", shards.file(1), shards.file(1)});
  EXPECT_EQ(doubled.code, 2);
  EXPECT_TRUE(contains(doubled.err, "shard 1/3 is there twice")) << doubled.err;
  Json another = Json::parse(workbook::read_text(shards.file(3)));
  another["commit"] = "9876fed";
  workbook::write_text(shards.file(3), another.dump());
  const Outcome apart = fuzz({"--merge", shards.file(1), shards.file(2), shards.file(3)});
  EXPECT_EQ(apart.code, 2);
  EXPECT_EQ(apart.err, fmt::format("fuzz: {} and {} do not belong together: commits 1234abc and "
                                   "9876fed; try fuzz --help\n",
                                   shards.file(1), shards.file(3)));
  another["commit"] = "1234abc-dirty";
  workbook::write_text(shards.file(3), another.dump());
  const Outcome dirty = fuzz({"--merge", shards.file(1), shards.file(2), shards.file(3)});
  EXPECT_EQ(dirty.code, 2);
  EXPECT_TRUE(contains(dirty.err, shards.file(3) + " is of changes that are not committed"))
      << dirty.err;
  EXPECT_EQ(workbook::count_lines(dirty.err), 1U) << dirty.err;
  workbook::write_text(shards.file(2), "{}");
  const Outcome other = fuzz({"--merge", shards.file(1), shards.file(2)});
  EXPECT_EQ(other.code, 2);
  EXPECT_TRUE(contains(other.err, shards.file(2) + ": expected a result of fuzz")) << other.err;
}

TEST(FuzzProgram, ATerminalShowsHowFarItIs) {
  const Outcome outcome = fuzz({"--programs", "20"}, fake_subject(), {.terminal = true});
  EXPECT_TRUE(contains(outcome.out, "\r\x1b[K20 of 20 programs")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "no disagreement")) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "\x1b[32m")) << "too few to call it good" << outcome.out;
  const std::vector<std::string> enough = {"--programs", "1000"};
  EXPECT_TRUE(contains(fuzz(enough, fake_subject(), {.terminal = true}).out, "\x1b[32m"));
  EXPECT_FALSE(contains(
      fuzz({"--programs", "1000", "--color", "never"}, fake_subject(), {.terminal = true}).out,
      "\x1b[32m"));
}

// As the program itself knows it: no option, no environment.
TEST(FuzzProgram, SaysWhichCommitItWasBuiltFrom) {
  const TemporaryFolder folder;
  const std::string file = (folder / "result.json").string();
  const auto process =
      workbook::run_process({GRADBOOK_BIN_DIR "/fuzz", "--programs", "1", "--json", file});
  ASSERT_EQ(process.exit_code, 0) << process.out << process.err;
  const std::string commit = read_result(file).commit;
  EXPECT_FALSE(commit.empty());
  EXPECT_TRUE(contains(process.out, "engine, commit           " + commit + "\n")) << process.out;
  const bool is_checkout = std::filesystem::exists(GRADBOOK_SOURCE_DIR "/.git");
  const bool has_git = workbook::run_process({"sh", "-c", "git --version"}).exit_code == 0;
  if (!is_checkout || !has_git) {
    EXPECT_EQ(commit, "unknown");
  }
}

// The real program, the real signal.
TEST(FuzzProgram, OutputThatCannotBeWrittenIsAnError) {
  const auto to_file =
      workbook::run_process({GRADBOOK_BIN_DIR "/fuzz", "--programs", "10", "--json", "/dev/full"});
  EXPECT_EQ(to_file.exit_code, 1) << to_file.out;
  EXPECT_EQ(to_file.err, "fuzz: cannot write '/dev/full'\n");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full")) << "was replaced by a file";
  const auto to_stdout =
      workbook::run_process({"/bin/sh", "-c", GRADBOOK_BIN_DIR "/fuzz --programs 10 >/dev/full"});
  EXPECT_EQ(to_stdout.exit_code, 1);
  EXPECT_TRUE(contains(to_stdout.err, "cannot write all of the output")) << to_stdout.err;
}

TEST(FuzzProgram, CtrlCLeavesTheResultSoFar) {
  const workbook::InterruptsArrive guard;
  const TemporaryFolder folder;
  const std::string file = (folder / "result.json").string();
  volatile std::sig_atomic_t stop = 0;
  std::thread user([&] { workbook::stop_once_there(file + ".part", stop); });
  const auto process = workbook::run_process(
      {GRADBOOK_BIN_DIR "/fuzz", "--programs", "1000000000", "--shard", "2/5", "--json", file}, {},
      &stop);
  user.join();
  EXPECT_EQ(process.exit_code, 130) << process.out << process.err;
  const Report report = read_result(file);
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.programs, 1'000'000'000U);
  EXPECT_EQ(report.shard, (Shard{2, 5}));
  EXPECT_EQ(report.counts.programs, report.done);
  EXPECT_TRUE(contains(process.out, "not complete")) << process.out;
  EXPECT_EQ(Json::parse(workbook::read_text(file))["complete"], false);
}

// What has run does not tell whether the campaign would have passed.
TEST(FuzzProgram, ACampaignThatRanOutOfMinutesHasNotPassed) {
  const TemporaryFolder folder;
  const std::string file = (folder / "result.json").string();
  const Subject slow = fake_subject([](const reference::Program&, Comparison&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  const Outcome outcome =
      fuzz({"--programs", "1000000000000", "--minutes", "0.001", "--json", file}, slow);
  EXPECT_EQ(outcome.code, 0) << "nothing is wrong" << outcome.err;
  const Json json = Json::parse(workbook::read_text(file));
  EXPECT_EQ(json["complete"], false);
  EXPECT_EQ(json["passed"], nullptr);
  EXPECT_TRUE(contains(outcome.out, "not complete")) << outcome.out;
}

// As a job scheduler does when the time is up.
TEST(FuzzProgram, SigtermLeavesTheResultSoFarToo) {
  const TemporaryFolder folder;
  const std::string file = (folder / "result.json").string();
  const auto process = workbook::run_process(
      {"sh", "-c",
       "\"$0\" --programs 1000000000 --json \"$1\" & job=$!\n"
       "while ! test -e \"$1.part\"; do sleep 0.05; done; kill -TERM $job; wait $job",
       GRADBOOK_BIN_DIR "/fuzz", file});
  EXPECT_EQ(process.exit_code, 143) << process.out << process.err;
  EXPECT_FALSE(read_result(file).complete());
}

}  // namespace
}  // namespace gradbook::fuzz
