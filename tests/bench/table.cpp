#include "tests/bench/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gradbook::bench {

namespace {

/// Number of columns a text takes on a terminal: UTF-8's continuation bytes take none.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t to, bool right) {
  const std::string space(to - std::min(to, width(text)), ' ');
  return right ? space + text : text + space;
}

/// The first column is text, and so is a verdict, whose column has no heading.
bool is_number(const Table& table, std::size_t column) {
  return column > 0 && !table.columns[column].empty();
}

std::string times(double factor) { return fmt::format("{:.2f}", factor); }

std::string ratio_text(double ratio) { return fmt::format("{:.3f}", ratio); }

std::string verdict(const std::optional<Checked>& checked) {
  if (!checked) return "";
  return checked->ok() ? "ok"
                       : fmt::format("over by {:.1f}%", 100 * (checked->value / checked->bar - 1));
}

std::string bar_text(const std::optional<Checked>& checked) {
  if (!checked) return "";
  return checked->unit.empty() ? fmt::format("{:.2f}", checked->bar)
                               : fmt::format("{:.0f} {}", checked->bar, checked->unit);
}

std::string bytes_text(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1048576) return fmt::format("{:.1f} KiB", bytes / 1024);
  return fmt::format("{:.2f} MiB", bytes / 1048576);
}

std::string name_of(const Row& row) {
  if (row.workload.unit.empty()) return row.workload.name;
  return fmt::format("{} (per {})", row.workload.name, row.workload.unit);
}

const Row* same_on(const Report& report, const Row& row, int threads) {
  for (const Row& other : report.rows) {
    if (other.workload.name == row.workload.name && other.threads == threads) return &other;
  }
  return nullptr;
}

/// One row for each workload: what the first number of threads gave, then the ratios of the others.
Table main_table(const Report& report) {
  Table table{{"workload", "engine", "LibTorch", "ratio", "limit", "engine/limit", "LibTorch/limit",
               "bar", ""},
              {}};
  std::vector<int> others;
  for (const auto& [threads, limits] : report.limits) others.push_back(threads);
  if (report.rows.empty()) return table;
  const int first = report.rows.front().threads;
  std::erase(others, first);
  for (const int threads : others) {
    for (const char* what : {"engine", "LibTorch", "ratio"}) {
      table.columns.push_back(fmt::format("{}, {} threads", what, threads));
    }
  }
  for (const Row& row : report.rows) {
    if (row.threads != first) continue;
    const auto checked = check(row);
    const bool limited = row.limit > 0;
    table.rows.push_back(
        {name_of(row), duration(row.engine), duration(row.libtorch), ratio_text(row.ratio),
         limited ? duration(row.limit) : "", limited ? times(row.engine / row.limit) : "",
         limited ? times(row.libtorch / row.limit) : "", bar_text(checked), verdict(checked)});
    std::vector<std::string>& cells = table.rows.back();
    for (const int threads : others) {
      const Row* other = same_on(report, row, threads);
      cells.push_back(other == nullptr ? "" : duration(other->engine));
      cells.push_back(other == nullptr ? "" : duration(other->libtorch));
      cells.push_back(other == nullptr ? "" : ratio_text(other->ratio));
    }
  }
  return table;
}

Table checked_table(const std::vector<Checked>& all) {
  Table table{{"what", "measured", "bar", ""}, {}};
  for (const Checked& checked : all) {
    table.rows.push_back(
        {checked.what,
         fmt::format("{:.3f}{}", checked.value, checked.unit.empty() ? "" : " " + checked.unit),
         bar_text(checked), verdict(checked)});
  }
  return table;
}

Table memory_table(const Report& report) {
  Table table{{"peak bytes beyond inputs and parameters", "engine", "LibTorch", "ratio", ""}, {}};
  for (const MemoryRow& row : report.memory) {
    table.rows.push_back({row.name, bytes_text(static_cast<double>(row.engine)),
                          bytes_text(static_cast<double>(row.libtorch)), ratio_text(row.ratio()),
                          ""});
  }
  return table;
}

Table chain_table(const Report& report) {
  Table table{{"chain, in a process of its own", "first run, a node", "later runs, a node", ""},
              {}};
  for (const ChainRow& row : report.chains) {
    table.rows.push_back({row.name, duration(median(row.cold)), duration(median(row.warm)), ""});
  }
  return table;
}

