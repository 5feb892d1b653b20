#include "lessons/workbook/curve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "lessons/workbook/curve_axis.hpp"
#include "lessons/workbook/numbers.hpp"
#include "lessons/workbook/text_layout.hpp"

namespace gradbook::workbook {
namespace {

constexpr std::size_t total_width = 70;
constexpr std::size_t total_lines = 14;
constexpr std::size_t plot_rows = 9;
constexpr std::string_view marks = "o+x=%@*~";
constexpr char meeting = '#';

double x_at(const Line& line, std::size_t i) {
  return line.x.empty() ? static_cast<double>(i) : line.x[i];
}

Axis axis_of_x(const Series& series) {
  std::vector<double> all;
  for (const Line& line : series.lines) {
    for (std::size_t i = 0; i < line.values.size(); ++i) all.push_back(x_at(line, i));
  }
  // Steps that are counted from 0 never get a logarithmic scale: no zero may stand on it.
  return Axis(all, series.x_scale, false);
}

Axis axis_of_y(const Series& series) {
  std::vector<double> all;
  for (const Line& line : series.lines)
    all.insert(all.end(), line.values.begin(), line.values.end());
  return Axis(all, series.y_scale, true);
}

// A curve as y over the columns of a grid: between two neighbouring points it is a straight line,
// and it is interrupted where a point is not finite.
class Grid {
 public:
  Grid(const Axis& x, const Axis& y, std::size_t columns, std::size_t rows)
      : x_(x), y_(y), columns_(columns), rows_(rows) {}

  // `put(column, row)` for every dot of the line; row 0 is the top.
  template <class Put>
  void trace(const Line& line, const Put& put) const {
    std::pair<long, long> last;
    bool interrupted = true;
    for (std::size_t i = 0; i < line.values.size(); ++i) {
      if (!std::isfinite(line.values[i]) || !std::isfinite(x_at(line, i))) {
        interrupted = true;
        continue;
      }
      const std::pair<long, long> here = {column(x_at(line, i)), row(line.values[i])};
      connect(interrupted ? here : last, here, put);
      last = here;
      interrupted = false;
    }
  }

  long column(double x) const { return place(x_.place(x), columns_); }
  long row(double y) const { return static_cast<long>(rows_) - 1 - place(y_.place(y), rows_); }

 private:
  static long place(double part, std::size_t count) {
    const auto last = static_cast<double>(count - 1);
    return std::lround(std::clamp(part, 0.0, 1.0) * last);
  }

  template <class Put>
  static void connect(std::pair<long, long> from, std::pair<long, long> to, const Put& put) {
    const long steps =
        std::max({std::abs(to.first - from.first), std::abs(to.second - from.second), 1L});
    for (long i = 0; i <= steps; ++i) {
      const double part = static_cast<double>(i) / static_cast<double>(steps);
      put(from.first + std::lround(part * static_cast<double>(to.first - from.first)),
          from.second + std::lround(part * static_cast<double>(to.second - from.second)));
    }
  }

