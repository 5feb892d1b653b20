#include "tests/fuzz/end_to_end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace gradbook::fuzz {

using reference::Outcome;
using reference::Precision;
using reference::Program;

namespace {

/// Half of the digits: what rounding does to a program of some twenty steps stays far below, unless
/// the program is ill-conditioned.
double half_the_digits(Precision precision) {
  return precision == Precision::float32 ? std::sqrt(std::numeric_limits<float>::epsilon())
                                         : std::sqrt(std::numeric_limits<double>::epsilon());
}

double largest_finite(const Snapshot& snapshot) {
  double largest = 0;
  for (const double value : snapshot.values) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  return largest;
}

/// The largest number that a run has come across: what cancels leaves roundings of that behind.
double largest_finite(const Outcome& outcome) {
  double largest = 0;
  for (const auto& result : outcome.results) {
    if (result.value) largest = std::max(largest, largest_finite(*result.value));
  }
  return largest;
}

/// Largest difference relative to the largest finite element, or to `least` if that is larger;
/// infinite where one is finite and the other is not. What is not finite is all alike here:
/// LibTorch has formulas of its own for the derivatives of some derivatives, and inf - inf in one
/// way of writing is inf in another. The step-local verdict tells them apart.
double relative_difference(const Snapshot& a, const Snapshot& b, double least) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (a.shape != b.shape) return infinity;
  double largest = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double x = a.values[i];
    const double y = b.values[i];
    if (std::isfinite(x) != std::isfinite(y)) return infinity;
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x - y));
  }
  return largest == 0 ? 0 : largest / std::max({largest_finite(a), largest_finite(b), least});
}

/// A place at which the values of two runs can be compared.
struct Place {
  std::size_t line;
  enum class What { result, final_value, gradient } what;
};

const std::optional<Snapshot>& value_at(const Outcome& outcome, const Place& place) {
  switch (place.what) {
    case Place::What::result:
      return outcome.results[place.line].value;
    case Place::What::final_value:
      return outcome.finals[place.line].value;
    case Place::What::gradient:
      break;
  }
  return outcome.gradients[place.line];
}

/// What counts as a difference from a run of LibTorch.
class Measure {
 public:
  Measure(const Outcome& libtorch, Precision precision)
      : allowed_(half_the_digits(precision)),
        // So that the roundings of a thousand steps pass, where nothing but them is left.
        least_(allowed_ * 1000 * largest_finite(libtorch)) {}

  bool differ(const Place& place, const Outcome& a, const Outcome& b) const {
    if (place.line >= std::min(a.results.size(), b.results.size())) return false;
    const auto& x = value_at(a, place);
    const auto& y = value_at(b, place);
    return x && y && relative_difference(*x, *y, least_) > allowed_;
  }

 private:
  double allowed_;
  double least_;
};

/// All places at which the runs differ: results, what became of them, gradients; each line by line.
std::vector<Place> differing_places(const Outcome& engine, const Outcome& libtorch, bool with_end,
                                    Precision precision) {
  const std::size_t lines = std::min(engine.results.size(), libtorch.results.size());
  const Measure measure(libtorch, precision);
  using What = Place::What;
  std::vector<Place> places;
  for (const What what : {What::result, What::final_value, What::gradient}) {
    if (what != What::result && !with_end) break;
    for (std::size_t line = 0; line < lines; ++line) {
      const Place place{line, what};
      if (measure.differ(place, engine, libtorch)) places.push_back(place);
    }
  }
  return places;
}

/// The program with every number of its leaves changed by about `relative`, up or down as `seed`
/// has it; a zero may change its sign.
Program perturbed(Program program, double relative, std::uint64_t seed) {
  std::uint64_t state = seed;
  for (reference::Line& line : program.lines) {
    for (double& value : line.data.values) {
      state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's, for the signs
      const bool up = (state >> 63U) != 0;
      value = value == 0 ? (up ? 0.0 : -0.0) : value * (1 + (up ? relative : -relative));
    }
  }
  return program;
}

/// Where LibTorch, run with slightly other numbers, differs as much from itself. The runs serve all
/// places; there are none before the first one is asked about.
class IllConditioned {
 public:
  IllConditioned(const Program& in_float64, const Outcome& libtorch,
                 const reference::Concessions& concessions)
      : program_(in_float64),
        libtorch_(libtorch),
        concessions_(concessions),
        measure_(libtorch, Precision::float64) {}

  bool contains(const Place& place) {
    for (std::size_t i = 0; i < most_runs; ++i) {
      if (measure_.differ(place, run(i), libtorch_)) return true;
    }
    return false;
  }

 private:
  static constexpr std::size_t most_runs = 8;

  const Outcome& run(std::size_t i) {
    if (i == runs_.size()) {
      const double relative = i % 2 == 0 ? 0x1p-40 : 0x1p-44;
      runs_.push_back(
          reference::run_in_libtorch(perturbed(program_, relative, i + 1), concessions_));
    }
    return runs_[i];
  }

  const Program& program_;
  const Outcome& libtorch_;
  const reference::Concessions& concessions_;
  Measure measure_;
  std::vector<Outcome> runs_;
};

std::string text_of(const Program& program, const Place& place, const Outcome& engine,
                    const Outcome& libtorch) {
  const Snapshot& ours = *value_at(engine, place);
  const Snapshot& theirs = *value_at(libtorch, place);
  const char* what = place.what == Place::What::result        ? "its result"
                     : place.what == Place::What::final_value ? "what becomes of its result"
                                                              : "the gradient of its result";
  return fmt::format("line {}, {}: {} is {{{}}} of shape {}, in LibTorch {{{}}} of shape {}",
                     place.line, program.lines[place.line].op, what, fmt::join(ours.values, ", "),
                     to_string(ours.shape), fmt::join(theirs.values, ", "),
                     to_string(theirs.shape));
}

}  // namespace

EndToEnd compare_end_to_end(const Program& program, const Outcome& engine, const Outcome& libtorch,
                            bool with_end, const reference::Concessions& concessions,
                            const EngineIn& engine_in) {
  if (differing_places(engine, libtorch, with_end, program.precision).empty()) return {};
  Program in_float64 = program;
  in_float64.precision = Precision::float64;
  const Outcome ours = engine_in(Precision::float64);
  const Outcome theirs = reference::run_in_libtorch(in_float64, concessions);
  IllConditioned ill_conditioned(in_float64, theirs, concessions);
  const auto places = differing_places(ours, theirs, with_end, Precision::float64);
  EndToEnd found{.ill_conditioned = places.empty()};
  for (const Place& place : places) {
    if (ill_conditioned.contains(place)) {
      found.ill_conditioned = true;
      continue;
    }
    found.difference =
        ValueDifference{place.what != Place::What::result, place.what == Place::What::gradient,
                        place.line, text_of(program, place, ours, theirs)};
    break;
  }
  return found;
}

}  // namespace gradbook::fuzz
