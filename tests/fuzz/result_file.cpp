#include "tests/fuzz/result_file.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace gradbook::fuzz {
namespace {

constexpr std::chrono::seconds between_saves{30};

/// Where the whole is written before it takes its name; into a device or a pipe at once.
std::string beside(const std::string& name) {
  const auto there = std::filesystem::status(name);
  const bool is_special =
      std::filesystem::exists(there) && !std::filesystem::is_regular_file(there);
  return is_special ? name : name + ".part";
}

}  // namespace

ResultFile::ResultFile(std::string name) : name_(std::move(name)) {
  if (std::filesystem::is_directory(name_))
    throw std::invalid_argument(fmt::format("--json: expected a file, '{}' is a folder", name_));
  std::ofstream file(beside(name_), std::ios::binary);
  if (!file)
    throw std::invalid_argument(
        fmt::format("--json: expected a file that can be written, not '{}'", name_));
}

void ResultFile::save(const Report& report) {
  const std::string part = beside(name_);
  std::ofstream file(part, std::ios::binary);
  file << to_json(report);
  file.close();
  std::error_code error;
  if (file && part != name_) std::filesystem::rename(part, name_, error);
  if (!file || error) throw std::runtime_error(fmt::format("cannot write '{}'", name_));
  saved_ = std::chrono::steady_clock::now();
}

void ResultFile::save_now_and_then(const Report& report) {
  if (std::chrono::steady_clock::now() - saved_ >= between_saves) save(report);
}

Report read_result(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::invalid_argument(fmt::format("'{}' cannot be read", name));
  try {
    return report_from_json(text.str());
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(fmt::format("{}: {}", name, error.what()));
  }
}

}  // namespace gradbook::fuzz
