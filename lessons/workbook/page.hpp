// A lesson is a page: it appends typed blocks, and a renderer turns them into terminal text or
// JSON.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lessons/workbook/blocks.hpp"
#include "lessons/workbook/numbers.hpp"
#include "lessons/workbook/quantity.hpp"
#include "reference/results.hpp"

namespace gradbook {
struct Drawing;
}  // namespace gradbook
namespace gradbook::reference {
struct ReplayReport;
}  // namespace gradbook::reference

namespace gradbook::workbook {

class Page;

/// What a comparison may be told beyond quantity and by-hand figure.
struct How {
  std::string by_hand = {};
  std::optional<Precision> precision = {};  // default: the quantity's own
  std::string twin_name = {};  // name in the twin's results, where it is not the quantity's
  std::optional<Snapshot> magnitude = {};  // per element, the scale of the terms that were summed
};

/// A table of checks against one run of a twin. Lives as long as its page.
class CheckTable {
 public:
  /// Holds `engine` against the twin's result of the same name and, where given, against the figure
  /// by hand: "42", "0.2689", "[3, 3, 3]", "[[1, 2], [3, 4]]", "nan", "-inf". The figure's digits
  /// say how near is near enough (by_hand.hpp). A name the twin does not have fails the check.
  /// Throws std::invalid_argument where `by_hand` is not a figure.
  void compare(const std::string& quantity, const Quantity& engine, std::string_view by_hand = {});
  void compare(const std::string& quantity, const Quantity& engine, Precision precision,
               std::string_view by_hand = {});
  void compare(const std::string& quantity, const Quantity& engine, const How& how);

 private:
  friend class Page;
  CheckTable(Page& page, std::size_t block, reference::TwinRun run)
      : page_(page), block_(block), run_(std::move(run)) {}

  Page& page_;
  std::size_t block_;
  reference::TwinRun run_;
};

/// How far a page got.
struct Tally {
  int made = 0;
  int passed = 0;
  double largest_error = 0;  // of any check against LibTorch; NaN where one is NaN
};

class Page {
 public:
  /// `lesson_source` is where code() looks for regions.
  explicit Page(std::string_view lesson_source = {}) : source_(lesson_source) {}
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  void heading(std::string text);
  /// One paragraph, reflowed by the renderer; code in `back-ticks`.
  void prose(std::string text);
  /// The lines of the lesson's own source between `// [code: name]` and `// [/code]`, dedented.
  /// Throws std::logic_error for an unknown name, an unclosed region, more than ten lines or lines
  /// too wide for the page.
  void code(std::string_view name);
  /// Throws std::logic_error where a row has more or fewer cells than there are columns.
  void table(Table table);
  void graph(const Drawing& drawing);
  /// Throws std::logic_error where a line has an x that does not match its values.
  void series(Series series);
  void output(std::string text);
  void try_next(std::string text);

  /// A named result for JSON; nothing on the terminal. A name can be given once, or again with the
  /// same value; std::logic_error otherwise.
  void figure(const std::string& name, const FigureValue& value);

  /// A new table of checks against `run`; it stands on the page where this call stood.
  CheckTable& checks(reference::TwinRun run);
  /// A check that is a statement. Claims next to each other form one table.
  void claim(const std::string& statement, bool ok, std::string detail = {});
  /// The verdict on a whole replayed trace, as one check.
  void replayed(const reference::ReplayReport& report, const std::string& what);

  /// Shows the page so far, prompts, and reads one line. Nothing at the end of the input, and
  /// nothing in a run that cannot ask (--json, --quiet).
  std::optional<std::string> ask(const std::string& prompt);

  const std::vector<Block>& blocks() const { return blocks_; }
  /// In the order in which they were given.
  const std::vector<std::pair<std::string, FigureValue>>& figures() const { return figures_; }
  Tally tally() const;

  using Asker = std::function<std::optional<std::string>(const std::string& prompt)>;
  void set_asker(Asker asker) { asker_ = std::move(asker); }

 private:
  friend class CheckTable;
  void add_claim(Claim claim);

  std::string_view source_;
  std::vector<Block> blocks_;
  std::vector<std::pair<std::string, FigureValue>> figures_;
  std::deque<CheckTable> check_tables_;  // a deque: references to its elements stay good
  Asker asker_;
};

}  // namespace gradbook::workbook
