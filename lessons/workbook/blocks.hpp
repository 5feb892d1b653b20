// The typed blocks a page is made of. They hold what is to be said, never how it looks: that is the
// business of a renderer (terminal.hpp, json.hpp).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/snapshot.hpp"
#include "lessons/workbook/quantity.hpp"

namespace gradbook::workbook {

struct Heading {
  std::string text;
};

/// One paragraph. `Back-ticks` mark code; line breaks in the text count as spaces.
struct Prose {
  std::string text;
};

/// A region of the lesson's own source, its lines dedented.
struct Code {
  std::string name;
  std::string text;
};

/// Cells are text (see number() in numbers.hpp); every row has as many cells as there are columns.
struct Table {
  std::string title = {};
  std::vector<std::string> columns = {};
  std::vector<std::vector<std::string>> rows = {};
};

/// A drawn graph: as text for the terminal, as DOT for Graphviz.
struct Graph {
  std::string text;
  std::string dot;
};

enum class Scale { automatic, linear, logarithmic };

/// One curve. Without `x` the points stand at 0, 1, 2, …; with it, `x` has one entry per value.
struct Line {
  std::string name = {};
  std::vector<double> values = {};
  std::vector<double> x = {};
};

/// Curves over a common axis. An automatic scale is logarithmic where the values span three decades
/// or more and none is negative (y), or where a given x is positive and does so (x).
struct Series {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  std::vector<Line> lines = {};
  Scale y_scale = Scale::automatic;
  Scale x_scale = Scale::automatic;
};

/// What the code above printed, or the message of an error it met: literal text.
struct Output {
  std::string text;
};

/// A change to make in the lesson's own file, and the result to expect.
struct TryNext {
  std::string text;
};

/// One quantity held against LibTorch, and against a figure by hand where there is one.
struct Comparison {
  std::string quantity = {};
  std::string by_hand = {};  // as the lesson wrote it; empty where there is none
  Quantity engine;
  std::optional<Snapshot> libtorch =
      {};                // in the engine's precision; none: the twin has no such name
  double error = 0;      // largest absolute distance from float64 LibTorch
  double allowance = 0;  // what it may be; see reference/verdict.hpp
  bool ok = false;
  std::string reason = {};  // why not; empty where ok
};

struct Comparisons {
  std::vector<Comparison> rows;
};

/// The step-local verdict of a replayed trace, in numbers.
struct Replay {
  std::size_t steps = 0;        // everything that was judged
  std::size_t operations = 0;   // of these, forward operations
  std::size_t gradients = 0;    // of these, vjps and sums of gradients
  double worst_ratio = 0;       // of error to allowance; at most 1 where all is well
  double largest_error = 0;     // of any one step
  double end_to_end_error = 0;  // of the whole computation, relative, for information
  std::vector<std::string> disagreements = {};
};

/// A check that is a statement.
struct Claim {
  std::string statement;
  std::string detail;
  bool ok = false;
  std::optional<Replay> replay = {};
};

struct Claims {
  std::vector<Claim> rows;
};

using Block =
    std::variant<Heading, Prose, Code, Table, Graph, Series, Output, Comparisons, Claims, TryNext>;

}  // namespace gradbook::workbook
