// What the same computation costs in Values and in Tensors: counted, measured, set side by side.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/value.hpp"
#include "lessons/workbook/page.hpp"

namespace gradbook {

/// What a computation, forward and backward, has cost.
struct Cost {
  std::uint64_t operations = 0;
  std::size_t bytes = 0;
  double seconds = 0;
};

/// The shortest of several runs: something disturbed the others.
template <class Run>
double shortest_seconds(Run run) {
  using Clock = std::chrono::steady_clock;
  double shortest = 0;
  for (int i = 0; i < 7; ++i) {
    const auto start = Clock::now();
    run();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    shortest = i == 0 ? seconds : std::min(shortest, seconds);
  }
  return shortest;
}

/// How many nodes below `root` each operation made; "" for leaves.
inline std::map<std::string, std::size_t> count_nodes(const Value& root) {
  std::map<std::string, std::size_t> counts;
  std::set<const ValueNode*> seen = {&root.node()};
  std::vector<Value> waiting = {root};
  while (!waiting.empty()) {
    const Value value = waiting.back();
    waiting.pop_back();
    ++counts[std::string(value.operation())];
    for (const Value& parent : value.parents()) {
      if (seen.insert(&parent.node()).second) waiting.push_back(parent);
    }
  }
  return counts;
}

/// A table of both costs and their ratios; each is also a figure whose name starts with `what`.
inline void show_costs(workbook::Page& page, const std::string& what, const Cost& values,
                       const Cost& tensors) {
  for (const auto& [kind, cost] : {std::pair("Values", values), std::pair("Tensors", tensors)}) {
    page.figure(fmt::format("{}, operations of {}", what, kind), cost.operations);
    page.figure(fmt::format("{}, bytes of {}", what, kind), cost.bytes);
    page.figure(fmt::format("{}, seconds of {}", what, kind), cost.seconds);
  }
  const auto time = [](double seconds) {
    return seconds < 1e-3 ? workbook::number(seconds * 1e6, 1) + " us"
                          : workbook::seconds_text(seconds);
  };
  const auto times = [](auto a, auto b) {
    return workbook::number(static_cast<double>(a) / static_cast<double>(b), 0);
  };
  page.table(
      {.columns = {"in this run", "Values", "Tensors", "ratio"},
       .rows = {{"operations recorded", std::to_string(values.operations),
                 std::to_string(tensors.operations), times(values.operations, tensors.operations)},
                {"bytes: nodes of Values, arrays of Tensors", workbook::bytes_text(values.bytes),
                 workbook::bytes_text(tensors.bytes), times(values.bytes, tensors.bytes)},
                {"time, forward and backward", time(values.seconds), time(tensors.seconds),
                 times(values.seconds, tensors.seconds)}}});
}

}  // namespace gradbook
