// Where operations are interesting: the random numbers of the accuracy report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/random.hpp"
#include "engine/snapshot.hpp"

namespace gradbook::reference {

/// Where a function is interesting, besides all magnitudes of both signs.
struct Domain {
  double from = -10;  ///< evenly drawn between the two
  double to = 10;
  std::vector<double> corners = {};  ///< drawn nearby, as around 88.7, where exp overflows
};

/// What the terms of a sum may be like.
enum class Terms { normal, positive, all_magnitudes, cancelling };

/// Draws numbers; all of them are float32.
class Sampler {
 public:
  explicit Sampler(std::uint32_t seed) : numbers_(seed) {}

  double normal();
  double uniform(double from, double to);
  /// Of either sign, its magnitude evenly between 2^from and 2^to on a logarithmic scale.
  double log_spaced(double from, double to);
  /// A third each: any magnitude, evenly in the domain, near 1, -1 or one of its corners.
  double draw(const Domain& domain);
  /// A gradient that might arrive: mostly normal, some of very large or small magnitude.
  double cotangent();
  /// `rows` times `terms` numbers. Cancelling: the second half of each row is the first with the
  /// other sign, but for a few ulps.
  std::vector<double> rows_of(Terms kind, std::size_t rows, std::size_t terms);

  /// A snapshot of `shape` out of what `next` gives.
  static Snapshot fill(const Shape& shape, const std::function<double()>& next);

 private:
  double term(Terms kind);

  RandomState numbers_;
};

/// Infinities, NaN, zeros, ones, and the largest and smallest float32 of both signs.
const std::vector<double>& edges();

}  // namespace gradbook::reference
