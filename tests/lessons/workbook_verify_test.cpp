// gradbook verify: the command, the program it goes on as, its page and its JSON.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "lessons/workbook/accuracy_page.hpp"
#include "lessons/workbook/process.hpp"
#include "lessons/workbook/runner.hpp"
#include "lessons/workbook/text_layout.hpp"
#include "tests/lessons/json_fields.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

using nlohmann::json;
using reference::Accuracy;

// Few samples: the whole command otherwise, with LibTorch and all.
Outcome gradbook_verify(std::vector<std::string> arguments, const Setting& setting = {},
                        const volatile std::sig_atomic_t* stop = nullptr) {
  if (std::ranges::find(arguments, "--samples") == arguments.end()) {
    arguments.insert(arguments.begin(), {"--samples", "64"});
  }
  arguments.insert(arguments.begin(), "verify");
  const TemporaryFolder without_lessons;
  return call(
      [&](int argc, const char* const* argv, Console& console) {
        return run_gradbook(argc, argv, without_lessons.path(), console, stop, verify);
      },
      arguments, setting);
}

AccuracyRun run_of(std::vector<Accuracy> results) {
  return {.seed = 42, .samples = 1000, .results = std::move(results), .seconds = 1.5};
}

Accuracy exact(const std::string& written, const std::string& vjp_of = "") {
  Accuracy result;
  result.operation = "op";
  result.written = written;
  result.vjp_of = vjp_of;
  result.elements = 1000;
  return result;
}

Accuracy wrong() {
  Accuracy result = exact("a / b", "b");
  result.largest.engine = std::numeric_limits<double>::infinity();
  result.largest.libtorch = 0.5;
  result.largest.worst = {{"a", 1.5}, {"b", -1.17549435e-38}, {"g", 3.40282347e38}};
  result.ok = false;
  result.reason = "element [3] is nan, LibTorch has 1 (1 in float32)";
  return result;
}

TEST(WorkbookVerify, PrintsATableOfEveryOperationThatFitsThePage) {
  const Outcome outcome = gradbook_verify({});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_FALSE(contains(outcome.out, "\r")) << "no live line where there is no terminal";
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80U) << line;
  for (const char* row : {"\na / b ", "\n  vjp of b ", "\nx.exp() ", "\nmatmul(a, b) "}) {
    EXPECT_TRUE(contains(outcome.out, row)) << row << outcome.out;
  }
  EXPECT_TRUE(contains(outcome.out, "the engine is nowhere worse than that")) << outcome.out;
}

TEST(WorkbookVerify, ARowNamesTheWorstInputsAsPreciselyAsThereIsRoom) {
  Accuracy forward = exact("x.exp()");
  forward.largest.engine = 0.504;
  forward.largest.libtorch = 16777216;
  forward.largest.worst = {{"x", -103.972076}};
  Accuracy vjp = wrong();
  const std::string page = to_text(run_of({forward, vjp}), TerminalRenderer(false));
  EXPECT_TRUE(contains(page, "x.exp()        1000     0    0.50   1.7e+07  x=-103.9721 ")) << page;
  EXPECT_TRUE(contains(page, "  a=1.5 b=-1e-38 g=3.403e38  FAIL")) << page;
  const std::string of_exact = to_text(run_of({exact("-x")}), TerminalRenderer(false));
  EXPECT_TRUE(contains(of_exact, "1000     0       0         0")) << of_exact;
  EXPECT_TRUE(contains(of_exact, "  -  ok\n")) << of_exact;
  Accuracy sum = exact("x.sum()");
  sum.largest.engine = 2;
  sum.largest.worst = {{"terms", 390}, {"result", -3.8765e29}};
  const std::string of_sum = to_text(run_of({sum}), TerminalRenderer(false));
  EXPECT_TRUE(contains(of_sum, "  n=390 result=-3.8765e29  ok")) << of_sum;
}

