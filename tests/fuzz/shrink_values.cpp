// Smaller shapes and simpler values.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/shrink_internal.hpp"

namespace gradbook::fuzz {

using reference::Line;
using reference::Program;

namespace {

// `count` of the elements along `dim`, from `begin` on.
Snapshot sliced(const Snapshot& from, std::size_t dim, std::size_t begin, std::size_t count) {
  Snapshot result;
  result.shape = from.shape;
  result.shape[dim] = count;
  result.values.clear();
  const Shape strides = contiguous_strides(from.shape);
  for (std::size_t i = 0; i < from.values.size(); ++i) {
    const std::size_t at = i / strides[dim] % from.shape[dim];
    if (at >= begin && at < begin + count) result.values.push_back(from.values[i]);
  }
  return result;
}

Snapshot without_dim(Snapshot from, std::size_t dim) {
  from = sliced(from, dim, 0, 1);
  from.shape.erase(from.shape.begin() + static_cast<std::ptrdiff_t>(dim));
  return from;
}

std::vector<double>* shape_of(Line& line) { return attribute(line, "shape"); }

// Every dimension that is larger than 1 becomes 1.
Program all_of_size_one(Program program) {
  for (Line& line : program.lines) {
    for (std::size_t dim = 0; line.op == "leaf" && dim < line.data.shape.size(); ++dim) {
      if (line.data.shape[dim] > 1) line.data = sliced(line.data, dim, 0, 1);
    }
    if (std::vector<double>* shape = shape_of(line))
      std::ranges::replace_if(
          *shape, [](double size) { return size > 1; }, 1.0);
  }
  return program;
}

// Every dimension of size `from`, in leaves and in shapes asked for, becomes `to`.
Program resized(Program program, std::size_t from, std::size_t begin, std::size_t to) {
  for (Line& line : program.lines) {
    if (line.op == "leaf") {
      for (std::size_t dim = 0; dim < line.data.shape.size(); ++dim) {
        if (line.data.shape[dim] == from) line.data = sliced(line.data, dim, begin, to);
      }
    }
    if (std::vector<double>* shape = shape_of(line))
      std::ranges::replace(*shape, static_cast<double>(from), static_cast<double>(to));
  }
  return program;
}

// Leaves and shapes asked for of `rank` dimensions lose the first; `shift`: dimensions counted from
// the front are one less everywhere.
Program of_lower_rank(Program program, std::size_t rank, bool shift) {
  for (Line& line : program.lines) {
    if (line.op == "leaf" && line.data.shape.size() == rank && line.data.shape[0] > 0)
      line.data = without_dim(line.data, 0);
    std::vector<double>* shape = shape_of(line);
    if (shape != nullptr && shape->size() == rank) shape->erase(shape->begin());
    for (auto& [name, values] : line.attributes) {
      if (!shift || !(name.starts_with("dim"))) continue;
      for (double& value : values) value -= value > 0 ? 1 : 0;
    }
  }
  return program;
}

std::set<std::size_t> sizes_above_one(const Program& program) {
  std::set<std::size_t> sizes;
  for (const Line& line : program.lines) {
    if (line.op == "leaf") sizes.insert(line.data.shape.begin(), line.data.shape.end());
  }
  sizes.erase(0);
  sizes.erase(1);
  return sizes;
}

void resize_everywhere(Search& search) {
  search.accept(all_of_size_one(search.best()));
  for (const std::size_t size : sizes_above_one(search.best())) {
    bool done = false;
    for (const std::size_t to : {1U, 2U}) {
      for (std::size_t begin = 0; to < size && begin + to <= size && !done; ++begin)
        done = search.accept(resized(search.best(), size, begin, to));
    }
  }
}

void drop_leading_dims_everywhere(Search& search) {
  for (std::size_t rank = 1; rank <= 6; ++rank) {
    if (!search.accept(of_lower_rank(search.best(), rank, false)))
      search.accept(of_lower_rank(search.best(), rank, true));
  }
}

bool try_leaf(Search& search, std::size_t i, Snapshot data) {
  Program candidate = search.best();
  candidate.lines[i].data = std::move(data);
  return search.accept(candidate);
}

void shrink_leaf(Search& search, std::size_t i) {
  for (std::size_t dim = search.lines()[i].data.shape.size(); dim-- > 0;) {
    const auto data = [&] { return search.lines()[i].data; };
    bool done = false;
    for (const std::size_t to : {1U, 2U}) {
      const std::size_t size = data().shape[dim];
      for (std::size_t begin = 0; to < size && begin + to <= size && !done; ++begin)
        done = try_leaf(search, i, sliced(data(), dim, begin, to));
    }
    if (data().shape[dim] == 1) try_leaf(search, i, without_dim(data(), dim));
  }
  const Snapshot& data = search.lines()[i].data;
  if (!data.shape.empty() && !data.values.empty()) try_leaf(search, i, Snapshot(data.values[0]));
}

double total_complexity(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0,
                         [](double sum, double value) { return sum + complexity(value); });
}

void simplify_leaf(Search& search, std::size_t i) {
  const auto values = [&] { return search.lines()[i].data.values; };
  const auto try_values = [&](const std::vector<double>& simple) {
    if (total_complexity(simple) >= total_complexity(values())) return false;
    return try_leaf(search, i, {search.lines()[i].data.shape, simple});
  };
  const std::size_t count = values().size();
  for (const double value : {0.0, 1.0, 2.0}) {
    if (try_values(std::vector<double>(count, value))) return;
  }
  std::vector<double> counting(count);
  std::iota(counting.begin(), counting.end(), 1.0);
  if (try_values(counting)) return;
  for (std::size_t k = 0; k < count; ++k) {
    for (const double value : simpler(values()[k])) {
      std::vector<double> changed = values();
      changed[k] = value;
      if (try_values(changed)) break;
    }
  }
}

}  // namespace

int complexity(double value) {
  constexpr std::array<double, 4> simplest = {0, 1, 2, -1};
  for (int i = 0; i < 4; ++i) {
    if (value == simplest[static_cast<std::size_t>(i)])
      return std::signbit(value) && i == 0 ? 8 : i;
  }
  if (!std::isfinite(value)) return 8;
  if (value == std::trunc(value)) return std::abs(value) < 10 ? 4 : 5;
  return value * 2 == std::trunc(value * 2) ? 6 : 7;
}

std::vector<double> simpler(double value) {
  std::vector<double> numbers = {0, 1, 2, -1};
  if (std::isfinite(value)) {
    numbers.insert(numbers.end(), {std::trunc(value), std::round(value)});
    numbers.push_back(std::round(value * 2) / 2);
  } else {
    numbers.push_back(std::signbit(value) ? -3 : 3);
  }
  std::erase_if(numbers, [&](double other) { return complexity(other) >= complexity(value); });
  return numbers;
}

void shrink_shapes(Search& search) {
  resize_everywhere(search);
  drop_leading_dims_everywhere(search);
  for (std::size_t i = 0; i < search.lines().size(); ++i) {
    if (search.lines()[i].op == "leaf") shrink_leaf(search, i);
  }
}

void simplify_values(Search& search) {
  for (std::size_t i = 0; i < search.lines().size(); ++i) {
    if (search.lines()[i].op == "leaf") simplify_leaf(search, i);
  }
}

}  // namespace gradbook::fuzz
