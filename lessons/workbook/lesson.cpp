#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <exception>
#include <istream>
#include <ostream>

#include "lessons/workbook/console.hpp"
#include "lessons/workbook/graph_file.hpp"
#include "lessons/workbook/json.hpp"
#include "lessons/workbook/options.hpp"
#include "lessons/workbook/result.hpp"
#include "lessons/workbook/terminal.hpp"
#include "lessons/workbook/text_layout.hpp"

namespace gradbook::workbook {
namespace {

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

// Shows a page as it grows: all of it at the end, or what there is so far when the lesson asks.
class Screen {
 public:
  Screen(const LessonInfo& info, const Page& page, Console& console, TerminalRenderer renderer)
      : info_(info), page_(page), console_(console), renderer_(renderer) {}

  void show_new_blocks() {
    if (!opened_) console_.out << renderer_.opening(info_);
    opened_ = true;
    console_.out << renderer_.blocks(page_, shown_);
    shown_ = page_.blocks().size();
  }

  std::optional<std::string> ask(const std::string& prompt) {
    show_new_blocks();
    console_.out << prompt << std::flush;
    std::string line;
    const bool got = static_cast<bool>(std::getline(console_.in, line));
    if (got && !line.empty() && line.back() == '\r') line.pop_back();
    // A terminal shows what was typed; in a transcript it would be missing.
    if (!console_.in_is_terminal) console_.out << printable(line);
    if (!got || !console_.in_is_terminal) console_.out << '\n';
    return got ? std::optional(line) : std::nullopt;
  }

  void close(const LessonResult& result) { console_.out << renderer_.closing(result); }

 private:
  const LessonInfo& info_;
  const Page& page_;
  Console& console_;
  TerminalRenderer renderer_;
  bool opened_ = false;
  std::size_t shown_ = 0;
};

std::string build_page(const Lesson& lesson, Page& page, const Options& options) {
  try {
    lesson.build(page, options);
  } catch (const std::exception& error) {
    return one_line(error.what());
  } catch (...) {
    return "an exception that is no std::exception";
  }
  return {};
}

const Graph* last_graph(const Page& page) {
  const auto& blocks = page.blocks();
  const auto last = std::find_if(blocks.rbegin(), blocks.rend(), [](const Block& block) {
    return std::holds_alternative<Graph>(block);
  });
  return last == blocks.rend() ? nullptr : &std::get<Graph>(*last);
}

// --graph: false where that could not be done, which is said on `err`.
bool write_or_explain(const Graph& graph, const std::string& file, const std::string& program,
                      std::ostream& err) {
  try {
    const std::string note = write_graph(graph.dot, file);
    if (!note.empty()) err << fmt::format("{}: {}\n", program, note);
  } catch (const std::exception& error) {
    err << fmt::format("{}: --graph {}\n", program, one_line(error.what()));
    return false;
  }
  return true;
}

// All but seeing to it that the output is written.
int perform(const Lesson& lesson, int argc, const char* const* argv, Console& console,
            const std::string& program) {
  const LessonInfo& info = lesson.info;
  CLI::App app(fmt::format("Lesson {}: {}\n{}", two_digits(info.number), info.title, info.question),
               program);
  CommandLine line;
  add_lesson_options(app, line);
  if (lesson.flags) lesson.flags(app);
  // No command: it is as likely `lessons/run 7` as `build/release/bin/lesson_07`.
  if (const auto code = parse_or_explain(app, argc, argv, console.out, console.err, "see --help"))
    return *code;

  if (!line.source.empty()) {
    console.out << (line.source == "twin" ? lesson.twin : lesson.source);
    return 0;
  }
  if (line.about) {
    console.out << about_json(info);
    return 0;
  }

  const TerminalRenderer renderer(
      use_color(line.color, console.out_is_terminal, console.no_color, console.term));
  const Options options = lesson_options(line);
  Page page(lesson.source);
  Screen screen(info, page, console, renderer);
  if (options.can_ask)
    page.set_asker([&](const std::string& prompt) { return screen.ask(prompt); });

  const auto start = std::chrono::steady_clock::now();
  LessonResult result{info, page};
  result.error = build_page(lesson, page, options);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const Graph* graph = line.graph_file.empty() ? nullptr : last_graph(page);
  if (!line.graph_file.empty() && graph == nullptr && result.error.empty()) {
    console.err << fmt::format("{}: --graph {}: this lesson draws no graph\n", program,
                               line.graph_file);
    return 2;
  }
  if (line.json) {
    console.out << to_json(result);
  } else {
    if (!line.quiet) screen.show_new_blocks();
    screen.close(result);
  }
  if (!result.error.empty()) {
    console.err << fmt::format("{} {}: stopped by an error: {}\n", program, info.name,
                               result.error);
  }
  if (graph != nullptr && !write_or_explain(*graph, line.graph_file, program, console.err))
    return 2;
  return result.passed() ? 0 : 1;
}

}  // namespace

int run_lesson(const Lesson& lesson, int argc, const char* const* argv) {
  Console console = Console::real();
  return run_lesson(lesson, argc, argv, console);
}

int run_lesson(const Lesson& lesson, int argc, const char* const* argv, Console& console) {
  const std::string program = "lesson_" + two_digits(lesson.info.number);
  return finish(console, program, perform(lesson, argc, argv, console, program));
}

}  // namespace gradbook::workbook
