#pragma once

#include <vector>

#include "engine/shape.hpp"

namespace gradbook {

/// A copy of a tensor's shape and values, in float64 (which holds every float32 exactly). The plain
/// type in which values leave the engine: for traces, comparisons and pages.
struct Snapshot {
  Shape shape;
  std::vector<double> values;  ///< row-major, numel(shape) of them

  Snapshot() : values(1, 0.0) {}
  Snapshot(double scalar) : values(1, scalar) {}
  Snapshot(Shape the_shape, std::vector<double> the_values)
      : shape(std::move(the_shape)), values(std::move(the_values)) {}

  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

}  // namespace gradbook
