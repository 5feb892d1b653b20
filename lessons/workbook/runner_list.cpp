// `gradbook list`: the lessons by number, name and title.
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <regex>
#include <sstream>
#include <utility>

#include "lessons/workbook/process.hpp"
#include "lessons/workbook/result.hpp"
#include "lessons/workbook/runner.hpp"
#include "lessons/workbook/text_layout.hpp"

namespace gradbook::workbook {

std::optional<About> read_about(int number, const std::filesystem::path& binary) {
  std::ifstream file(binary, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();  // in blocks: under AddressSanitizer a lesson has 70 MB
  const std::string bytes = std::move(content).str();
  // The pattern is tried on one LessonInfo at a time: a regular expression over megabytes is slow.
  const std::string opening = fmt::format(".number = {},", number);
  constexpr std::size_t longest_info = 2000;
  static const std::regex info(
      R"re(^[^}]*\.name = "([^"\\]+)",\s*\.title = "([^"\\]+)",[^}]*\.checks = (\d{1,6})[,}])re");
  for (std::size_t at = bytes.find(opening); at != std::string::npos;
       at = bytes.find(opening, at + 1)) {
    const std::string text = bytes.substr(at, longest_info);
    std::smatch match;
    if (std::regex_search(text, match, info)) {
      return About{match[1], match[2], std::stoi(match[3])};
    }
  }
  return std::nullopt;
}

std::optional<About> ask_about(const std::filesystem::path& binary) {
  const ProcessResult told = run_process({binary.string(), "--about"});
  const auto about = nlohmann::json::parse(told.out, nullptr, false);
  if (!told.succeeded() || !about.is_object()) return std::nullopt;
  return About{about.value("name", ""), about.value("title", ""), about.value("checks", 0)};
}

int list_lessons(const LessonBinaries& lessons, Console& console) {
  std::vector<std::vector<std::string>> rows;
  int code = 0;
  for (const auto& [number, binary] : lessons) {
    std::optional<About> about = read_about(number, binary);
    if (!about) about = ask_about(binary);
    if (about) {
      rows.push_back(
          {two_digits(number), about->name, about->title, std::to_string(about->checks)});
    } else {
      rows.push_back({two_digits(number), "", "does not say what it is", ""});
      code = 1;
    }
  }
  for (const std::string& line : aligned_table({"lesson", "name", "title", "checks"}, rows)) {
    console.out << line << '\n';
  }
  return code;
}

}  // namespace gradbook::workbook
