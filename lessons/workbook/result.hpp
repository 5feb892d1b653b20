// What became of one run of a lesson.
#pragma once

#include <string>

#include "lessons/workbook/lesson.hpp"
#include "lessons/workbook/page.hpp"

namespace gradbook::workbook {

struct LessonResult {
  const LessonInfo& info;
  const Page& page;
  std::string error = {};  // message of an exception that escaped the lesson; empty where none did
  double seconds = 0;

  /// Every check holds, and as many were made as declared (at least one).
  bool passed() const {
    const Tally tally = page.tally();
    return error.empty() && info.checks > 0 && tally.made == info.checks &&
           tally.passed == tally.made;
  }
};

/// "01", the way a lesson's number is written everywhere.
std::string two_digits(int number);

/// One line: which lesson, passed or FAILED, how many checks, the largest error.
std::string verdict_line(const LessonResult& result);

}  // namespace gradbook::workbook
