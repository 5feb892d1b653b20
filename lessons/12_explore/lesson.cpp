#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "engine/draw.hpp"
#include "engine/value.hpp"
#include "lessons/12_explore/prompt.hpp"
#include "lessons/workbook/text_layout.hpp"
#include "reference/replay.hpp"
#include "reference/twins/12_explore.hpp"

using namespace gradbook;
using explore::Point;
using workbook::number;

namespace {

constexpr const char* accepted = "a=NUMBER, b=NUMBER or both";

/// One evaluation, graph and gradients included.
struct Round {
  Value a, b, c;
};

// [code: round]
Round evaluate(double a_start, double b_start) {
  Value a(a_start, "a"), b(b_start, "b");
  Value c = ((a + b) * b).set_label("c");
  c.backward();
  return {a, b, c};
}
// [/code]

/// What several points gave, as columns.
struct Columns {
  std::vector<double> a, b, c, da, db;
};

Columns columns(const std::vector<Point>& points) {
  Columns all;
  for (const Point& point : points) {
    const Round round = evaluate(point.a, point.b);
    all.a.push_back(point.a);
    all.b.push_back(point.b);
    all.c.push_back(round.c.data());
    all.da.push_back(round.a.grad());
    all.db.push_back(round.b.grad());
  }
  return all;
}

reference::TwinRun twin_at(const Snapshot& a, const Snapshot& b) {
  return reference::run_twin(
      [&](reference::Precision precision) { return reference::twins::explore(precision, a, b); });
}

reference::TwinRun twin_at(const Columns& points) {
  return twin_at({{points.a.size()}, points.a}, {{points.b.size()}, points.b});
}

void compare(workbook::CheckTable& checks, const std::string& where, const Columns& points,
             const std::vector<std::string>& by_hand) {
  checks.compare("c " + where, points.c, {.by_hand = by_hand[0], .twin_name = "c"});
  checks.compare("dc/da " + where, points.da, {.by_hand = by_hand[1], .twin_name = "dc/da"});
  checks.compare("dc/db " + where, points.db, {.by_hand = by_hand[2], .twin_name = "dc/db"});
}

void one_moves_the_other(workbook::Page& page) {
  page.heading("1. Move a, and the slope for b moves");
  page.prose("b stays at 3; a goes from 2 over 3 to 4:");
  const Columns moved = columns({{2, 3}, {3, 3}, {4, 3}});
  compare(page.checks(twin_at(moved)), "as a moves", moved,
          {"[15, 18, 21]", "[3, 3, 3]", "[8, 9, 10]"});
  page.prose(
      "dc/da does not notice: c is a straight line in a. dc/db grows with a although b stood "
      "still, because a is part of what b is multiplied with. A gradient holds at one point only; "
      "training computes it anew after every update.");
}

void two_paths(workbook::Page& page) {
  page.heading("2. b has two paths to c");
  page.prose("Give each use of b a variable of its own, and each path shows its share:");
  // [code: two paths]
  Value a(2.0), in_sum(3.0), as_factor(3.0);
  Value c = (a + in_sum) * as_factor;
  c.backward();
  // [/code]
  page.code("two paths");
  auto& checks = page.checks(reference::run_twin(reference::twins::explore_two_paths));
  checks.compare("through the sum", in_sum.grad(), "3");
  checks.compare("as the factor", as_factor.grad(), "5");
  checks.compare("both paths", in_sum.grad() + as_factor.grad(), "8");
}

void dead_factor(workbook::Page& page) {
  page.heading("3. b = 0 cuts a off");
  const Columns cut = columns({{2, 0}, {100, 0}});
  page.prose("b is 0; a is 2, then 100:");
  compare(page.checks(twin_at(cut)), "at b=0", cut, {"[0, 0]", "[0, 0]", "[2, 100]"});
  page.prose(
      "c stays 0 whatever a is, and dc/da says so: 0. No update of a can help while the factor is "
      "0. The same happens behind a relu whose input is negative. b itself still has a slope, so b "
      "can leave 0.");
}

void negative_values(workbook::Page& page) {
  page.heading("4. Negative values");
  const Columns sides = columns({{2, -3}, {2, -1}, {2, 1}});
  page.prose("a is 2; b is -3, -1, 1:");
  compare(page.checks(twin_at(sides)), "as b moves", sides,
          {"[3, -1, 3]", "[-3, -1, 1]", "[-4, 0, 4]"});
  std::vector<Point> points;
  for (int i = -20; i <= 8; ++i) points.push_back({2, 0.25 * i});
  const Columns valley = columns(points);
  page.series({.title = "c at a=2",
               .x_label = "b",
               .y_label = "c",
               .lines = {{"c", valley.c, valley.b}},
               .y_scale = workbook::Scale::linear});
  page.prose(
      "At b=-3 the slope is negative: c falls as b grows. At b=-1 it is 0: the bottom of the "
      "valley, b=-a/2. At b=1 it is positive. A step against the sign of dc/db leads down from "
      "either side, which is all that gradient descent does.");
}

void formulas(workbook::Page& page) {
  page.heading("5. The formulas hold everywhere");
  page.prose(
      "c = ab + b², so by the rules of calculus dc/da = b and dc/db = a + 2b. On the grid of all "
      "whole a and b from -5 to 5:");
  // [code: grid]
  int points = 0, hits = 0;
  for (double a = -5; a <= 5; ++a) {
    for (double b = -5; b <= 5; ++b) {
      const Round round = evaluate(a, b);
      ++points;
      hits += round.a.grad() == b && round.b.grad() == a + 2 * b;
    }
  }
  // [/code]
  page.code("grid");
  page.claim("dc/da = b and dc/db = a + 2b on the grid", points == 121 && hits == points,
             fmt::format("exact at {} of {} points", hits, points));
  std::vector<Point> grid;
  for (double a = -5; a <= 5; ++a) {
    for (double b = -5; b <= 5; ++b) grid.push_back({a, b});
  }
  const Columns all = columns(grid);
  const reference::Results libtorch = twin_at(all).truth;
  page.claim("LibTorch has the same gradients on the grid",
             all.da == libtorch.at("dc/da").values && all.db == libtorch.at("dc/db").values);
}

std::string change(const char* name, double before, double after) {
  return fmt::format("{} {} -> {}", name, number(before), number(after));
}

/// Asks until the reader leaves or the input ends. True where every round agreed with LibTorch.
bool converse(workbook::Page& page, Point at, int& rounds) {
  bool agreed = reference::replay(evaluate(at.a, at.b).c).ok();
  rounds = 1;
  while (const auto line = page.ask(fmt::format("a={} b={} > ", number(at.a), number(at.b)))) {
    const std::string text = explore::trimmed(*line);
    if (explore::leaves(text)) break;
    const auto next = explore::parse_point(text, at);
    if (text == "help") {
      page.output(fmt::format("{} (a=4 b=-1); Enter draws again; quit ends", accepted));
    } else if (!next) {
      page.output(fmt::format("expected {}, help or quit, not '{}'", accepted,
                              workbook::clipped(workbook::printable(text), 20)));
    } else {
      const Round before = evaluate(at.a, at.b);
      const Round now = evaluate(next->a, next->b);
      page.graph(draw(now.c));
      page.output(change("c", before.c.data(), now.c.data()) + "   " +
                  change("dc/da", before.a.grad(), now.a.grad()) + "   " +
                  change("dc/db", before.b.grad(), now.b.grad()));
      agreed = reference::replay(now.c).ok() && agreed;
      ++rounds;
      at = *next;
    }
  }
  return agreed;
}

void build(workbook::Page& page, const workbook::Options& options, Point start) {
  page.prose(
      "So far each lesson chose the numbers. Here you do: start it with "
      "`lessons/run 12 --a 4 --b -1`, or type `a=4` at the prompt below. Guess each gradient "
      "before you look; a wrong guess shows what to "
      "read again. It is practice for the day when a gradient in a real network is zero, huge or "
      "of the wrong sign.");

  page.heading("One expression");
  page.code("round");
  const Round round = evaluate(start.a, start.b);
  page.graph(draw(round.c));
  const bool untouched = start.a == 2 && start.b == 3;
  auto& checks = page.checks(twin_at(start.a, start.b));
  checks.compare("c", round.c, untouched ? "15" : "");
  checks.compare("dc/da", round.a.grad(), untouched ? "3" : "");
  checks.compare("dc/db", round.b.grad(), untouched ? "8" : "");
  page.prose("Five experiments follow, each with numbers of its own. Guess first.");

  one_moves_the_other(page);
  two_paths(page);
  dead_factor(page);
  negative_values(page);
  formulas(page);

  page.heading("Your turn");
  if (options.can_ask)
    page.prose("Type `a=4`, `b=-1` or both, `a=4 b=-1`. Enter draws again, `quit` ends.");
  int rounds = 0;
  const bool agreed = converse(page, start, rounds);
  page.claim("every round agreed with LibTorch", agreed,
             fmt::format("{} graph{}, built again there", rounds, rounds == 1 ? "" : "s"));
  page.try_next(
      "In `evaluate`, change `(a + b) * b` to `(a + b) * a`. The roles swap: at a=2, b=3 c is 10, "
      "dc/da is 2a + b = 7 and dc/db is a = 2. The checks fail, since the twin still has the old "
      "expression.");
}

void add_flags(CLI::App& app, Point& start) {
  const auto add = [&app](const std::string& name, double& target, const std::string& text) {
    app.add_option_function<std::string>(
           name, [&target](const std::string& word) { target = *explore::parse_number(word); },
           text)
        ->check([](const std::string& word) {
          return explore::parse_number(word)
                     ? std::string()
                     : fmt::format("expected a number such as 4 or -1.5, not '{}'", word);
        })
        ->type_name("NUMBER");
  };
  add("--a", start.a, "where a starts (2)");
  add("--b", start.b, "where b starts (3)");
}

}  // namespace

int main(int argc, char** argv) {
  Point start;
  return workbook::run_lesson(
      argc, argv,
      {.number = 12,
       .name = "explore",
       .title = "Explore",
       .question = "How do the gradients move when the inputs move?",
       .checks = 18},
      [&start](workbook::Page& page, const workbook::Options& options) {
        build(page, options, start);
      },
      [&start](CLI::App& app) { add_flags(app, start); });
}
