#include "engine/shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/errors.hpp"

namespace gradbook {

std::size_t numel(const Shape& shape) {
  // Few enough that their bytes can be counted too, rounded up to the size of a block.
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / (4 * sizeof(double));
  std::size_t count = 1;
  bool overflow = false;
  for (const std::size_t size : shape) {
    if (size == 0) return 0;
    overflow = overflow || count > most / size;
    count *= size;
  }
  if (overflow) {
    throw ShapeError(
        fmt::format("shape {} has more elements than can be counted; make a dimension smaller",
                    to_string(shape)));
  }
  return count;
}

std::string to_string(const Shape& shape) {
  if (shape.size() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", fmt::join(shape.begin(), shape.end(), ", "));
}

bool can_broadcast(const Shape& a, const Shape& b) {
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 1; i <= common; ++i) {
    const std::size_t x = a[a.size() - i];
    const std::size_t y = b[b.size() - i];
    if (x != y && x != 1 && y != 1) return false;
  }
  return true;
}

Shape broadcast_shapes(std::string_view operation, const Shape& a, const Shape& b) {
  if (!can_broadcast(a, b)) {
    throw ShapeError(fmt::format(
        "{}: shapes {} and {} do not broadcast: aligned at the right, each pair of sizes must be "
        "equal or one of them 1; reshape one of the operands",
        operation, to_string(a), to_string(b)));
  }
  Shape result = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  const std::size_t lead = result.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    if (result[lead + i] == 1) result[lead + i] = shorter[i];
  }
  return result;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  const std::size_t lead = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != to[lead + i] && from[i] != 1) return false;
  }
  return true;
}

std::size_t normalize_dim(std::string_view operation, std::int64_t dim, const Shape& shape) {
  const auto rank = static_cast<std::int64_t>(std::max<std::size_t>(shape.size(), 1));
  if (dim < -rank || dim >= rank) {
    throw DimensionError(fmt::format("{}: dimension {} is out of range for shape {}: use {} to {}",
                                     operation, dim, to_string(shape), -rank, rank - 1));
  }
  return static_cast<std::size_t>(dim < 0 ? dim + rank : dim);
}

std::vector<bool> reduced_dims(std::string_view operation, const Dims& dims, const Shape& shape) {
  std::vector<bool> reduced(std::max<std::size_t>(shape.size(), 1), dims.empty());
  for (const std::int64_t dim : dims) {
    const std::size_t index = normalize_dim(operation, dim, shape);
    if (reduced[index]) {
      throw DimensionError(fmt::format("{}: dimension {} of shape {} is named twice; name it once",
                                       operation, dim, to_string(shape)));
    }
    reduced[index] = true;
  }
  reduced.resize(shape.size());
  return reduced;
}

Shape reduced_shape(const Shape& shape, const std::vector<bool>& reduced, bool keepdim) {
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!reduced[i]) {
      result.push_back(shape[i]);
    } else if (keepdim) {
      result.push_back(1);
    }
  }
  return result;
}

Shape contiguous_strides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

}  // namespace gradbook
