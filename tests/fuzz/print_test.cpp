// Programs as C++: they compile, and do what the program does.
#include "tests/fuzz/print.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "lessons/workbook/process.hpp"
#include "tests/fuzz/build_program.hpp"
#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/run_engine.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::fuzz {
namespace {

using reference::Line;
using reference::Outcome;
using reference::Precision;
using reference::Program;
using workbook::contains;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// One line at least of every operation that a program may have, and none that is refused.
ProgramBuilder every_operation() {
  ProgramBuilder p;
  const auto x = p.leaf({2, 3}, {0.5, -1.25, 3, 1e-20, 16777216, -0.1F}, true);
  const auto y = p.leaf({3}, {2, 0.1F, -3}, true);
  const auto special = p.leaf({2, 2}, {nan, inf, -inf, -0.0});
  const auto scalar = p.leaf({}, {0.75}, true);
  const auto empty = p.leaf({0, 3}, {}, true);
  const auto sum = p.line("add", {x, y});
  const auto positive = p.line("add_", {p.line("mul", {sum, sum})}, {{"scalar", {0.3}}});
  p.line("sub", {special}, {{"scalar", {-2}}});
  p.line("div", {special}, {{"scalar", {inf}}});
  p.line("rsub", {special}, {{"scalar", {1e20}}});
  p.line("add", {special}, {{"scalar", {nan}}});
  p.line("pow", {positive}, {{"scalar", {1.1}}});
  for (const char* op : {"neg", "reciprocal", "exp", "log", "sqrt", "tanh", "sigmoid", "relu"})
    p.line(op, {positive});
  const auto ratio = p.line("div", {p.line("sub", {x, y}), positive});
  p.line("gate", {ratio, y});
  p.line("sum", {ratio}, {{"dims", {-1}}, {"keepdim", {1}}});
  p.line("sum", {empty}, {{"dims", {}}, {"keepdim", {0}}});
  p.line("mean", {ratio}, {{"dims", {0, 1}}});
  p.line("mean", {ratio});
  p.line("sum_to", {ratio}, {{"shape", {3}}});
  const auto turned = p.line("transpose", {x}, {{"dim0", {0}}, {"dim1", {-1}}});
  p.line("transpose", {scalar}, {{"dim0", {0}}, {"dim1", {-1}}});
  const auto product = p.line("matmul", {x, turned});
  p.line("expand", {y}, {{"shape", {2, 2, 3}}});
  p.line("reshape", {product}, {{"shape", {-1}}});
  p.line("expand", {scalar}, {{"shape", {}}});
  const auto copy = p.line("clone", {product});
  p.line("retain_grad", {copy});
  p.line("sub_", {copy, p.line("detach", {copy})});
  p.line("mul_", {copy}, {{"scalar", {-2.5}}});
  const auto loss = p.line("sum", {p.line("mul", {copy, product})});
  p.line("backward", {loss}, {{"retain_graph", {1}}, {"create_graph", {0}}});
  p.line("backward", {copy, p.leaf({2, 2}, {1, 2, 3, 4})}, {{"retain_graph", {1}}});
  p.line("grad", {loss, y}, {{"retain_graph", {1}}, {"allow_unused", {1}}});
  const auto second = p.line("grad", {loss, x}, {{"create_graph", {1}}});
  p.line("grad", {second, x, p.leaf({2, 3}, {1, 1, 1, 1, 1, 1})}, {{"retain_graph", {1}}});
  p.line("backward", {loss});
  p.line("grad_of", {x});
  p.line("zero_grad", {y});
  p.line("grad_of", {y});
  p.line("no_grad");
  p.line("copy_", {p.line("mul", {x, x}), y});
  p.line("zero_", {p.line("exp", {y})});
  p.line("end_no_grad");
  const auto late = p.leaf({2, 3}, {5, 1, 2, 7, 9, 8});
  p.line("argmax", {late}, {{"dim", {1}}});
  p.line("argmax", {late});
  p.line("requires_grad_", {late}, {{"wanted", {1}}});
  return p;
}

std::string shown(const std::string& name, const Snapshot& value, bool requires_grad, int digits) {
  std::string text = name + " (";
  for (const std::size_t size : value.shape) text += fmt::format(" {}", size);
  text += requires_grad ? " ) requires grad:" : " ):";
  for (const double element : value.values)
    text += std::isnan(element) ? " nan" : fmt::format(" {:.{}g}", element, digits);
  return text + '\n';
}

// What the printed program is to print, by the outcome of the program itself.
std::string expected_output(const Program& program, const Outcome& outcome) {
  const int digits = program.precision == Precision::float32 ? 9 : 17;
  std::string text;
  for (std::size_t i = 0; i < program.lines.size(); ++i) {
    const Line& line = program.lines[i];
    const std::string name = fmt::format("x{}", i);
    if (line.op == "argmax") text += shown(name, *outcome.results[i].value, false, digits);
    if (!gives_tensor(line) || line.op.ends_with('_')) continue;
    const reference::LineResult& result = outcome.finals[i];
    if (!result.value) text += name + " undefined\n";
    if (!result.value) continue;
    text += shown(name, *result.value, result.requires_grad, digits);
    if (outcome.gradients[i]) text += shown(name + ".grad", *outcome.gradients[i], false, digits);
  }
  return text;
}

// Gradients of gradients end with a history, and so with a flag that an Outcome does not keep.
std::string without_grad_flags(const std::string& output) {
  std::istringstream lines(output);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t flag = line.find(" requires grad:");
    if (line.find(".grad (") != std::string::npos && flag != std::string::npos)
      line.erase(flag, std::string(" requires grad").size());
    if (line.find(".grad.grad") == std::string::npos) text += line + '\n';
  }
  return text;
}

