// One axis of a curve: which numbers it spans, on which scale, and where on it a number lies.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lessons/workbook/blocks.hpp"

namespace gradbook::workbook {

class Axis {
 public:
  /// Spans the finite numbers of `values`. Automatic: logarithmic where none is negative (none zero
  /// either, unless `zeros_may_stick`, which puts them on the low end) and they span three decades.
  Axis(const std::vector<double>& values, Scale scale, bool zeros_may_stick) {
    double smallest_positive = std::numeric_limits<double>::infinity();
    for (const double value : values) {
      if (!std::isfinite(value)) continue;
      low_ = any_ ? std::min(low_, value) : value;
      high_ = any_ ? std::max(high_, value) : value;
      any_ = true;
      if (value > 0) smallest_positive = std::min(smallest_positive, value);
    }
    const bool possible = any_ && high_ > 0 && (low_ > 0 || (low_ == 0 && zeros_may_stick));
    const bool spans = possible && std::log10(high_) - std::log10(smallest_positive) >= 3;
    logarithmic_ =
        possible && (scale == Scale::logarithmic || (scale == Scale::automatic && spans));
    if (logarithmic_) low_ = smallest_positive;
    if (low_ == high_) spread();
  }

  bool any() const { return any_; }
  bool logarithmic() const { return logarithmic_; }
  double low() const { return low_; }
  double high() const { return high_; }

  /// 0 at the low end, 1 at the high end. `value` is finite.
  double place(double value) const {
    if (logarithmic_) {
      if (value <= 0) return 0;
      const double from = std::log10(low_);
      return (std::log10(value) - from) / (std::log10(high_) - from);
    }
    // Halved first: high - low may be beyond the largest double.
    return (value / 2 - low_ / 2) / (high_ / 2 - low_ / 2);
  }

  double middle() const {
    return logarithmic_ ? std::pow(10.0, (std::log10(low_) + std::log10(high_)) / 2)
                        : low_ / 2 + high_ / 2;
  }

 private:
  // A constant curve lies in the middle of its axis.
  void spread() {
    if (logarithmic_) {
      low_ /= 10;
      high_ *= 10;
      return;
    }
    const double room = low_ == 0 ? 1 : std::abs(low_) / 10;
    low_ -= room;
    high_ += room;
  }

  bool any_ = false;
  bool logarithmic_ = false;
  double low_ = 0;
  double high_ = 0;
};

}  // namespace gradbook::workbook
