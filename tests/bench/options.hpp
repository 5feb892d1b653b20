#pragma once

#include <optional>
#include <ostream>
#include <regex>
#include <string>
#include <vector>

namespace gradbook::bench {

/// The command line of `bench`.
struct Options {
  std::regex filter;         ///< rows whose name it matches somewhere
  std::vector<int> threads;  ///< numbers of threads to measure with, in this order
  bool list = false;
  bool quick = false;
  bool markdown = false;
  bool check = false;
  std::string json;     ///< file to write; empty: none
  std::string compare;  ///< file to read; empty: none
  std::string commit;
};

/// Reads the arguments. Without a value the program ends: with *status 0 after the help, and 2
/// after one line on `err` that says what was expected.
std::optional<Options> parse(const std::vector<std::string>& arguments, std::ostream& out,
                             std::ostream& err, int& status);

}  // namespace gradbook::bench