// sigmoid(-88.7): LibTorch's exp(88.7) is infinite, and 2.1e+06 ulps are all that there is.
Accuracy far_off() {
  Accuracy result = exact("x.sigmoid()");
  result.by_class = 120;
  result.by_peer = 3;
  result.largest = {0.75, 2.1e6, {{"x", -88.75}}};
  result.within = {0.5, 3.97, {{"x", 1.5}}};
  return result;
}

TEST(WorkbookVerify, ARowHasTheLargestErrorsAndAnotherThoseWhereLibTorchIsWithinFourUlps) {
  const std::string page = to_text(run_of({far_off()}), TerminalRenderer(false));
  EXPECT_TRUE(contains(page, "\nx.sigmoid()         1000   120    0.75   2.1e+06  x=-88.75 "))
      << page;
  EXPECT_TRUE(contains(page, "\n  within 4 ulps            123    0.50      3.97  x=1.5\n"))
      << page;
  Accuracy near = far_off();
  near.by_peer = 0;
  const std::string of_near = to_text(run_of({near}), TerminalRenderer(false));
  EXPECT_FALSE(contains(of_near, "\n  within 4 ulps")) << of_near;
}

TEST(WorkbookVerify, JsonHasTheLargestErrorsAndThoseWhereLibTorchIsWithinFourUlps) {
  const json result = json::parse(to_json(run_of({far_off()}))).at("results").at(0);
  EXPECT_EQ(result.at("by_class"), 120);
  EXPECT_EQ(result.at("by_peer"), 3);
  EXPECT_EQ(result.at("engine_ulps"), 0.75);
  EXPECT_EQ(result.at("libtorch_ulps"), 2.1e6);
  EXPECT_EQ(result.at("within").at("engine_ulps"), 0.5);
  EXPECT_EQ(result.at("within").at("libtorch_ulps"), 3.97);
  EXPECT_EQ(result.at("within").at("worst").at(0), (json{{"name", "x"}, {"value", 1.5}}));
}

// Nothing is clipped.
TEST(WorkbookVerify, PrintsTheErrorsWhereFloat32HasLostItsDigits) {
  const json object = json::parse(gradbook_verify({"--samples", "20000", "--json"}).out);
  std::map<std::string, double> libtorch;
  for (const json& result : object.at("results")) {
    EXPECT_EQ(result.at("passed"), true) << result;
    EXPECT_LE(result.at("within").at("libtorch_ulps"), object.at("least_ulps")) << result;
    EXPECT_EQ(result.at("libtorch_ulps") > object.at("least_ulps"), result.at("by_peer") > 0);
    const std::string of = result.at("vjp_of").is_null() ? "" : result.at("vjp_of");
    libtorch[result.at("written").get<std::string>() + ", " + of] = result.at("libtorch_ulps");
  }
  for (const char* name : {"a / b, b", "x.reciprocal(), x", "x.sigmoid(), "}) {
    EXPECT_GT(libtorch.at(name), 1e5) << name;
  }
  EXPECT_LE(libtorch.at("a * b, "), 1);
}

TEST(WorkbookVerify, ARowThatFailsIsExplained) {
  const AccuracyRun run = run_of({exact("a / b"), wrong()});
  EXPECT_FALSE(run.passed());
  const std::string page = to_text(run, TerminalRenderer(false));
  EXPECT_TRUE(contains(page, "FAIL")) << page;
  EXPECT_TRUE(
      contains(page, "a / b, vjp of b (a=1.5 b=-1.175494e-38 g=3.402823e38): element [3] is"))
      << page;
  EXPECT_TRUE(contains(page, "1 of 2 results are worse than that")) << page;
  EXPECT_TRUE(run_of({exact("a / b")}).passed());
  EXPECT_FALSE(run_of({}).passed()) << "nothing was measured";
}