  const Axis& x_;
  const Axis& y_;
  std::size_t columns_;
  std::size_t rows_;
};

using Canvas = std::vector<std::vector<std::string>>;  // [row][column], one character each

std::string utf8(std::uint32_t code) {
  return {static_cast<char>(0xE0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3F)),
          static_cast<char>(0x80 | (code & 0x3F))};
}

// Two by four dots a character, in the order Unicode gave them.
void draw_braille(Canvas& canvas, const Line& line, const Axis& x, const Axis& y) {
  static constexpr std::uint32_t dot[4][2] = {
      {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  const std::size_t columns = canvas.front().size();
  std::vector<std::vector<std::uint32_t>> dots(canvas.size(),
                                               std::vector<std::uint32_t>(columns, 0));
  const Grid grid(x, y, columns * 2, canvas.size() * 4);
  grid.trace(line, [&](long column, long row) {
    const auto c = static_cast<std::size_t>(column);
    const auto r = static_cast<std::size_t>(row);
    dots[r / 4][c / 2] |= dot[r % 4][c % 2];
  });
  for (std::size_t r = 0; r < dots.size(); ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      if (dots[r][c] != 0) canvas[r][c] = utf8(0x2800 + dots[r][c]);
    }
  }
}

void draw_marks(Canvas& canvas, const Series& series, const Axis& x, const Axis& y) {
  const std::size_t columns = canvas.front().size();
  const Grid grid(x, y, columns, canvas.size());
  std::vector<std::vector<std::size_t>> owner(canvas.size(), std::vector<std::size_t>(columns, 0));
  for (std::size_t i = 0; i < series.lines.size(); ++i) {
    grid.trace(series.lines[i], [&](long column, long row) {
      const auto c = static_cast<std::size_t>(column);
      const auto r = static_cast<std::size_t>(row);
      const bool taken = owner[r][c] != 0 && owner[r][c] != i + 1;
      canvas[r][c] = taken ? meeting : marks[i % marks.size()];
      if (!taken) owner[r][c] = i + 1;  // where curves meet, the first keeps the cell
    });
  }
}

// Marks what is not finite, and puts NaN on the axis line below the plot.
void mark_not_finite(Canvas& canvas, std::vector<std::string>& axis_line, const Series& series,
                     const Axis& x, const Axis& y) {
  const Grid grid(x, y, axis_line.size(), canvas.size());
  for (const Line& line : series.lines) {
    for (std::size_t i = 0; i < line.values.size(); ++i) {
      const double value = line.values[i];
      if (std::isfinite(value) || !std::isfinite(x_at(line, i))) continue;
      const auto column = static_cast<std::size_t>(grid.column(x_at(line, i)));
      if (std::isnan(value)) {
        axis_line[column] = "!";
      } else {
        (value > 0 ? canvas.front() : canvas.back())[column] = value > 0 ? "^" : "v";
      }
    }
  }
}

std::string not_finite_note(const Line& line) {
  std::size_t count = 0;
  std::size_t first = 0;
  for (std::size_t i = line.values.size(); i-- > 0;) {
    if (std::isfinite(line.values[i])) continue;
    first = i;
    ++count;
  }
  if (count == 0) return {};
  return fmt::format("{} of {} points not finite, the first ({}) at {}", count, line.values.size(),
                     number(line.values[first]), number_significant(x_at(line, first), 4));
}

std::vector<std::string> legend(const Series& series) {
  const bool several = series.lines.size() > 1;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < series.lines.size(); ++i) {
    const Line& line = series.lines[i];
    const std::string note = not_finite_note(line);
    if (!several && note.empty()) continue;
    std::string entry = several ? fmt::format("{} {}", marks[i % marks.size()], line.name) : "";
    if (!note.empty()) entry += several ? fmt::format(" ({})", note) : "! " + note;
    entry = clipped(entry, total_width);
    if (!lines.empty() && display_width(lines.back()) + 3 + display_width(entry) <= total_width) {
      lines.back() += "   " + entry;
    } else {
      lines.push_back(std::move(entry));
    }
  }
  return lines;
}

std::string x_axis_labels(const Series& series, const Axis& x, std::size_t width) {
  const std::string low = number_significant(x.low(), 4);
  const std::string high = number_significant(x.high(), 4);
  const std::size_t ends = display_width(low) + display_width(high) + 2;
  const std::string scale = x.logarithmic() ? " (log scale)" : "";
  const std::string label = clipped(series.x_label + scale, width > ends ? width - ends : 0);
  const std::size_t room = width - std::min(width, ends - 2 + display_width(label));
  return low + std::string(room / 2, ' ') + label + std::string(room - room / 2, ' ') + high;
}

}  // namespace

std::vector<std::string> draw_curves(const Series& series) {
  const Axis x = axis_of_x(series);
  const Axis y = axis_of_y(series);
  std::vector<std::string> lines;
  const std::string heading = series.y_label + (y.logarithmic() ? " (log scale)" : "");
  if (!heading.empty()) lines.push_back(clipped(heading, total_width));

  if (!x.any() || !y.any()) {
    lines.emplace_back("nothing to draw: no point is finite");
  } else {
    std::array<std::string, 3> ticks = {number_significant(y.high(), 3),
                                        number_significant(y.middle(), 3),
                                        number_significant(y.low(), 3)};
    std::size_t margin = 0;
    for (const std::string& tick : ticks) margin = std::max(margin, tick.size());
    const std::size_t columns = total_width - margin - 2;

    Canvas canvas(plot_rows, std::vector<std::string>(columns, " "));
    std::vector<std::string> axis_line(columns, "─");
    if (series.lines.size() == 1) {
      draw_braille(canvas, series.lines.front(), x, y);
    } else {
      draw_marks(canvas, series, x, y);
    }
    mark_not_finite(canvas, axis_line, series, x, y);

    for (std::size_t r = 0; r < plot_rows; ++r) {
      const std::size_t tick = r == 0 ? 0 : r == plot_rows / 2 ? 1 : r == plot_rows - 1 ? 2 : 3;
      std::string line =
          padded(tick < 3 ? ticks[tick] : "", margin, true) + (tick < 3 ? " ┤" : " │");
      for (const std::string& cell : canvas[r]) line += cell;
      line.erase(line.find_last_not_of(' ') + 1);
      lines.push_back(std::move(line));
    }
    std::string axis = std::string(margin, ' ') + " └";
    for (const std::string& cell : axis_line) axis += cell;
    lines.push_back(std::move(axis));
    lines.push_back(std::string(margin + 2, ' ') + x_axis_labels(series, x, columns));
  }

  std::vector<std::string> notes = legend(series);
  const std::size_t room = total_lines - std::min(total_lines, lines.size());
  if (notes.size() > room) {
    notes.resize(room);
    if (room > 0) notes.back() = clipped(notes.back() + " …", total_width);
  }
  lines.insert(lines.end(), notes.begin(), notes.end());
  return lines;
}

}  // namespace gradbook::workbook
