#include "lessons/workbook/console.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace gradbook::workbook {
namespace {

// The terminal knows best; without one, COLUMNS is a way to say it.
int columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* said = std::getenv("COLUMNS");
  const int width = said == nullptr ? 0 : std::atoi(said);
  return width > 0 ? width : 80;
}

}  // namespace

Console Console::real() {
  return {.in = std::cin,
          .out = std::cout,
          .err = std::cerr,
          .in_is_terminal = ::isatty(STDIN_FILENO) == 1,
          .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
          .no_color = std::getenv("NO_COLOR"),
          .term = std::getenv("TERM"),
          .width = columns()};
}

int finish(Console& console, std::string_view program, int code) {
  errno = 0;
  console.out.flush();
  if (console.out) return code;
  // An earlier write may have failed; then the system's reason is no longer known.
  console.err << fmt::format("{}: cannot write all of the output{}{}\n", program,
                             errno != 0 ? ": " : "", errno != 0 ? std::strerror(errno) : "");
  return code == 0 ? 1 : code;
}

}  // namespace gradbook::workbook
