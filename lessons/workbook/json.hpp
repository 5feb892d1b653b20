// A page as JSON for programs. Every field is documented in lessons/workbook/README.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lessons/workbook/result.hpp"

namespace gradbook::workbook {

/// One JSON object on one line, ended by a line break.
std::string to_json(const LessonResult& result);

/// What the lesson says about itself, without running it: the same kind of line.
std::string about_json(const LessonInfo& info);

/// A number as README.md has it: "nan", "inf" and "-inf" are strings.
nlohmann::ordered_json json_number(double value);

}  // namespace gradbook::workbook
