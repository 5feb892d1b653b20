#include "tests/fuzz/choose.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace gradbook::fuzz {

namespace {

std::size_t random_size(Random& random) { return random.pick<std::size_t>({1, 2, 2, 3, 3, 4}); }

Shape random_shape(Random& random) {
  const auto rank = random.pick<std::size_t>({0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4});
  Shape shape;
  for (std::size_t d = 0; d < rank; ++d) shape.push_back(random_size(random));
  while (numel_of(shape) > 36) shape[random.below(rank)] = 1;
  return shape;
}

/// As it is stored: so that a printed float32 program is exactly the one that ran.
double rounded(double value, reference::Precision precision) {
  return precision == reference::Precision::float32 ? static_cast<double>(static_cast<float>(value))
                                                    : value;
}

double special_value(Random& random, reference::Precision precision) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double subnormal = precision == reference::Precision::float32 ? 0x1p-140 : 0x1p-1050;
  return random.pick<double>({0, -0.0, infinity, -infinity, std::nan(""), subnormal, -subnormal});
}

}  // namespace

Taste random_taste(Random& random) {
  Taste taste;
  taste.shape = random_shape(random);
  taste.zero_size = random.chance(0.12);
  taste.special_values = random.chance(0.1);
  taste.whole_numbers = random.chance(0.1);
  taste.writes = random.pick<double>({0, 0.5, 1, 2});
  taste.aliases = random.pick<double>({0, 0.5, 1, 2});
  taste.gradients = random.pick<double>({0.3, 1, 1, 2});
  taste.second_order = random.pick<double>({0, 0.2, 0.5});
  return taste;
}

std::size_t numel_of(const Shape& shape) {
  std::size_t count = 1;
  for (const std::size_t size : shape) count *= size;
  return count;
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape result = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  const std::size_t lead = result.size() - shorter.size();
  for (std::size_t d = 0; d < shorter.size(); ++d) {
    std::size_t& size = result[lead + d];
    if (size != shorter[d] && size != 1 && shorter[d] != 1) return std::nullopt;
    if (size == 1) size = shorter[d];
  }
  return result;
}

Shape narrowed(Random& random, const Shape& shape) {
  const std::size_t left_out = random.chance(0.5) ? 0 : random.between(0, shape.size());
  Shape result(shape.begin() + static_cast<std::ptrdiff_t>(left_out), shape.end());
  for (std::size_t& size : result) {
    if (random.chance(0.35)) size = 1;
  }
  return result;
}

Shape broadcasting_with(Random& random, const Shape& shape) {
  if (random.chance(0.4)) return shape;
  Shape result = narrowed(random, shape);
  if (random.chance(0.3)) return result;
  // Wider where this one has a 1, or in front.
  const std::size_t lead = shape.size() - result.size();
  for (std::size_t d = 0; d < result.size(); ++d) {
    if (shape[lead + d] == 1 && random.chance(0.5)) result[d] = random_size(random);
  }
  if (result.size() == shape.size() && shape.size() < 4 && random.chance(0.25)) {
    Shape longer{random_size(random)};
    for (const std::size_t size : result) longer.push_back(size);
    result = longer;
  }
  return numel_of(*broadcast(shape, result)) <= largest_numel ? result : shape;
}

X random_leaf(Draft& draft, const Taste& taste, const Shape& shape, Values values,
              bool requires_grad) {
  Random& random = draft.random;
  const reference::Precision precision = draft.program().precision;
  const bool is_positive = values == Values::positive;
  const Range range = is_positive           ? Range{0.3, 2.5}
                      : taste.whole_numbers ? Range{-3, 3}
                                            : Range{-2, 2};
  Snapshot data(shape, std::vector<double>(numel_of(shape)));
  for (double& value : data.values) {
    value = !is_positive && taste.whole_numbers
                ? static_cast<double>(random.between(0, 6)) - 3
                : rounded(random.uniform(range.low, range.high), precision);
  }
  if (taste.special_values && random.chance(0.5)) {
    for (double& value : data.values) {
      if (random.chance(0.3)) value = special_value(random, precision);
    }
  }
  return draft.leaf(std::move(data), range, requires_grad);
}

X operand(Draft& draft) { return operand_among(draft, draft.tensors()); }

X operand_among(Draft& draft, const std::vector<X>& candidates) {
  if (candidates.empty()) throw std::logic_error("operand_among: nothing to choose from");
  std::vector<double> weights;
  double sum = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const X x = candidates[i];
    double weight = 1 + 3 * static_cast<double>(i) / static_cast<double>(candidates.size());
    if (draft.uses(x) == 0) weight *= 3;
    if (draft.requires_grad(x)) weight *= draft.can_run_backward(x) ? 3 : 0.05;
    if (numel_of(draft.shape(x)) == 0) weight *= 0.6;
    weights.push_back(weight);
    sum += weight;
  }
  double left = draft.random.uniform(0, sum);
  for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
    left -= weights[i];
    if (left < 0) return candidates[i];
  }
  return candidates.back();
}

double written_dim(Random& random, std::size_t dim, std::size_t rank) {
  const auto from_front = static_cast<double>(dim);
  return random.chance(0.5) ? from_front
                            : from_front - static_cast<double>(std::max(rank, std::size_t{1}));
}

Attributes scalar(double value) { return {{"scalar", {value}}}; }

Attributes shape_attribute(const Shape& shape) { return {{"shape", {shape.begin(), shape.end()}}}; }

double constant_between(Random& random, double low, double high) {
  return std::round(random.uniform(low, high) * 10) / 10;
}

}  // namespace gradbook::fuzz
