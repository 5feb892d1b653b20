// Where a program reads and writes: the real streams in main(), others in a test.
#pragma once

#include <iosfwd>

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

}  // namespace gradbook::workbook