/// Geometric means on numbers of threads that have no bar.
std::string other_means(const Report& report) {
  std::string text;
  for (const auto& [threads, limits] : report.limits) {
    if (threads == 1) continue;
    for (const std::size_t n : {16, 256, 2048}) {
      if (const auto mean = geometric_mean(report, n, threads)) {
        text += fmt::format("geometric mean at {}², {} threads: {:.2f}\n", n, threads, *mean);
      }
    }
  }
  return text;
}

/// Says so when the machine was busy with other things.
std::string busy_text(const Report& report) {
  std::vector<double> shares;
  for (const Row& row : report.rows) {
    if (row.threads == 1) shares.push_back(row.share);
  }
  constexpr double quiet = 0.95;
  if (shares.empty() || median(shares) > quiet) return "";
  return fmt::format(
      "The machine was busy with other things: this process got {:.0f}% of a core. Times on one "
      "thread are\nprocessor time and leave waiting out, but others used the caches and the memory "
      "as well.\n",
      100 * median(shares));
}

std::string facts_text(const Report& report, Style style) {
  std::string text;
  const auto add = [&](const std::string& name, const std::string& value) {
    text += style == Style::markdown ? fmt::format("- {}: {}\n", name, value)
                                     : fmt::format("{:<9} {}\n", name, value);
  };
  for (const auto& [name, value] : report.facts) add(name, value);
  for (const auto& [threads, limits] : report.limits) {
    std::string value;
    for (const auto& [n, seconds] : limits.seconds_per_byte) {
      value += fmt::format("copy at {}² {:.1f} GB/s, ", n, 1e-9 / seconds);
    }
    add(fmt::format("limits, {} thread{}", threads, threads == 1 ? "" : "s"),
        value + fmt::format("sgemm {:.1f} GFLOP/s", 1e-9 / limits.seconds_per_flop));
  }
  return text;
}

}  // namespace

std::string render(const Table& table, Style style) {
  const bool markdown = style == Style::markdown;
  const std::size_t least = markdown ? 3 : 0;  // a rule of fewer dashes is not one everywhere
  std::vector<std::size_t> widths;
  for (const std::string& column : table.columns) {
    widths.push_back(std::max(least, width(column)));
  }
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text = markdown ? "|" : "";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = padded(cells[i], widths[i], is_number(table, i));
      text += markdown ? " " + cell + " |" : (i == 0 ? "" : "  ") + cell;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::string text = line(table.columns);
  std::vector<std::string> rule;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    rule.push_back(std::string(widths[i], '-'));
    if (markdown && is_number(table, i)) rule.back().back() = ':';
  }
  text += line(rule);
  for (const auto& row : table.rows) text += line(row);
  return text;
}

std::string duration(double seconds) {
  constexpr std::pair<double, const char*> units[] = {
      {1e-9, "ns"}, {1e-6, "µs"}, {1e-3, "ms"}, {1, "s"}};
  double value = 0;
  const char* unit = "ns";
  for (const auto& [size, name] : units) {
    if (size > 1e-9 && seconds < 0.9995 * size) break;
    value = seconds / size;
    unit = name;
  }
  if (value == 0) value = seconds / 1e-9;
  const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, digits, unit);
}

std::string page(const Report& report, Style style) {
  std::string text =
      facts_text(report, style) + busy_text(report) + "\n" + render(main_table(report), style);
  const std::string means = other_means(report);
  if (!means.empty()) text += "\n" + means;
  const std::vector<Checked> summary = check_summary(report);
  if (!summary.empty()) text += "\n" + render(checked_table(summary), style);
  if (!report.memory.empty()) text += "\n" + render(memory_table(report), style);
  if (!report.chains.empty()) text += "\n" + render(chain_table(report), style);
  const std::vector<Checked> missed = over(report);
  text += missed.empty()
              ? "\nNothing that was measured is over its bar.\n"
              : fmt::format("\nOver their bars, the furthest first ({}):\n\n", missed.size()) +
                    render(checked_table(missed), style);
  return text;
}

}  // namespace gradbook::bench
