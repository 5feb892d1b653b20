#include "tests/grid/shapes.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <stdexcept>

namespace gradbook::grid {

namespace {

// Not std::shuffle or a distribution: those differ between standard libraries.
template <class Item>
std::vector<Item> some_of(std::vector<Item> items, std::size_t count, std::mt19937& numbers) {
  count = std::min(count, items.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(items[i], items[i + numbers() % (items.size() - i)]);
  }
  items.resize(count);
  return items;
}

/// The size of dimension `d` of the result's `rank`, or `missing`.
std::size_t size_at(const Shape& shape, std::size_t d, std::size_t rank, std::size_t missing) {
  const std::size_t lead = rank - shape.size();
  return d < lead ? missing : shape[d - lead];
}

bool is_out_of(const std::string& letters, const Pattern& pattern) {
  const Pattern dims = pattern.substr(0, pattern.find(' '));
  return dims.find_first_not_of(letters) == std::string::npos;
}

bool has_size_0(const Shape& shape) {
  return std::find(shape.begin(), shape.end(), 0U) != shape.end();
}

/// All pairs that broadcast, by their pattern.
std::map<Pattern, std::vector<ShapePair>> pairs_by_pattern() {
  std::vector<Shape> all;
  for (std::size_t rank = 0; rank <= max_rank; ++rank) {
    const std::vector<Shape> shapes = shapes_of_rank(rank);
    all.insert(all.end(), shapes.begin(), shapes.end());
  }
  std::map<Pattern, std::vector<ShapePair>> pairs;
  for (const Shape& left : all) {
    for (const Shape& right : all) {
      const std::size_t rank = std::max(left.size(), right.size());
      bool fit = true;
      for (std::size_t d = 0; d < rank && fit; ++d) {
        const std::size_t l = size_at(left, d, rank, 1);
        const std::size_t r = size_at(right, d, rank, 1);
        fit = l == r || l == 1 || r == 1;
      }
      if (fit) pairs[broadcast_pattern(left, right)].emplace_back(left, right);
    }
  }
  return pairs;
}

}  // namespace

std::vector<Shape> shapes_of_rank(std::size_t rank) {
  std::vector<Shape> shapes{{}};
  for (std::size_t d = 0; d < rank; ++d) {
    std::vector<Shape> longer;
    for (const Shape& shape : shapes) {
      for (const std::size_t size : sizes) {
        longer.push_back(shape);
        longer.back().push_back(size);
      }
    }
    shapes = std::move(longer);
  }
  return shapes;
}

Pattern broadcast_pattern(const Shape& left, const Shape& right) {
  const std::size_t rank = std::max(left.size(), right.size());
  Pattern pattern;
  char at_0 = 0;
  for (std::size_t d = 0; d < rank; ++d) {
    constexpr auto none = static_cast<std::size_t>(-1);
    const std::size_t l = size_at(left, d, rank, none);
    const std::size_t r = size_at(right, d, rank, none);
    if (l != none && r != none && l != r && l != 1 && r != 1) {
      throw std::invalid_argument(to_string(left) + " and " + to_string(right) +
                                  " do not broadcast");
    }
    const char letter = l == none ? 'l' : r == none ? 'r' : l == r ? '=' : l == 1 ? '<' : '>';
    pattern += letter;
    if (at_0 == 0 && (l == 0 || r == 0)) at_0 = letter;
  }
  return at_0 == 0 ? pattern : pattern + " 0 at " + at_0;
}

std::set<Pattern> every_pattern(const std::string& letters) {
  // What a shape lacks it lacks at the front, and only one of the two lacks anything.
  std::set<Pattern> fronts{""};
  for (const char letter : {'l', 'r'}) {
    if (letters.find(letter) == std::string::npos) continue;
    for (std::size_t count = 1; count <= max_rank; ++count) fronts.emplace(count, letter);
  }
  std::set<Pattern> patterns = fronts;
  for (std::size_t d = 0; d < max_rank; ++d) {
    std::set<Pattern> longer = patterns;
    for (const Pattern& pattern : patterns) {
      for (const char letter : letters) {
        if (letter == 'l' || letter == 'r' || pattern.size() == max_rank) continue;
        longer.insert(pattern + letter);
      }
    }
    patterns = std::move(longer);
  }
  std::set<Pattern> with_0 = patterns;
  for (const Pattern& pattern : patterns) {
    for (const char letter : pattern) with_0.insert(pattern + " 0 at " + letter);
  }
  return with_0;
}

std::vector<ShapePair> sample_pairs(std::size_t per_pattern, const std::string& letters) {
  static const std::map<Pattern, std::vector<ShapePair>> all = pairs_by_pattern();
  std::mt19937 numbers(1);
  std::vector<ShapePair> sample;
  for (const auto& [pattern, pairs] : all) {
    if (!is_out_of(letters, pattern)) continue;
    const std::vector<ShapePair> some = some_of(pairs, per_pattern, numbers);
    sample.insert(sample.end(), some.begin(), some.end());
  }
  return sample;
}

std::vector<Shape> sample_shapes(std::size_t per_kind) {
  std::mt19937 numbers(2);
  std::vector<Shape> sample;
  for (std::size_t rank = 0; rank <= max_rank; ++rank) {
    std::vector<Shape> full = shapes_of_rank(rank);
    const auto empty = std::stable_partition(full.begin(), full.end(),
                                             [](const Shape& shape) { return !has_size_0(shape); });
    const std::vector<Shape> with_0(empty, full.end());
    full.erase(empty, full.end());
    for (const std::vector<Shape>& shapes : {full, with_0}) {
      const std::vector<Shape> some = some_of(shapes, per_kind, numbers);
      sample.insert(sample.end(), some.begin(), some.end());
    }
  }
  return sample;
}

std::vector<Shape> larger_shapes() {
  return {{7},      {8},      {9},        {15},       {16},       {17},         {31},
          {32},     {33},     {63},       {64},       {65},       {70},         {127},
          {130},    {1000},   {2049},     {5000},     {3, 17},    {33, 5},      {65, 9},
          {4, 130}, {70, 33}, {4, 33, 7}, {40, 3, 9}, {5, 70, 2}, {2, 3, 35, 4}};
}

std::vector<ShapePair> larger_pairs(const std::string& letters) {
  std::vector<ShapePair> pairs;
  for (const Shape& shape : larger_shapes()) {
    Shape column = shape;
    column.back() = 1;
    Shape row = shape;
    row.front() = 1;
    const Shape inner(shape.begin() + 1, shape.end());
    for (const Shape& other : {shape, column, row, inner, Shape()}) {
      for (const ShapePair& pair : {ShapePair(shape, other), ShapePair(other, shape)}) {
        if (is_out_of(letters, broadcast_pattern(pair.first, pair.second))) pairs.push_back(pair);
      }
    }
  }
  return pairs;
}

std::vector<Shape> shapes_to_try(std::size_t per_kind) {
  std::vector<Shape> shapes = sample_shapes(per_kind);
  const std::vector<Shape> larger = larger_shapes();
  shapes.insert(shapes.end(), larger.begin(), larger.end());
  return shapes;
}

std::vector<ShapePair> pairs_to_try(const std::string& letters) {
  std::vector<ShapePair> pairs = sample_pairs(2, letters);
  const std::vector<ShapePair> larger = larger_pairs(letters);
  pairs.insert(pairs.end(), larger.begin(), larger.end());
  return pairs;
}

}  // namespace gradbook::grid
