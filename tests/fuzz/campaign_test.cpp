// Campaigns over fakes: shards, merging, failures of every kind, ends before the end.
#include "tests/fuzz/campaign.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <numeric>

#include "tests/fuzz/fake_subject.hpp"
#include "tests/fuzz/merge.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::fuzz {
namespace {

using reference::Program;
using workbook::contains;

// What two runs of the same programs must agree in.
std::string without_seconds(Report report) {
  report.seconds = 0;
  return to_json(report);
}

std::vector<std::pair<std::string, Report>> all_shards(const Campaign& campaign, std::uint64_t of,
                                                       const Subject& subject) {
  std::vector<std::pair<std::string, Report>> shards;
  for (std::uint64_t i = 1; i <= of; ++i) {
    Campaign part = campaign;
    part.shard = {i, of};
    shards.emplace_back(fmt::format("{}.json", i), run_campaign(part, subject));
  }
  return shards;
}

std::string refusal(const std::vector<std::pair<std::string, Report>>& shards) {
  try {
    merge(shards);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(FuzzCampaign, RunsEveryProgramOnce) {
  const Report report = run_campaign({.programs = 500}, fake_subject());
  std::set<std::uint64_t> all;
  for (std::uint64_t i = 0; i < 500; ++i) all.insert(i);
  EXPECT_EQ(programs_in(report.counts), all);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.done, 500U);
  EXPECT_EQ(report.counts.programs, 500U);
  EXPECT_EQ(report.counts.raised, 50U);
  EXPECT_EQ(report.counts.ill_conditioned, 1U);
  EXPECT_EQ(report.counts.gradient_not_zero, 475U);
  EXPECT_EQ(report.counts.refusals.at("ShapeError"), 50U);
  EXPECT_EQ(report.counts.median_operations(), 14U);
  EXPECT_EQ(report.counts.pairs.at("mul").at("shared"), 250U);
  EXPECT_EQ(report.counts.pairs.at("sum").at("in place"), 0U) << "never, but to be seen";
  EXPECT_EQ(report.counts.worst_ratio, 0.6);
  EXPECT_EQ(report.counts.worst_program, 6U) << "the first that had it";
}

TEST(FuzzCampaign, ShardsRunExactlyTheProgramsOfOneRun) {
  const Campaign campaign{.programs = 103};
  const auto one = programs_in(run_campaign(campaign, fake_subject()).counts);
  for (const std::uint64_t of : {2U, 7U, 200U}) {
    std::set<std::uint64_t> together;
    std::size_t count = 0;
    for (const auto& [file, report] : all_shards({.programs = 103}, of, fake_subject())) {
      EXPECT_TRUE(report.complete());
      const auto programs = programs_in(report.counts);
      count += programs.size();
      together.insert(programs.begin(), programs.end());
    }
    EXPECT_EQ(together, one) << of;
    EXPECT_EQ(count, one.size()) << of;
  }
}

TEST(FuzzCampaign, MergedShardsAreOneRun) {
  const Campaign campaign{.seed = 9, .programs = 400};
  const Subject subject = disagreeing_subject();
  const Report one = run_campaign(campaign, subject);
  EXPECT_EQ(one.disagreements, 14U);
  auto shards = all_shards(campaign, 3, subject);
  std::swap(shards[0], shards[2]);
  EXPECT_EQ(without_seconds(merge(shards)), without_seconds(one));
}

TEST(FuzzCampaign, MergingRefusesWhatIsNotOneCampaign) {
  const auto shards = all_shards({.programs = 40}, 4, fake_subject());
  EXPECT_EQ(refusal(shards), "");
  EXPECT_EQ(refusal({shards[0], shards[2]}), "missing: shards 2/4, 4/4");
  EXPECT_EQ(refusal({shards[0], shards[1], shards[3]}), "missing: shard 3/4");
  auto doubled = shards;
  doubled.push_back({"again.json", shards[1].second});
  EXPECT_EQ(refusal(doubled), "shard 2/4 is there twice: 2.json and again.json");
  const auto with = [&](const auto& change) {
    auto changed = shards;
    change(changed[2].second);
    return refusal(changed);
  };
  const std::string apart = "1.json and 3.json do not belong together: ";
  EXPECT_EQ(with([](Report& r) { r.seed = 2; }), apart + "seeds 1 and 2");
  EXPECT_EQ(with([](Report& r) { r.programs = 41; }), apart + "campaigns of 40 and 41 programs");
  EXPECT_EQ(with([](Report& r) { r.shard.of = 5; }), apart + "4 and 5 shards");
  EXPECT_EQ(with([](Report& r) { r.libtorch = "2.1.0"; }), apart + "LibTorch 1.13.1 and 2.1.0");
  EXPECT_EQ(with([](Report& r) { r.commit = "9876fed"; }), apart + "commits 1234abc and 9876fed");
  EXPECT_EQ(with([](Report& r) { r.done = 7; }),
            "shard 3/4 (3.json) is incomplete: 7 of 10 programs are done, program 30 is next");
  EXPECT_NE(refusal({}), "");
}

// Two checkouts with changes of their own have the same name, and so have two without one.
TEST(FuzzCampaign, MergingRefusesWhatIsOfNoCommit) {
  const auto refused = [](const std::string& commit, std::uint64_t of) {
    Subject subject = fake_subject();
    subject.commit = commit;
    return refusal(all_shards({.programs = 40}, of, subject));
  };
  EXPECT_EQ(refused("1234abc-dirty", 2),
            "1.json is of changes that are not committed (1234abc-dirty): commit them and build "
            "fuzz, then run all shards with that program");
  EXPECT_EQ(refused("unknown", 2),
            "1.json is of an unknown commit: build fuzz in a git checkout, then run all shards "
            "with that program");
  EXPECT_EQ(refused("1234abc-dirty", 1), "") << "there is nothing to add up";
  EXPECT_EQ(refused("unknown", 1), "");
}

TEST(FuzzCampaign, ShowsDifferencesThatExplainNothing) {
  Subject subject = fake_subject();
  subject.intended = {"gate", "program 3"};
  const auto& intended = run_campaign({.programs = 5}, subject).counts.intended;
  EXPECT_EQ(intended.at("gate"), 0U);
  EXPECT_EQ(intended.at("program 3"), 1U);
  EXPECT_EQ(intended.size(), 6U);
}

TEST(FuzzCampaign, ADisagreementIsShrunkAndWrittenAsCode) {
  const Report report = run_campaign({.seed = 3, .programs = 20}, disagreeing_subject());
  ASSERT_EQ(report.findings.size(), 1U);
  const Finding& finding = report.findings.front();
  EXPECT_EQ(finding.index, 5U);
  EXPECT_EQ(finding.found, "line 1, mul: element [0] is 5, in LibTorch 3");
  ASSERT_TRUE(finding.shrunk);
  EXPECT_EQ(finding.shrunk->text, "float32\nx0 = leaf((), [0])\nx1 = mul(x0, x0)\n");
  EXPECT_TRUE(contains(finding.shrunk->engine, "Tensor x1 = x0 * x0;"));
  EXPECT_TRUE(contains(finding.shrunk->libtorch, "torch::Tensor x1 = x0 * x0;"));
  EXPECT_TRUE(contains(finding.shrunk->engine, "fuzz --seed 3 --only 5"));
  EXPECT_TRUE(failed(report));
}

// A smaller program that fails in another way would be about something else.
TEST(FuzzCampaign, TheShrunkProgramFailsInTheSameWay) {
  const Subject subject = fake_subject([](const Program& program, Comparison& comparison) {
    const bool fails = number_of(program) == 4 || number_of(program) == -1;
    if (fails) comparison.disagreement = has_op(program, "mul") ? "line 1, mul" : "line 1, sum";
  });
  const Report report = run_campaign({.programs = 5}, subject);
  ASSERT_TRUE(report.findings.at(0).shrunk);
  EXPECT_EQ(report.findings[0].shrunk->found, "line 1, mul");
  EXPECT_EQ(report.findings[0].shrunk->text, "float32\nx0 = leaf((), [0])\nx1 = mul(x0, x0)\n");
}

TEST(FuzzCampaign, AProgramThatEndsTheProcessIsAFindingAndTheRestGoOn) {
  const Subject subject = fake_subject([](const Program& program, Comparison&) {
    const bool fatal = number_of(program) == 7 || number_of(program) == 8;
    if ((fatal || number_of(program) == -1) && has_op(program, "sum")) ::_exit(9);
  });
  const Report report = run_campaign({.programs = 50}, subject);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.counts.programs, 50U);
  EXPECT_EQ(programs_in(report.counts).size(), 48U);
  ASSERT_EQ(report.findings.size(), 2U);
  EXPECT_EQ(report.findings[0].index, 7U);
  EXPECT_EQ(report.findings[1].index, 8U);
  EXPECT_EQ(report.findings[0].found, "exited with status 9");
  ASSERT_TRUE(report.findings[0].shrunk);
  EXPECT_EQ(report.findings[0].shrunk->text, "float32\nx0 = leaf((), [0])\nx1 = sum(x0)\n");
}

TEST(FuzzCampaign, ASignalIsNamed) {
  const Subject subject = fake_subject([](const Program& program, Comparison&) {
    if (number_of(program) == 3) ::raise(SIGKILL);
  });
  const Report report = run_campaign({.programs = 5}, subject);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].found, "ended by signal 9 (Killed)");
}

