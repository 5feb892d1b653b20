#pragma once

#include <array>
#include <cstddef>

#include "engine/reads.hpp"
#include "engine/storage.hpp"

/// Elementwise loops over broadcast operands. A formula is any function of N elements; it is
/// inlined into the innermost loop, so a whole vjp is one pass over memory without temporaries.
namespace gradbook::kernels {

/// An operand of an elementwise loop: an array, or a scalar.
template <class T>
class Operand {
 public:
  Operand(const Array<T>& array) : array_(&array) {}
  explicit Operand(T scalar) : scalar_(scalar) {}
  /// Null for a scalar.
  const Shape* shape() const { return array_ == nullptr ? nullptr : &array_->shape(); }
  const T* data() const { return array_ == nullptr ? &scalar_ : array_->data(); }

 private:
  const Array<T>* array_ = nullptr;
  T scalar_{};
};

/// An operand that the formula does not read.
struct Absent {
  static const Shape* shape() { return nullptr; }
};

// One operand's elements along the innermost row, in the three ways it can step.

/// Moves along with the result.
template <class T>
struct Along {
  const T* data;
  const T& operator[](std::size_t i) const { return data[i]; }
};

/// Stands still: a scalar, or a dimension of size 1 repeated.
template <class T>
struct Still {
  T value;
  const T& operator[](std::size_t) const { return value; }
};

/// Is not read.
struct Skipped {
  rules::Unread operator[](std::size_t) const { return {}; }
};

/// Calls `f` with the row of one operand that starts at element `offset`.
template <class T, class F>
void with_row(const Operand<T>& operand, std::size_t offset, std::size_t step, const F& f) {
  if (step == 0) {
    f(Still<T>{operand.data()[offset]});
  } else {
    f(Along<T>{operand.data() + offset});
  }
}
template <class F>
void with_row(const Absent&, std::size_t, std::size_t, const F& f) {
  f(Skipped{});
}

/// Where the innermost row of each operand starts and how it steps (0 or 1).
template <std::size_t N>
struct RowStart {
  std::array<std::size_t, N> offset{};
  std::array<std::size_t, N> step{};
};

/// Calls `run` with the rows of all operands.
template <std::size_t N, class Run>
void with_rows(const RowStart<N>&, const Run& run) {
  run();
}
template <std::size_t N, class Run, class First, class... Rest>
void with_rows(const RowStart<N>& start, const Run& run, const First& first, const Rest&... rest) {
  constexpr std::size_t k = N - 1 - sizeof...(Rest);
  with_row(first, start.offset[k], start.step[k], [&](const auto& row) {
    with_rows(
        start, [&](const auto&... rows) { run(row, rows...); }, rest...);
  });
}

/// The dimensions of a result, neighbours merged wherever all operands step through them alike.
template <std::size_t N>
struct LoopPlan {
  Shape sizes;                 ///< outermost first
  std::array<Shape, N> steps;  ///< of each operand along each dimension; 0 where it repeats
};

/// Throws nothing: the operands broadcast to `result`. A null shape is a scalar's.
template <std::size_t N>
LoopPlan<N> plan_loop(const Shape& result, const std::array<const Shape*, N>& operands);

/// True when every operand either has the result's shape or is a scalar: one row does it all.
template <std::size_t N>
bool is_one_row(const Shape& result, const std::array<const Shape*, N>& operands) {
  for (const Shape* shape : operands) {
    if (shape != nullptr && *shape != result) return false;
  }
  return true;
}

/// out[i] = f(operands[i]...) for a result of `shape`, to which all operands broadcast. `out` may
/// be the data of an operand of that same shape.
template <class T, class F, class... Operands>
void map(T* out, const Shape& shape, const F& f, const Operands&... operands) {
  constexpr std::size_t N = sizeof...(Operands);
  const std::array<const Shape*, N> shapes{operands.shape()...};
  const auto run_row = [&](T* row_out, std::size_t size, const RowStart<N>& start) {
    const auto loop = [&](const auto&... rows) {
      for (std::size_t i = 0; i < size; ++i) row_out[i] = f(rows[i]...);
    };
    with_rows(start, loop, operands...);
  };

  RowStart<N> start;
  if (is_one_row(shape, shapes)) {
    for (std::size_t k = 0; k < N; ++k) start.step[k] = shapes[k] == nullptr ? 0 : 1;
    if (const std::size_t size = numel(shape); size > 0) run_row(out, size, start);
    return;
  }
  if (numel(shape) == 0) return;
  const LoopPlan<N> plan = plan_loop<N>(shape, shapes);
  const std::size_t rank = plan.sizes.size();
  const std::size_t row_size = plan.sizes[rank - 1];
  for (std::size_t k = 0; k < N; ++k) start.step[k] = plan.steps[k][rank - 1];
  Shape index(rank, 0);
  while (true) {
    run_row(out, row_size, start);
    out += row_size;
    // The next row: count up the outer dimensions like an odometer.
    std::size_t d = rank - 1;
    while (true) {
      if (d == 0) return;
      --d;
      for (std::size_t k = 0; k < N; ++k) start.offset[k] += plan.steps[k][d];
      if (++index[d] < plan.sizes[d]) break;
      for (std::size_t k = 0; k < N; ++k) start.offset[k] -= plan.steps[k][d] * plan.sizes[d];
      index[d] = 0;
    }
  }
}

/// A fresh array of `shape` filled by map().
template <class T, class F, class... Operands>
Array<T> mapped(const Shape& shape, const F& f, const Operands&... operands) {
  Array<T> result(shape);
  map(result.fresh(), shape, f, operands...);
  return result;
}

}  // namespace gradbook::kernels
