// A page as text for people: 80 columns, colour only where it was asked for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lessons/workbook/blocks.hpp"
#include "lessons/workbook/result.hpp"

namespace gradbook::workbook {

enum class ColorChoice { automatic, always, never };

/// Automatic: colour on a terminal that is not TERM=dumb, unless NO_COLOR is set and not empty. The
/// two strings are the environment's, or null where it has none.
bool use_color(ColorChoice choice, bool is_terminal, const char* no_color, const char* term);

class TerminalRenderer {
 public:
  explicit TerminalRenderer(bool color) : color_(color) {}

  /// Number, title and question of the lesson.
  std::string opening(const LessonInfo& info) const;
  /// The blocks of `page` from number `from` on, with an empty line after each.
  std::string blocks(const Page& page, std::size_t from = 0) const;
  /// The verdict line.
  std::string closing(const LessonResult& result) const;

  std::string good(std::string_view text) const { return painted(text, "32"); }
  std::string bad(std::string_view text) const { return painted(text, "1;31"); }
  std::string strong(std::string_view text) const { return painted(text, "1"); }
  std::string faint(std::string_view text) const { return painted(text, "2"); }
  std::string verdict(bool ok) const { return ok ? good("ok") : bad("FAIL"); }

 private:
  std::string painted(std::string_view text, std::string_view code) const;
  std::string paragraph(std::string_view text) const;

  std::string render(const Heading& heading) const;
  std::string render(const Prose& prose) const;
  std::string render(const Code& code) const;
  std::string render(const Table& table) const;
  std::string render(const Graph& graph) const;
  std::string render(const Series& series) const;
  std::string render(const Output& output) const;
  std::string render(const Comparisons& comparisons) const;
  std::string render(const Claims& claims) const;
  std::string render(const TryNext& try_next) const;

  bool color_;
};

}  // namespace gradbook::workbook
