#include "tests/fuzz/end_to_end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

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

double difference_at(const Place& place, const Outcome& a, const Outcome& b, double least) {
  const std::size_t lines = std::min(a.results.size(), b.results.size());
  if (place.line >= lines) return 0;
  const auto& x = value_at(a, place);
  const auto& y = value_at(b, place);
  return x && y ? relative_difference(*x, *y, least) : 0;
}

std::optional<Place> first_difference(const Outcome& a, const Outcome& b, bool with_end,
                                      double allowed) {
  const std::size_t lines = std::min(a.results.size(), b.results.size());
  // So that the roundings of a thousand steps pass, where nothing but them is left.
  const double least = allowed * 1000 * largest_finite(a);
  using What = Place::What;
  for (const What what : {What::result, What::final_value, What::gradient}) {
    if (what != What::result && !with_end) break;
    for (std::size_t line = 0; line < lines; ++line) {
      const Place place{line, what};
      if (difference_at(place, a, b, least) > allowed) return place;
    }
  }
  return std::nullopt;
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

/// Does LibTorch, run with slightly other numbers, differ as much from itself at this place?
bool is_ill_conditioned(const Program& program, const Outcome& libtorch, const Place& place,
                        const reference::Concessions& concessions) {
  const double allowed = half_the_digits(Precision::float64);
  const double least = allowed * 1000 * largest_finite(libtorch);
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const double relative = seed % 2 == 0 ? 0x1p-44 : 0x1p-40;
    const Outcome other =
        reference::run_in_libtorch(perturbed(program, relative, seed), concessions);
    if (difference_at(place, other, libtorch, least) > allowed) return true;
  }
  return false;
}

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

std::optional<ValueDifference> end_to_end_difference(const Program& program, const Outcome& engine,
                                                     const Outcome& libtorch, bool with_end,
                                                     const reference::Concessions& concessions,
                                                     const EngineIn& engine_in) {
  if (!first_difference(engine, libtorch, with_end, half_the_digits(program.precision))) {
    return std::nullopt;
  }
  Program in_float64 = program;
  in_float64.precision = Precision::float64;
  const Outcome ours = engine_in(Precision::float64);
  const Outcome theirs = reference::run_in_libtorch(in_float64, concessions);
  const auto still = first_difference(ours, theirs, with_end, half_the_digits(Precision::float64));
  if (!still || is_ill_conditioned(in_float64, theirs, *still, concessions)) return std::nullopt;
  return ValueDifference{still->what != Place::What::result, still->what == Place::What::gradient,
                         still->line, text_of(program, *still, ours, theirs)};
}

}  // namespace gradbook::fuzz
