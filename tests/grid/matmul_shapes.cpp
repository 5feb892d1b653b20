#include "tests/grid/matmul_shapes.hpp"

#include <random>

namespace gradbook::grid {

namespace {

constexpr std::size_t max_batch_rank = max_rank - 2;
const std::vector<std::string> missing = {"", ", no rows", ", no inner", ", no columns"};

std::string kind(bool a_is_vector, bool b_is_vector) {
  const auto factor = [](bool is_vector) { return is_vector ? "vector" : "matrix"; };
  // Appended, not added up: g++ 12 sees a read past the end in a sum that it has inlined.
  std::string name = factor(a_is_vector);
  name.append(" x ").append(factor(b_is_vector)).append(", batches ");
  return name;
}

Shape batch_of(const Shape& shape) {
  return shape.size() < 2 ? Shape() : Shape(shape.begin(), shape.end() - 2);
}

/// Can factors of this kind have these batches, and lack that size?
bool exists(bool a_is_vector, bool b_is_vector, const Pattern& batches, std::size_t lacks) {
  const Pattern dims = batches.substr(0, batches.find(' '));
  if (dims.size() > max_batch_rank) return false;
  if (a_is_vector && dims.find_first_not_of('l') != std::string::npos) return false;
  if (b_is_vector && dims.find_first_not_of('r') != std::string::npos) return false;
  return !(a_is_vector && lacks == 1) && !(b_is_vector && lacks == 3);
}

}  // namespace

Pattern matmul_pattern(const Shape& a, const Shape& b) {
  const std::size_t inner = a.back();
  const bool no_rows = a.size() > 1 && a[a.size() - 2] == 0;
  const bool no_columns = b.size() > 1 && b.back() == 0;
  const std::size_t lacks = no_rows ? 1 : inner == 0 ? 2 : no_columns ? 3 : 0;
  return kind(a.size() == 1, b.size() == 1) + broadcast_pattern(batch_of(a), batch_of(b)) +
         missing[lacks];
}

std::set<Pattern> every_matmul_pattern() {
  std::set<Pattern> patterns;
  for (const Pattern& batches : every_pattern()) {
    for (const bool a_is_vector : {false, true}) {
      for (const bool b_is_vector : {false, true}) {
        for (std::size_t lacks = 0; lacks < missing.size(); ++lacks) {
          if (!exists(a_is_vector, b_is_vector, batches, lacks)) continue;
          patterns.insert(kind(a_is_vector, b_is_vector) + batches + missing[lacks]);
        }
      }
    }
  }
  return patterns;
}

std::vector<ShapePair> sample_matmul_pairs(std::size_t per_pattern) {
  std::mt19937 numbers(3);
  const auto any_size = [&] { return sizes[1 + numbers() % (std::size(sizes) - 1)]; };
  std::vector<ShapePair> sample;
  for (const auto& [batch_a, batch_b] : sample_pairs(per_pattern)) {
    const Pattern batches = broadcast_pattern(batch_a, batch_b);
    for (const bool a_is_vector : {false, true}) {
      for (const bool b_is_vector : {false, true}) {
        for (std::size_t lacks = 0; lacks < missing.size(); ++lacks) {
          if (!exists(a_is_vector, b_is_vector, batches, lacks)) continue;
          const std::size_t inner = lacks == 2 ? 0 : any_size();
          Shape a = batch_a;
          Shape b = batch_b;
          if (!a_is_vector) a.push_back(lacks == 1 ? 0 : any_size());
          a.push_back(inner);
          b.push_back(inner);
          if (!b_is_vector) b.push_back(lacks == 3 ? 0 : any_size());
          sample.emplace_back(std::move(a), std::move(b));
        }
      }
    }
  }
  return sample;
}

std::vector<ShapePair> larger_matmul_pairs() {
  const std::vector<std::size_t> larger = {1, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 40, 65};
  std::vector<ShapePair> pairs;
  for (std::size_t i = 0; i < larger.size(); ++i) {
    for (std::size_t j = 0; j < larger.size(); ++j) {
      const std::size_t inner = larger[(5 * i + 3 * j) % larger.size()];
      pairs.emplace_back(Shape{larger[i], inner}, Shape{inner, larger[j]});
    }
  }
  pairs.insert(pairs.end(), {{{2000}, {2000}},
                             {{3, 2000}, {2000, 2}},
                             {{40, 100}, {100, 40}},
                             {{3, 33, 17}, {17, 9}},
                             {{33, 17}, {3, 17, 9}},
                             {{3, 1, 33, 9}, {1, 2, 9, 17}},
                             {{40, 5, 33}, {33}},
                             {{33}, {40, 33, 5}}});
  return pairs;
}

}  // namespace gradbook::grid
