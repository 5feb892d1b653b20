// The figures that the lessons have to reproduce: those of the published course module, by lesson
// and by their name in the lesson's JSON.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace gradbook {

/// What a figure must be: numbers as printed in the course (their last digit says how near is near
/// enough; brackets for arrays), numbers that the course calls near or about something, a shape, a
/// text, or a truth value.
struct Printed {
  std::string figure;
};
struct Near {
  std::vector<double> values;  // one, or a row of them
  double within;               // each
};
struct OfShape {
  std::vector<std::size_t> shape;
};
using Expected = std::variant<Printed, Near, OfShape, std::string, bool>;

struct Figure {
  int lesson;
  std::string name;
  Expected expected;
};

std::vector<Figure> curriculum();

}  // namespace gradbook