TEST(FuzzCampaign, AnExceptionIsAFinding) {
  const Subject subject = fake_subject([](const Program& program, Comparison&) {
    if (number_of(program) == 3) throw std::runtime_error("out of luck");
  });
  const Report report = run_campaign({.programs = 5}, subject);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].found, "an exception ended it: out of luck");
  EXPECT_EQ(report.counts.programs, 5U);
}

TEST(FuzzCampaign, AGeneratorThatFailsIsAFinding) {
  Subject subject = fake_subject();
  subject.generate = [](std::uint64_t seed, std::uint64_t index) {
    if (index == 2) throw std::runtime_error("no idea");
    if (index == 3) ::_exit(4);
    return numbered_program(seed, index);
  };
  const Report report = run_campaign({.programs = 5}, subject);
  ASSERT_EQ(report.findings.size(), 2U);
  EXPECT_EQ(report.findings[0].found,
            "an exception ended it: no idea (as the program was made, before it ran)");
  EXPECT_EQ(report.findings[1].found,
            "exited with status 4 (as the program was made, before it ran)");
  EXPECT_FALSE(report.findings[1].shrunk);
}

TEST(FuzzCampaign, AProgramThatHangsIsEnded) {
  Subject subject = fake_subject([](const Program& program, Comparison&) {
    while (number_of(program) == 3) ::pause();
  });
  subject.patience = std::chrono::seconds(5);
  const Report report = run_campaign({.programs = 5}, subject);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].index, 3U);
  EXPECT_EQ(report.findings[0].found, "did not end within 5 s");
  EXPECT_EQ(report.done, 5U);
}

