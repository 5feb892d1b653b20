// Where a program reads and writes: the real streams in main(), others in a test.
#pragma once

#include <iosfwd>
#include <string_view>

namespace gradbook::workbook {

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  const char* no_color = nullptr;  // the environment's NO_COLOR, or null
  const char* term = nullptr;      // the environment's TERM, or null
  int width = 80;                  // columns of the terminal

  /// std::cin, std::cout and std::cerr, and what the system says of them.
  static Console real();
};

/// The end of a program: `code`, once all of `console.out` is written. Where it cannot be (a full
/// disk, a closed stream), one line on `console.err`, and 1 instead of 0.
int finish(Console& console, std::string_view program, int code);

}  // namespace gradbook::workbook
