#include "tests/bench/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gradbook::bench {

namespace {

std::string difference(const std::string& name, const Snapshot& a, const Snapshot& b) {
  if (a.shape != b.shape) {
    return fmt::format("{}: shapes {} and {}", name, to_string(a.shape), to_string(b.shape));
  }
  double largest = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    if (!std::isfinite(a.values[i]) || !std::isfinite(b.values[i])) {
      return fmt::format("{}: element {} is {} and {}, not finite", name, i, a.values[i],
                         b.values[i]);
    }
    largest = std::max(largest, std::abs(b.values[i]));
  }
  if (largest == 0) return name + ": all zeros show nothing";
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    if (std::abs(a.values[i] - b.values[i]) > tolerance * largest) {
      return fmt::format("{}: element {} is {} in the engine and {} in LibTorch", name, i,
                         a.values[i], b.values[i]);
    }
  }
  return {};
}

}  // namespace

std::string disagreement(const reference::Results& engine, const reference::Results& libtorch) {
  if (engine.empty()) return "no results to compare";
  for (const auto& [name, value] : libtorch) {
    const auto found = engine.find(name);
    if (found == engine.end()) return name + ": the engine has none";
    const std::string text = difference(name, found->second, value);
    if (!text.empty()) return text;
  }
  return engine.size() == libtorch.size() ? "" : "the engine has more results than LibTorch";
}

}  // namespace gradbook::bench
