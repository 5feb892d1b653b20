// --graph FILE: DOT as it is, SVG through the program `dot`, and what happens without it.
#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/draw.hpp"
#include "lessons/workbook/graph_file.hpp"
#include "lessons/workbook/process.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

const std::string dot_text = "digraph { a -> b }\n";

Lesson drawing_lesson(bool holds = true) {
  return fake_lesson(1, [=](Page& page, const Options&) {
    page.graph(Drawing{"first", "digraph { first }\n"});
    page.graph(Drawing{"a -> b", dot_text});
    page.claim("it holds", holds);
  });
}

TEST(WorkbookGraph, WritesTheLastGraphAsDot) {
  TemporaryFolder folder;
  const std::string file = (folder / "graph.dot").string();
  EXPECT_EQ(run(drawing_lesson(), {"--graph", file}).code, 0);
  EXPECT_EQ(read_text(file), dot_text);
  EXPECT_EQ(run(drawing_lesson(false), {"--graph", file}).code, 1) << "the checks still decide";
}

// A program in the place of Graphviz, so that this test needs no Graphviz.
std::string stand_in(const TemporaryFolder& folder, const std::string& script) {
  const auto program = folder / "stand-in";
  write_text(program, "#!/bin/sh\n" + script + "\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  return program.string();
}

TEST(WorkbookGraph, SvgComesFromTheProgram) {
  TemporaryFolder folder;
  const std::string program = stand_in(folder, "echo \"<svg $1>\"; cat");
  EXPECT_EQ(write_graph(dot_text, folder / "graph.svg", program), "");
  EXPECT_EQ(read_text(folder / "graph.svg"), "<svg -Tsvg>\n" + dot_text);
}

TEST(WorkbookGraph, GraphvizAcceptsWhatTheEngineDraws) {
  ASSERT_TRUE(run_process({"sh", "-c", "command -v dot"}).succeeded())
      << "tests/run installs Graphviz";
  TemporaryFolder folder;
  const std::string svg = (folder / "graph.svg").string();
  const Value a(2, R"(a "quoted" <label> {x|y} \)");
  const Value value = (a * 3).tanh();
  value.backward();
  Tensor x({1, 2}, requires_grad);
  Tensor tensor = (x * x).sum();
  tensor.backward({.retain_graph = true});
  for (const Drawing& drawing : {draw(value), draw(tensor)}) {
    EXPECT_EQ(write_graph(drawing.dot, svg, "dot"), "");
    EXPECT_TRUE(contains(read_text(svg), "</svg>"));
  }
}

TEST(WorkbookGraph, WithoutTheProgramDotIsWrittenAndSaid) {
  TemporaryFolder folder;
  const std::string note = write_graph(dot_text, folder / "graph.svg", "/no/such/dot");
  EXPECT_TRUE(contains(note, "not installed")) << note;
  EXPECT_TRUE(contains(note, (folder / "graph.dot").string())) << note;
  EXPECT_EQ(read_text(folder / "graph.dot"), dot_text);
  EXPECT_FALSE(std::filesystem::exists(folder / "graph.svg"));
}

TEST(WorkbookGraph, AProgramThatFailsLeavesNoHalfFile) {
  TemporaryFolder folder;
  const std::string program =
      stand_in(folder, "echo '<svg'; echo 'syntax error' >&2; echo more >&2; exit 1");
  const std::string note = write_graph(dot_text, folder / "graph.svg", program);
  EXPECT_TRUE(contains(note, "failed (syntax error)")) << note;
  EXPECT_FALSE(contains(note, "\n"));
  EXPECT_EQ(read_text(folder / "graph.dot"), dot_text);
  EXPECT_FALSE(std::filesystem::exists(folder / "graph.svg"));
}

TEST(WorkbookGraph, WhatCannotBeWrittenIsOneLineAndExitCode2) {
  const Outcome outcome = run(drawing_lesson(), {"--graph", "/no/such/folder/graph.dot"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(count_lines(outcome.err), 1U) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "cannot write /no/such/folder/graph.dot")) << outcome.err;
}

TEST(WorkbookGraph, ALessonWithoutAGraphSaysSo) {
  const Lesson lesson =
      fake_lesson(1, [](Page& page, const Options&) { page.claim("it holds", true); });
  const Outcome outcome = run(lesson, {"--graph", "graph.dot"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_TRUE(contains(outcome.err, "draws no graph")) << outcome.err;
  EXPECT_EQ(outcome.out, "") << "a page would hide the line";
}

TEST(WorkbookGraph, ALessonThatEndsBeforeItsGraphSaysWhy) {
  const Lesson lesson =
      fake_lesson(1, [](Page&, const Options&) { throw std::runtime_error("shapes do not fit"); });
  const Outcome outcome = run(lesson, {"--graph", "graph.dot"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "lesson_07 fake: stopped by an error: shapes do not fit\n");
}

}  // namespace
}  // namespace gradbook::workbook
