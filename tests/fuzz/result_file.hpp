#pragma once

#include <chrono>
#include <string>

#include "tests/fuzz/report.hpp"

namespace gradbook::fuzz {

/// The JSON file of a campaign. It is replaced as a whole each time, so that whatever ends the
/// process leaves a file that can be read.
class ResultFile {
 public:
  /// Throws std::invalid_argument where the file cannot be written: before the work is done.
  explicit ResultFile(std::string name);
  /// Throws std::runtime_error where it can no longer be written.
  void save(const Report& report);
  /// save(), if the last one is half a minute ago.
  void save_now_and_then(const Report& report);

 private:
  std::string name_;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

/// The report in a file. Throws std::invalid_argument, naming the file, where it is none.
Report read_result(const std::string& name);

}  // namespace gradbook::fuzz
