#include "reference/accuracy_samples.hpp"

#include <cmath>
#include <limits>

namespace gradbook::reference {

namespace {

double as_float32(double value) { return static_cast<double>(static_cast<float>(value)); }

}  // namespace

double Sampler::normal() { return as_float32(numbers_.gauss()); }

double Sampler::uniform(double from, double to) {
  return as_float32(from + (to - from) * numbers_.random_sample());
}

double Sampler::log_spaced(double from, double to) {
  const double sign = numbers_.random_sample() < 0.5 ? -1 : 1;
  return as_float32(sign * std::exp2(from + (to - from) * numbers_.random_sample()));
}

double Sampler::draw(const Domain& domain) {
  constexpr double least = -149;
  constexpr double most = 127.999;
  const auto pick = [&](std::size_t count) {
    return static_cast<std::size_t>(numbers_.random_sample() * static_cast<double>(count));
  };
  switch (pick(3)) {
    case 0:
      return log_spaced(least, most);
    case 1:
      return uniform(domain.from, domain.to);
    default:
      const std::size_t corner = pick(domain.corners.size() + 2);
      const double center = corner < domain.corners.size()    ? domain.corners[corner]
                            : corner == domain.corners.size() ? 1
                                                              : -1;
      return as_float32(center * (1 + log_spaced(-24, -1)));
  }
}

double Sampler::cotangent() {
  return numbers_.random_sample() < 0.75 ? normal() : log_spaced(-100, 100);
}

double Sampler::term(Terms kind) {
  switch (kind) {
    case Terms::normal:
      return normal();
    case Terms::positive:
      return uniform(0, 1);
    default:
      return log_spaced(-30, 30);
  }
}

std::vector<double> Sampler::rows_of(Terms kind, std::size_t rows, std::size_t terms) {
  std::vector<double> values;
  values.reserve(rows * terms);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t k = 0; k < terms; ++k) {
      const bool cancels = kind == Terms::cancelling && k >= terms / 2 && k < terms / 2 * 2;
      values.push_back(
          cancels ? as_float32(-values[values.size() - terms / 2] * (1 + log_spaced(-24, -20)))
                  : term(kind));
    }
  }
  return values;
}

Snapshot Sampler::fill(const Shape& shape, const std::function<double()>& next) {
  Snapshot result(shape, std::vector<double>(numel(shape)));
  for (double& value : result.values) value = next();
  return result;
}

const std::vector<double>& edges() {
  using limits = std::numeric_limits<float>;
  static const std::vector<double> all = [] {
    std::vector<double> values{std::nan("")};
    for (const double magnitude :
         {0.0, 1.0, double{limits::denorm_min()}, double{limits::min()} - limits::denorm_min(),
          double{limits::min()}, double{limits::max()}, double{limits::infinity()}}) {
      values.push_back(magnitude);
      values.push_back(-magnitude);
    }
    return values;
  }();
  return all;
}

}  // namespace gradbook::reference
