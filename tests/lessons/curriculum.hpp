// The figures that the lessons have to reproduce: those of the published course module, by lesson
// and by their name in the lesson's JSON.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace gradbook {

/// What a figure must be: numbers as printed in the course (their last digit says how near is near
/// enough; brackets for arrays), a text, or a truth value.
struct Printed {
  std::string figure;
};
using Expected = std::variant<Printed, std::string, bool>;

struct Figure {
  int lesson;
  std::string name;
  Expected expected;
};

std::vector<Figure> curriculum();

}  // namespace gradbook
