// JSON: every documented field is produced and every produced one documented; numbers come back.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/draw.hpp"
#include "lessons/workbook/runner.hpp"
#include "reference/replay.hpp"
#include "tests/lessons/json_fields.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

using nlohmann::json;
using Departures = std::vector<std::string>;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

constexpr std::string_view source = "// [code: a]\nx\n// [/code]\n";

// A page with every type of block.
void everything(Page& page, const Options&) {
  page.heading("Heading");
  page.prose("Prose.");
  page.code("a");
  page.table({.title = "t", .columns = {"x"}, .rows = {{"1"}}});
  page.graph(Drawing{"a -> b", "digraph {}"});
  page.series({.title = "s",
               .x_label = "step",
               .y_label = "loss",
               .lines = {{"l", {1, nan, inf}, {0, 1, 2}}}});
  page.output("out");
  page.figure("text", "words");
  page.figure("truth", true);
  page.figure("matrix", Snapshot({2, 2}, {1, 2, 3, -inf}));
  page.figure("empty", Snapshot({2, 0}, {}));
  page.figure("vector", std::vector<float>{0.1F});
  auto& checks = page.checks(twin_of({{"x", 6.0}, {"v", Snapshot({3}, {1, 2, 3})}}));
  checks.compare("x", 6.0, "6");
  checks.compare("v", std::vector<double>{1, 2, 3});
  page.claim("it holds", true, "seen");
  reference::ReplayReport report{};
  report.steps = 3;
  report.largest_error = 1e-7;
  page.replayed(report, "the whole run");
  page.try_next("Change x.");
}

json page_json(const Lesson& lesson) { return json::parse(run(lesson, {"--json"}).out); }

json everything_json() { return page_json(fake_lesson(4, everything, source)); }

TEST(WorkbookJson, ThePageHasTheDocumentedFields) {
  const Types types = documented().at("lesson_NN --json");
  const json page = everything_json();
  EXPECT_EQ(produced(page, {"figures", "blocks"}), names_of(types));
  EXPECT_EQ(departures_from(types, page, {"figures", "blocks"}), Departures{});
  for (const auto& [name, figure] : page.at("figures").items()) EXPECT_TRUE(is_figure(figure));
}

TEST(WorkbookJson, EveryBlockHasTheDocumentedFields) {
  std::map<std::string, Fields> blocks;
  const json page = everything_json();
  for (const json& block : page.at("blocks")) blocks[block.at("type")].merge(produced(block));
  EXPECT_EQ(blocks.size(), std::variant_size_v<Block>) << "the test page shows every type of block";
  const auto tables = documented();
  for (const auto& [type, fields] : blocks) {
    ASSERT_TRUE(tables.contains(type)) << type;
    EXPECT_EQ(fields, names_of(tables.at(type))) << type;
  }
  for (const json& block : page.at("blocks")) {
    EXPECT_EQ(departures_from(tables.at(block.at("type")), block), Departures{});
  }
  // And nothing is documented that is no block: four more tables stand there.
  EXPECT_EQ(tables.size(), blocks.size() + 4);
}

TEST(WorkbookJson, AboutHasTheDocumentedFields) {
  const Outcome outcome = run(fake_lesson(4, everything, source), {"--about"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(departures_from(documented().at("lesson_NN --about"), json::parse(outcome.out)),
            Departures{});
}

TEST(WorkbookJson, ARunHasTheDocumentedFields) {
  TemporaryFolder folder;
  const auto binary = folder / "lesson_01";
  write_text(binary, "#!/bin/sh\nexit 1\n");
  std::filesystem::permissions(binary, std::filesystem::perms::owner_all);
  const Outcome outcome =
      call([&](int argc, const char* const* argv,
               Console& console) { return run_gradbook(argc, argv, folder.path(), console); },
           {"run", "--json"});
  const Types types = documented().at("gradbook run --json");
  EXPECT_EQ(produced(json::parse(outcome.out)), names_of(types));
  EXPECT_EQ(departures_from(types, json::parse(outcome.out)), Departures{});
}

TEST(WorkbookJson, SaysWhatBecameOfTheChecks) {
  const json page = everything_json();
  EXPECT_EQ(page.at("passed"), true);
  EXPECT_EQ(page.at("checks"), (json{{"declared", 4}, {"made", 4}, {"passed", 4}}));
  EXPECT_EQ(page.at("largest_error"), 1e-7);
  EXPECT_TRUE(page.at("error").is_null());

  const json failed =
      page_json(fake_lesson(2, [](Page& p, const Options&) { p.claim("no", false); }));
  EXPECT_EQ(failed.at("passed"), false);
  EXPECT_EQ(failed.at("checks"), (json{{"declared", 2}, {"made", 1}, {"passed", 0}}));
}

TEST(WorkbookJson, FiguresKeepTheirShapeAndOrder) {
  const nlohmann::ordered_json page =
      nlohmann::ordered_json::parse(run(fake_lesson(4, everything, source), {"--json"}).out);
  EXPECT_EQ(
      page.at("figures").dump(),
      R"({"text":"words","truth":true,"matrix":[[1.0,2.0],[3.0,"-inf"]],"empty":[[],[]],)"
      R"("vector":[0.10000000149011612],"x":6.0,"v":[1.0,2.0,3.0],"it holds":true,"the whole run":true})");
}

TEST(WorkbookJson, NumbersReadBackExactly) {
  const double awkward = 0.1 + 0.2;
  const json page = page_json(fake_lesson(1, [&](Page& p, const Options&) {
    p.figure("x", awkward);
    p.figure("smallest", std::numeric_limits<double>::denorm_min());
  }));
  EXPECT_EQ(page.at("figures").at("x").get<double>(), awkward);
  EXPECT_EQ(page.at("figures").at("smallest").get<double>(),
            std::numeric_limits<double>::denorm_min());
}

TEST(WorkbookJson, NotFiniteNumbersAreStrings) {
  const json page = page_json(fake_lesson(1, [](Page& p, const Options&) {
    p.figure("a", nan);
    p.figure("b", inf);
    p.checks(twin_of({{"c", -inf}})).compare("c", -inf, "-inf");
  }));
  EXPECT_EQ(page.at("figures"), (json{{"a", "nan"}, {"b", "inf"}, {"c", "-inf"}}));
  EXPECT_EQ(page.at("passed"), true);
}

TEST(WorkbookJson, TextThatIsNotUtf8DoesNotCostTheResult) {
  const json page = page_json(fake_lesson(1, [](Page& p, const Options&) {
    p.output("\xff\xfe");
    p.claim("it holds", true);
  }));
  EXPECT_EQ(page.at("passed"), true);
}

TEST(WorkbookJson, AReplayThatDisagreesOrIsEmptyFails) {
  const auto replayed = [](const reference::ReplayReport& report) {
    return page_json(fake_lesson(1, [&](Page& p, const Options&) { p.replayed(report, "run"); }));
  };
  reference::ReplayReport report{};
  EXPECT_EQ(replayed(report).at("passed"), false) << "nothing was replayed";
  report.steps = 3;
  EXPECT_EQ(replayed(report).at("passed"), true);
  report.disagreements.emplace_back();
  EXPECT_EQ(replayed(report).at("passed"), false);
}

}  // namespace
}  // namespace gradbook::workbook
