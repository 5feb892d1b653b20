// Figures of campaigns: what is judged, what holds, what goes into a file and comes out of it.
#include "tests/fuzz/report.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/fuzz/report_text.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::fuzz {
namespace {

using workbook::contains;

// As a campaign should be, of `programs` programs.
Report good_report(std::uint64_t programs) {
  Report report{.programs = programs, .libtorch = "1.13.1", .done = programs};
  report.counts = {.programs = programs,
                   .operations = {{12, programs / 2 + 1}, {15, programs - programs / 2 - 1}},
                   .gradient_not_zero = programs * 19 / 20,
                   .raised = programs / 10,
                   .pairs = {{"mul", {{"shared", programs / 100}}}}};
  return report;
}

// The conditions that are judged and do not hold.
std::string broken(const Report& report) {
  std::string names;
  for (const Condition& condition : conditions(report))
    if (condition.judged && !condition.holds) names += condition.name + ';';
  return names;
}

TEST(FuzzReport, ConditionsBreakOneByOne) {
  const Report good = good_report(100'000);
  EXPECT_EQ(broken(good), "");
  EXPECT_FALSE(failed(good));
  EXPECT_TRUE(passed(good));
  const auto with = [&](const auto& change) {
    Report report = good;
    change(report.counts);
    EXPECT_TRUE(failed(report));
    EXPECT_FALSE(passed(report));
    return broken(report);
  };
  EXPECT_EQ(with([](Counts& c) {
              c.operations = {{11, 50'001}, {30, 49'999}};
            }),
            "operations, median;");
  EXPECT_EQ(with([](Counts& c) { c.gradient_not_zero = 89'999; }), "gradient not zero;");
  EXPECT_EQ(with([](Counts& c) { c.raised = 4'999; }), "refused by both;");
  EXPECT_EQ(with([](Counts& c) { c.raised = 20'001; }), "refused by both;");
  EXPECT_EQ(with([](Counts& c) { c.ill_conditioned = 101; }), "ill-conditioned;");
  const std::string rare = "hits of the rarest pair;";
  EXPECT_EQ(with([](Counts& c) { c.pairs["sum"]["0-d"] = 69; }), rare);
  Report enough = good;
  enough.counts.pairs["sum"]["0-d"] = 70;  // 100 - 3 * 10
  EXPECT_EQ(broken(enough), "");
}

TEST(FuzzReport, OfAMillionAThousandHitsAreWantedExactly) {
  Report report = good_report(1'000'000);
  report.counts.pairs["sum"]["0-d"] = 1'000;
  EXPECT_EQ(broken(report), "");
  report.counts.pairs["sum"]["0-d"] = 999;
  EXPECT_NE(broken(report), "");
}

TEST(FuzzReport, TooFewProgramsAreNotJudged) {
  Report report = good_report(999);
  report.counts.raised = 0;
  report.counts.pairs["sum"]["0-d"] = 0;
  EXPECT_FALSE(failed(report));
  report = good_report(1'000);
  report.counts.raised = 0;
  EXPECT_TRUE(failed(report));
  report = good_report(19'999);
  report.counts.pairs["sum"]["0-d"] = 0;
  EXPECT_FALSE(failed(report));
  report = good_report(20'000);
  report.counts.pairs["sum"]["0-d"] = 0;
  EXPECT_TRUE(failed(report));
}

// Neither failed nor passed: the JSON has null, and the last line says why.
TEST(FuzzReport, WhatIsTooLittleToTellHasNotPassed) {
  const auto is_open = [](const Report& report) {
    return !failed(report) && !passed(report) && contains(to_json(report), "\"passed\":null");
  };
  const Report few = good_report(19'999);
  EXPECT_TRUE(is_open(few));
  EXPECT_EQ(verdict_text(few),
            "19,999 programs: no disagreement; too few to judge every condition");
  Report early = good_report(20'000);
  EXPECT_TRUE(contains(to_json(early), "\"passed\":true"));
  early.programs = 20'001;
  EXPECT_TRUE(is_open(early));
  EXPECT_EQ(verdict_text(early),
            "20,000 programs: no disagreement; not complete, program 20000 is next");
  early.add({.index = 3, .found = "it differs"});
  EXPECT_TRUE(contains(to_json(early), "\"passed\":false"));
}

TEST(FuzzReport, OneDisagreementFails) {
  Report report = good_report(10);
  report.add({.index = 3, .found = "it differs"});
  EXPECT_TRUE(failed(report));
  EXPECT_EQ(verdict_text(report), "1 disagreement in 10 programs");
}

TEST(FuzzReport, TheRarestPairsComeFirst) {
  Counts counts{.programs = 10'000};
  counts.pairs = {{"mul", {{"a", 9}, {"b", 10}}}, {"sum", {{"a", 0}, {"b", 5'000}}}};
  const auto rare = rare_pairs(counts);
  ASSERT_EQ(rare.size(), 2U) << "10 of 10,000 are 1,000 in a million";
  EXPECT_EQ(rare[0].operation + rare[0].feature, "suma");
  EXPECT_EQ(rare[1].operation + rare[1].feature, "mula");
  EXPECT_EQ(least_hit(counts)->operation, "sum");
  EXPECT_FALSE(least_hit({}));
}

TEST(FuzzReport, TheMedianOfAnEvenNumberIsTheLowerOne) {
  EXPECT_EQ(Counts{}.median_operations(), 0U);
  EXPECT_EQ((Counts{.operations = {{3, 1}, {8, 1}}}).median_operations(), 3U);
  EXPECT_EQ((Counts{.operations = {{3, 1}, {8, 2}}}).median_operations(), 8U);
}

TEST(FuzzReport, TheWorstRatioIsTheLargestEvenIfInfinite) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  Counts counts;
  counts.add({.worst_ratio = 0.5}, 4);
  counts.add({.worst_ratio = inf}, 5);
  counts.add({.worst_ratio = inf}, 3);
  EXPECT_EQ(counts.worst_ratio, inf);
  EXPECT_EQ(counts.worst_program, 3U);
  Counts with_nan;
  with_nan.add({.worst_ratio = std::numeric_limits<double>::quiet_NaN()}, 9);
  counts.add(with_nan);
  EXPECT_EQ(counts.worst_program, 9U) << "NaN is no error that can be compared: the worst of all";
}

TEST(FuzzReport, ComesBackFromJson) {
  Report report = good_report(5'000);
  report.seed = std::numeric_limits<std::uint64_t>::max();
  report.shard = {2, 3};
  report.programs = 20'000;
  report.seconds = 1.25;
  report.commit = "v1.0-3-g1234abc-dirty";
  report.counts.refusals = {{"ShapeError", 12}};
  report.counts.ill_conditioned = 4;
  report.counts.intended = {{"transpose copies", 3}};
  report.counts.worst_ratio = std::numeric_limits<double>::infinity();
  report.counts.worst_program = 17;
  report.add({.index = 3, .found = "\"it\"\n differs by \xff"});
  report.add({.index = 1, .found = "so", .shrunk = Shrunk{"f", "t", "e", "l"}});
  const std::string text = to_json(report);
  const Report back = report_from_json(text);
  EXPECT_EQ(back.counts, report.counts);
  EXPECT_EQ(back.commit, report.commit);
  EXPECT_EQ(back.findings[0], report.findings[0]);
  EXPECT_EQ(back.findings[0].index, 1U);
  EXPECT_EQ(to_json(back), text);
  EXPECT_EQ(text.find('\n'), text.size() - 1) << "one line";
}

TEST(FuzzReport, OtherTextIsNoReport) {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      report_from_json(text);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  const std::string json = to_json(good_report(10));
  EXPECT_EQ(refusal(json), "");
  EXPECT_TRUE(contains(refusal(""), "expected a result of fuzz"));
  EXPECT_TRUE(contains(refusal(json.substr(0, json.size() / 2)), "expected a result of fuzz"));
  EXPECT_TRUE(contains(refusal("[1]"), "expected a result of fuzz"));
  EXPECT_TRUE(contains(refusal(R"({"format": "gradbook.lesson"})"), "expected a result of fuzz"));
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = json;
    text.replace(text.find(from), from.size(), to);
    return refusal(text);
  };
  EXPECT_TRUE(contains(changed("\"version\":4", "\"version\":2"), "expected version 4"));
  EXPECT_TRUE(contains(changed("\"raised\":", "\"rised\":"), "not as fuzz writes it"));
  EXPECT_TRUE(contains(changed("\"done\":10", "\"done\":9"), "contradict"));
  const auto expects_count = [&](const std::string& from, const std::string& to,
                                 const std::string& name) {
    const std::string said = changed(from, to);
    return said.starts_with(fmt::format("'{}': expected a whole number from 0, found ", name));
  };
  EXPECT_TRUE(expects_count("\"12\":", "\"many\":", "operations"));
  EXPECT_TRUE(expects_count("\"12\":", "\"-12\":", "operations"));
  EXPECT_TRUE(expects_count("\"12\":6", "\"12\":-6", "operations.12"));
  EXPECT_TRUE(expects_count("\"disagreements\":0", "\"disagreements\":-1", "disagreements"));
  EXPECT_TRUE(expects_count("\"disagreements\":0", "\"disagreements\":true", "disagreements"));
  EXPECT_TRUE(expects_count("\"raised\":1", "\"raised\":1.5", "raised"));
  EXPECT_TRUE(expects_count("\"shared\":0", "\"shared\":\"0\"", "pairs.mul.shared"));
}

TEST(FuzzReport, ReadsWell) {
  Report report = good_report(20'000);
  report.counts.intended = {{"transpose copies", 1'234}, {"gate", 0}};
  report.counts.ill_conditioned = 12;
  report.counts.pairs["sum"]["0-d"] = 12;
  report.add(
      {.index = 77, .found = "line 2, mul: it differs", .shrunk = Shrunk{"f", "t", "e", "l"}});
  const std::string text = report_text(report, workbook::TerminalRenderer(false));
  EXPECT_TRUE(contains(text, "program 77: line 2, mul: it differs")) << text;
  EXPECT_TRUE(contains(text, "fuzz --seed 1 --only 77")) << text;
  EXPECT_TRUE(contains(text, "\ntranspose copies")) << text;
  EXPECT_TRUE(contains(text, "1,234\n")) << text;
  EXPECT_TRUE(contains(text, "\ngate")) << "explained nothing, but is to be seen: " << text;
  EXPECT_TRUE(contains(text, "12 programs, compared step by step only\n")) << text;
  EXPECT_TRUE(contains(text, "ill-conditioned          at most 0.1 %")) << text;
  EXPECT_TRUE(contains(text, "12 (sum, 0-d)")) << text;
  EXPECT_TRUE(contains(text, "1 disagreement in 20,000 programs")) << text;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 100U) << text.substr(begin, end - begin);
    begin = end + 1;
  }
  report.done = 10'000;
  EXPECT_TRUE(contains(verdict_text(report), "program 10000 is next"));
}

}  // namespace
}  // namespace gradbook::fuzz