// Compiles `source` with a command of the build, and runs what comes out.
std::string output_of(const std::string& source, const std::string& compile,
                      const std::string& libraries) {
  const workbook::TemporaryFolder folder;
  const std::string file = (folder / "program.cpp").string();
  const std::string program = (folder / "program").string();
  workbook::write_text(file, source);
  const auto compiled = workbook::run_process(
      {"sh", "-c", compile + " -O0 -o " + program + ' ' + file + ' ' + libraries});
  EXPECT_TRUE(compiled.succeeded()) << compiled.err << source;
  if (!compiled.succeeded()) return {};
  const auto ran = workbook::run_process({program});
  EXPECT_TRUE(ran.succeeded()) << ran.err << source;
  return ran.out;
}

std::string output_in_engine(const Program& program) {
  return output_of(engine_source(program, {}, ""), GRADBOOK_COMPILE_ENGINE, GRADBOOK_LINK_ENGINE);
}

TEST(FuzzPrint, TheSampleHasEveryOperation) {
  std::set<std::string> missing;
  for (const std::string& op : reference::line_operations()) missing.insert(op);
  const ProgramBuilder sample = every_operation();
  for (const Line& line : sample.program().lines) missing.erase(line.op);
  EXPECT_TRUE(missing.empty()) << fmt::format("{}", fmt::join(missing, ", "));
  EXPECT_EQ(run_engine(sample.program()).outcome.error, "");
}

TEST(FuzzPrint, TheEnginesProgramDoesWhatTheProgramDoes) {
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const Program program = every_operation().in(precision);
    EXPECT_EQ(without_grad_flags(output_in_engine(program)),
              expected_output(program, run_engine(program).outcome));
  }
}

TEST(FuzzPrint, LibTorchsProgramDoesWhatTheProgramDoes) {
  const Program program = every_operation().program();
  const Outcome outcome = reference::run_in_libtorch(program);
  ASSERT_EQ(outcome.error, "");
  const std::string output = output_of(libtorch_source(program, {}, ""), GRADBOOK_COMPILE_LIBTORCH,
                                       GRADBOOK_LINK_LIBTORCH);
  EXPECT_EQ(without_grad_flags(output), expected_output(program, outcome));
}

TEST(FuzzPrint, AProgramThatIsRefusedSaysSo) {
  ProgramBuilder p;
  const auto x = p.leaf({2}, {1, 2}, true);
  p.line("add", {x, p.line("zero_grad", {x})});  // of nothing
  const std::string error = run_engine(p.program()).outcome.error;
  ASSERT_NE(error, "");
  EXPECT_EQ(output_in_engine(p.program()), "refused: " + error + '\n');
}

TEST(FuzzPrint, SaysWhereItComesFromAndWhatWasFound) {
  const Origin origin{.seed = 3, .index = 17, .shrunk = true};
  for (const auto& source : {engine_source({}, origin, "line 1, mul: it\ndiffers"),
                             libtorch_source({}, origin, "line 1, mul: it\ndiffers")}) {
    EXPECT_TRUE(contains(source, "// Program 17 of the campaign with seed 3, shrunk")) << source;
    EXPECT_TRUE(contains(source, "fuzz --seed 3 --only 17")) << source;
    EXPECT_TRUE(contains(source, "// Found: line 1, mul: it\n// differs\n")) << source;
  }
}

TEST(FuzzPrint, RefusesWhatItCannotWrite) {
  ProgramBuilder p;
  p.line("sort", {p.leaf({2}, {1, 2})});
  EXPECT_THROW(engine_source(p.program(), {}, ""), std::invalid_argument);
  EXPECT_THROW(libtorch_source(p.program(), {}, ""), std::invalid_argument);
}

TEST(FuzzPrint, NumbersComeBackAsTheyWere) {
  for (const double value : {0.1, 1.0 / 3, 1e-320, 5e300, -2.0, 16777217.0}) {
    EXPECT_EQ(std::strtod(exact(value, Precision::float64).c_str(), nullptr), value);
    const float single = static_cast<float>(value);
    EXPECT_EQ(static_cast<float>(std::strtod(exact(single, Precision::float32).c_str(), nullptr)),
              single);
  }
  EXPECT_EQ(exact(static_cast<double>(0.1F), Precision::float32), "0.1");
  EXPECT_EQ(exact(-0.0, Precision::float32), "-0");
  EXPECT_EQ(exact(nan, Precision::float64) + exact(-inf, Precision::float32), "nan-inf");
}

}  // namespace
}  // namespace gradbook::fuzz
