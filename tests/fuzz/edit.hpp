#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reference/program.hpp"

/// Small changes to a program that leave it one: every input still names an earlier line.
namespace gradbook::fuzz {

/// The constants of `line` called `name`, to be changed, or null.
std::vector<double>* attribute(reference::Line& line, std::string_view name);

/// Is there a constant `name` that is not 0?
bool flag(const reference::Line& line, std::string_view name);

/// Does `line` have a tensor as its result that later lines may use?
bool gives_tensor(const reference::Line& line);

/// `program` without the lines where `gone` is true and without those that use what they gave.
reference::Program without(const reference::Program& program, std::vector<bool> gone);

/// `program` without line `at`; whoever used its result uses that of the earlier line
/// `replacement`.
reference::Program replaced(const reference::Program& program, std::size_t at,
                            std::size_t replacement);

/// One line of text for each line: "x5 = mul(x1, x4)", "x6 = sum(x5, dims = [0, 1], keepdim = 1)".
std::string to_text(const reference::Program& program);

/// `value` as text from which the same number comes back, in `precision`: "0.1", "-0", "nan".
std::string exact(double value, reference::Precision precision);

}  // namespace gradbook::fuzz
