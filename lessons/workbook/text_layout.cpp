#include "lessons/workbook/text_layout.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace gradbook::workbook {
namespace {

constexpr std::size_t gap = 2;

// Where the character at `at` ends, and how wide it is: escapes and combining marks have no width.
struct Step {
  std::size_t next;
  std::size_t width;
};

Step step(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text[at] == '\x1b') {
    const std::size_t end = text.find('m', at);
    return {end == std::string_view::npos ? text.size() : end + 1, 0};
  }
  std::size_t next = at + 1;
  while (next < text.size() && (byte(next) & 0xC0) == 0x80) ++next;
  const bool combining =
      next - at == 2 && (byte(at) == 0xCC || (byte(at) == 0xCD && byte(at + 1) < 0xB0));
  return {next, combining ? 0U : 1U};
}

// The position after as many characters as fit `width`.
std::size_t fitting(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  std::size_t used = 0;
  while (at < text.size()) {
    const auto [next, wide] = step(text, at);
    if (used + wide > width) break;
    used += wide;
    at = next;
  }
  return at;
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// Words are parted by spaces, except that a code span keeps its own.
std::vector<std::string> words(std::string_view text, std::size_t width) {
  std::vector<std::string> result;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && is_space(text[at])) ++at;
    if (at == text.size()) return result;
    std::string word;
    while (at < text.size() && !is_space(text[at])) {
      const std::size_t close = text[at] == '`' ? text.find('`', at + 1) : std::string_view::npos;
      if (close != std::string_view::npos &&
          display_width(text.substr(at, close + 1 - at)) <= width) {
        word += text.substr(at, close + 1 - at);
        at = close + 1;
      } else {
        word += text[at++];
      }
    }
    std::replace_if(word.begin(), word.end(), is_space, ' ');
    result.push_back(std::move(word));
  }
}

bool is_number(const std::string& cell) {
  if (cell.empty()) return false;
  char* end = nullptr;
  std::strtod(cell.c_str(), &end);
  return *end == '\0';
}

std::vector<std::string> lines_of(const std::string& cell) {
  std::vector<std::string> lines(1);
  for (const char c : cell) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

std::size_t widest_line(const std::string& cell) {
  std::size_t widest = 0;
  for (const std::string& line : lines_of(cell)) widest = std::max(widest, display_width(line));
  return widest;
}

// A cell in a column of `width`.
std::vector<std::string> wrapped(const std::string& cell, std::size_t width) {
  std::vector<std::string> lines;
  for (std::string& line : lines_of(cell)) {
    if (display_width(line) <= width) {
      lines.push_back(std::move(line));
    } else {
      for (std::string& part : reflow(line, width)) lines.push_back(std::move(part));
    }
  }
  return lines;
}

std::size_t longest_word(const std::string& cell) {
  std::size_t longest = 0;
  for (const std::string& word : words(cell, 0)) longest = std::max(longest, display_width(word));
  return longest;
}

std::size_t total(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), (widths.size() - 1) * gap);
}

// Takes from the widest column until the row fits, but not below what the columns need at least.
void narrow(std::vector<std::size_t>& widths, const std::vector<std::size_t>& least,
            std::size_t width) {
  while (total(widths) > width) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] > least[i] && (widest == widths.size() || widths[i] > widths[widest]))
        widest = i;
    }
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

std::vector<std::size_t> column_widths(const std::vector<std::vector<std::string>>& all_rows,
                                       std::size_t count, std::size_t width) {
  std::vector<std::size_t> natural(count, 1);
  std::vector<std::size_t> least(count, 1);
  for (const auto& row : all_rows) {
    for (std::size_t i = 0; i < count; ++i) {
      natural[i] = std::max(natural[i], widest_line(row[i]));
      least[i] = std::max(least[i], longest_word(row[i]));
    }
  }
  narrow(natural, least, width);                               // wraps between words
  narrow(natural, std::vector<std::size_t>(count, 4), width);  // breaks words, where it must
  return natural;
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [next, wide] = step(text, at);
    width += wide;
    at = next;
  }
  return width;
}

std::string padded(std::string_view text, std::size_t width, bool right) {
  const std::size_t used = display_width(text);
  const std::string spaces(width > used ? width - used : 0, ' ');
  return right ? spaces + std::string(text) : std::string(text) + spaces;
}

std::string clipped(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  return std::string(text.substr(0, fitting(text, width - 1))) + "…";
}

std::string printable(std::string_view typed) {
  std::string shown;
  bool in_character = false;  // of several bytes
  for (const char c : typed) {
    const auto byte = static_cast<unsigned char>(c);
    const bool goes_on = in_character && (byte & 0xC0) == 0x80;
    if (!goes_on) shown += byte < 0x20 || byte > 0x7e ? '?' : c;
    in_character = byte > 0x7f;
  }
  return shown;
}

std::vector<std::string> reflow(std::string_view text, std::size_t width) {
  width = std::max<std::size_t>(width, 1);
  std::vector<std::string> lines;
  std::size_t used = 0;
  for (std::string word : words(text, width)) {
    std::size_t wide = display_width(word);
    if (!lines.empty() && used + 1 + wide <= width) {
      lines.back() += ' ' + word;
      used += 1 + wide;
      continue;
    }
    while (wide > width) {
      const std::size_t cut = fitting(word, width);
      lines.push_back(word.substr(0, cut));
      word.erase(0, cut);
      wide = display_width(word);
    }
    lines.push_back(word);
    used = wide;
  }
  return lines;
}

std::vector<std::string> aligned_table(const std::vector<std::string>& columns,
                                       const std::vector<std::vector<std::string>>& rows,
                                       std::size_t width) {
  const std::size_t count = columns.size();
  if (count == 0) return {};
  std::vector<std::vector<std::string>> all = {columns};
  all.insert(all.end(), rows.begin(), rows.end());
  const std::vector<std::size_t> widths = column_widths(all, count, width);

  std::vector<bool> right(count);
  for (std::size_t i = 0; i < count; ++i) {
    right[i] = !rows.empty() && std::all_of(rows.begin(), rows.end(), [&](const auto& row) {
      return row[i].empty() || row[i] == "-" || is_number(row[i]);
    });
  }

  std::vector<std::string> lines;
  for (std::size_t r = 0; r < all.size(); ++r) {
    std::vector<std::vector<std::string>> cells(count);
    std::size_t height = 1;
    for (std::size_t i = 0; i < count; ++i) {
      cells[i] = wrapped(all[r][i], widths[i]);
      height = std::max(height, cells[i].size());
    }
    for (std::size_t h = 0; h < height; ++h) {
      std::string line;
      for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) line += std::string(gap, ' ');
        line += padded(h < cells[i].size() ? cells[i][h] : "", widths[i], right[i]);
      }
      lines.push_back(without_trailing_spaces(std::move(line)));
    }
    if (r == 0) {
      std::string rule;
      for (std::size_t i = 0; i < count; ++i) {
        rule += (i > 0 ? std::string(gap, ' ') : "") + std::string(widths[i], '-');
      }
      lines.push_back(rule);
    }
  }
  return lines;
}

}  // namespace gradbook::workbook