TEST(WorkbookVerify, JsonIsTheDocumentedObjectAndNothingElse) {
  const Outcome outcome = gradbook_verify({"--json", "--seed", "7"}, {.terminal = true});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_EQ(count_lines(outcome.out), 1U);
  const json object = json::parse(outcome.out);
  const Types types = documented().at("gradbook verify --json");
  EXPECT_EQ(produced(object), names_of(types));
  EXPECT_EQ(departures_from(types, object), std::vector<std::string>{});
  EXPECT_EQ(object.at("passed"), true);
  EXPECT_EQ(object.at("seed"), 7);
  EXPECT_EQ(object.at("samples"), 64);
  EXPECT_EQ(object.at("results").at(0).at("written"), "a + b");
  EXPECT_TRUE(object.at("results").at(0).at("vjp_of").is_null());
  EXPECT_EQ(object.at("results").at(1).at("vjp_of"), "a");
}

TEST(WorkbookVerify, JsonSaysWhatFailed) {
  const json object = json::parse(to_json(run_of({wrong()})));
  EXPECT_EQ(object.at("passed"), false);
  const json& result = object.at("results").at(0);
  EXPECT_EQ(result.at("passed"), false);
  EXPECT_EQ(result.at("engine_ulps"), "inf");
  EXPECT_EQ(result.at("worst").at(1), (json{{"name", "b"}, {"value", -1.17549435e-38}}));
}

TEST(WorkbookVerify, AnInterruptEndsItWithWhatWasMeasured) {
  const volatile std::sig_atomic_t stop = 1;
  const Outcome outcome = gradbook_verify({}, {}, &stop);
  EXPECT_EQ(outcome.code, 130);
  EXPECT_TRUE(contains(outcome.out, "interrupted\n")) << outcome.out;
  const Outcome as_json = gradbook_verify({"--json"}, {}, &stop);
  EXPECT_EQ(as_json.code, 130);
  EXPECT_EQ(json::parse(as_json.out).at("interrupted"), true);
  EXPECT_EQ(json::parse(as_json.out).at("passed"), false);
}

TEST(WorkbookVerify, WrongUsageIsOneLineAndExitCode2) {
  const std::vector<std::vector<std::string>> wrong_usages = {{"--samples", "0"},
                                                              {"--samples", "1e3"},
                                                              {"--samples", "1000000001"},
                                                              {"--samples"},
                                                              {"--seed", "-1"},
                                                              {"--seed", "4294967296"},
                                                              {"--seed", "0x10"},
                                                              {"1"},
                                                              {"--fast"},
                                                              {"--color", "blue"},
                                                              {"list"}};
  for (std::vector<std::string> arguments : wrong_usages) {
    arguments.insert(arguments.begin(), "verify");
    const Outcome outcome = call(
        [&](int argc, const char* const* argv, Console& console) {
          return run_gradbook(argc, argv, ".", console, nullptr, verify);
        },
        arguments);
    EXPECT_EQ(outcome.code, 2) << arguments.back();
    EXPECT_EQ(count_lines(outcome.err), 1U) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "--help")) << outcome.err;
    EXPECT_EQ(outcome.out, "") << arguments.back();
  }
  const Outcome help = gradbook_verify({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_TRUE(contains(help.out, "--samples N")) << help.out;
}

// `gradbook` itself does not have LibTorch: it goes on as another program.
TEST(WorkbookVerify, TheRunnerGoesOnAsTheProgramThatHasLibTorch) {
  const std::string gradbook = std::string(GRADBOOK_BIN_DIR) + "/gradbook";
  const ProcessResult result = run_process({gradbook, "verify", "--samples", "1", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_EQ(json::parse(result.out).at("format"), "gradbook.verify");
  const ProcessResult misused = run_process({gradbook, "verify", "--samples", "none"});
  EXPECT_EQ(misused.exit_code, 2);
}

TEST(WorkbookVerify, ARunnerThatStandsAloneSaysWhatIsMissing) {
  const TemporaryFolder folder;
  const Outcome outcome =
      call([&](int argc, const char* const* argv,
               Console& console) { return run_gradbook(argc, argv, folder.path(), console); },
           {"verify"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(count_lines(outcome.err), 1U);
  EXPECT_TRUE(contains(outcome.err, "no gradbook_verify in")) << outcome.err;
}

}  // namespace
}  // namespace gradbook::workbook
