#include "lessons/workbook/result.hpp"

#include <fmt/format.h>

#include "lessons/workbook/numbers.hpp"

namespace gradbook::workbook {

std::string two_digits(int number) { return fmt::format("{:02}", number); }

std::string verdict_line(const LessonResult& result) {
  const LessonInfo& info = result.info;
  const Tally tally = result.page.tally();
  std::string line = fmt::format("lesson {}: {}, {} of {} checks hold", two_digits(info.number),
                                 result.passed() ? "passed" : "FAILED", tally.passed, info.checks);
  if (!result.error.empty()) {
    line += fmt::format(", stopped by an error after {} of them", tally.made);
  } else if (info.checks <= 0) {
    line += ", and a lesson must declare at least one";
  } else if (tally.made != info.checks) {
    line += fmt::format(", {} made but {} declared", tally.made, info.checks);
  }
  return line + fmt::format(", largest error against LibTorch {}", error_text(tally.largest_error));
}

}  // namespace gradbook::workbook