TEST(FuzzCampaign, WhatFailsOnlyAfterOthersIsSaidToDoSo) {
  int runs = 0;  // each child process counts its own
  const Subject subject = fake_subject([&](const Program& program, Comparison& comparison) {
    if (++runs == 4) comparison.disagreement = fmt::format("the {}. one", number_of(program));
  });
  const Report report = run_campaign({.programs = 10}, subject);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_TRUE(contains(report.findings[0].found, "by itself it does not fail"));
  EXPECT_FALSE(report.findings[0].shrunk);
}

// A thousand programs a second.
Subject slow_subject() {
  return fake_subject([](const Program&, Comparison&) { ::usleep(1000); });
}

TEST(FuzzCampaign, AnInterruptLeavesWhatWasDone) {
  volatile std::sig_atomic_t stop = 0;
  const auto progress = [&](const Report& report) {
    if (report.done > 0) stop = SIGINT;
  };
  const Campaign campaign{.programs = 1'000'000'000'000, .shard = {2, 3}};
  const Report report = run_campaign(campaign, slow_subject(), progress, &stop);
  EXPECT_FALSE(report.complete());
  EXPECT_GT(report.done, 0U);
  std::set<std::uint64_t> first;
  for (std::uint64_t i = 0; i < report.done; ++i) first.insert(1 + 3 * i);
  EXPECT_EQ(programs_in(report.counts), first);
  EXPECT_EQ(report.next(), 1 + 3 * report.done);
}

TEST(FuzzCampaign, EndsAfterItsMinutes) {
  const Report report =
      run_campaign({.programs = 1'000'000'000'000, .minutes = 1e-3}, slow_subject());
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.counts.programs, report.done);
}

TEST(FuzzCampaign, KeepsAFewOfManyFindings) {
  const Subject subject = fake_subject([](const Program&, Comparison& comparison) {
    comparison = {.disagreement = "line 0, leaf: all is wrong"};
  });
  const Report report = run_campaign({.programs = 2500}, subject);
  EXPECT_EQ(report.disagreements, 2500U);
  ASSERT_EQ(report.findings.size(), Report::most_findings);
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    EXPECT_EQ(report.findings[i].index, i);
    EXPECT_EQ(report.findings[i].shrunk.has_value(), i < Report::most_shrunk);
  }
  const auto shards = all_shards({.programs = 2500}, 2, subject);
  EXPECT_EQ(without_seconds(merge(shards)), without_seconds(report));
}

TEST(FuzzCampaign, TheKindOfAFailureIsItsWords) {
  EXPECT_EQ(kind_of("line 7, mul: element [0, 1] is 1e-07, LibTorch has nan\nmore"),
            kind_of("line 2, mul: element [] is -inf, LibTorch has 3.5"));
  EXPECT_NE(kind_of("line 7, mul: element [0]"), kind_of("line 7, add: element [0]"));
  EXPECT_NE(kind_of("line 7, add_: element [0]"), kind_of("line 7, add: element [0]"));
}

}  // namespace
}  // namespace gradbook::fuzz
