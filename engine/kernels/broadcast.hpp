#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "engine/kernels/parallel.hpp"
#include "engine/kernels/stream.hpp"
#include "engine/reads.hpp"
#include "engine/storage.hpp"

/// Elementwise loops over broadcast operands. A formula is any function of N elements; it is
/// inlined into the innermost loop, so a whole vjp is one pass over memory without temporaries.
namespace gradbook::kernels {

/// Stands in for an operand that the formula does not read.
struct Absent {
  // What is asked of any operand.
  static const void* data() { return nullptr; }
  static std::size_t size() { return 0; }
};

// One operand's elements along a row of the result, in the three ways it can step.

/// Moves along with the result.
template <class T>
struct Along {
  const T* data;
  const T& operator[](std::size_t i) const { return data[i]; }
  Along from(std::size_t i) const { return {data + i}; }
};

/// Stands still: a dimension of size 1, repeated.
template <class T>
struct Still {
  T value;
  const T& operator[](std::size_t) const { return value; }
};

/// Is not read.
struct Skipped {
  rules::Unread operator[](std::size_t) const { return {}; }
  Skipped from(std::size_t) const { return {}; }
};

/// out[i] = f(rows[i]...). No element depends on another one, even where `out` is an operand's own
/// data: without being told, the compiler would check for it before each row. With `streams`, the
/// results go past the caches: see stream.hpp.
template <class T, class F, class... Rows>
void map_row(T* out, std::size_t size, bool streams, const F& f, const Rows&... rows) {
  std::size_t i = 0;
  if (streams) {
    alignas(64) std::array<T, 64> block;
    for (; i + block.size() <= size; i += block.size()) {
#pragma GCC ivdep
      for (std::size_t j = 0; j < block.size(); ++j) block[j] = f(rows[i + j]...);
      stream(out + i, block);
    }
  }
#pragma GCC ivdep
  for (; i < size; ++i) out[i] = f(rows[i]...);
}

template <class T>
Along<T> all_of(const Array<T>& operand) {
  return {operand.data()};
}
inline Skipped all_of(Absent) { return {}; }

/// out[i] = f(operands[i]...) for operands of the result's own shape, of `size` elements. `out` may
/// be the data of an operand.
template <class T, class F, class... Operands>
void map_alike(T* out, std::size_t size, const F& f, const Operands&... operands) {
  // Only the last part may end with less than a register: the functions for single numbers round
  // differently from those for registers.
  constexpr std::size_t unit = 64;
  const bool streams = is_streamed(out, size, unit, operands...);
  in_parts((size + unit - 1) / unit, size, [&](std::size_t first, std::size_t last) {
    const std::size_t begin = first * unit;
    const std::size_t end = std::min(last * unit, size);
    map_row(out + begin, end - begin, streams, f, all_of(operands).from(begin)...);
    if (streams) finish_streams();
  });
}

/// A fresh array of `shape` filled by map_alike().
template <class T, class F, class... Operands>
Array<T> mapped_alike(const Shape& shape, const F& f, const Operands&... operands) {
  Array<T> result(shape);
  map_alike(result.fresh(), result.size(), f, operands...);
  return result;
}

/// The dimensions of a result, innermost first, neighbours merged wherever all operands step
/// through them alike.
template <std::size_t N>
struct LoopPlan {
  struct Dim {
    std::size_t size = 0;
    std::array<std::size_t, N> step{};  ///< of each operand; 0 where it repeats
  };
  xt::svector<Dim, 4> dims;  ///< at least one
};

/// Throws nothing: the operands broadcast to `result`. A null shape is that of an absent operand.
template <std::size_t N>
LoopPlan<N> plan_loop(const Shape& result, const std::array<const Shape*, N>& operands);

/// Where in each operand a row of the result starts, given the row's number.
template <std::size_t N>
class Position {
 public:
  Position(const LoopPlan<N>& plan, std::size_t row) : plan_(plan), index_(plan.dims.size(), 0) {
    for (std::size_t d = 1; d < index_.size(); ++d) {
      const auto& dim = plan_.dims[d];
      index_[d] = row % dim.size;
      row /= dim.size;
      for (std::size_t k = 0; k < N; ++k) offset[k] += dim.step[k] * index_[d];
    }
    if (index_.size() > 1) row_step = plan_.dims[1].step;
  }
  std::array<std::size_t, N> offset{};
  std::array<std::size_t, N> row_step{};  ///< from there to the next row

  /// Rows, with this one, that are one step apart.
  std::size_t rows_ahead() const { return index_.size() > 1 ? plan_.dims[1].size - index_[1] : 1; }

  /// Counts up the outer dimensions like an odometer, by at most rows_ahead().
  void advance(std::size_t rows) {
    for (std::size_t d = 1; d < index_.size(); ++d) {
      const auto& dim = plan_.dims[d];
      for (std::size_t k = 0; k < N; ++k) offset[k] += dim.step[k] * rows;
      index_[d] += rows;
      if (index_[d] < dim.size) return;
      for (std::size_t k = 0; k < N; ++k) offset[k] -= dim.step[k] * dim.size;
      index_[d] = 0;
      rows = 1;
    }
  }

 private:
  const LoopPlan<N>& plan_;
  Shape index_;
};

template <class T>
const Shape* shape_of(const Array<T>& operand) {
  return &operand.shape();
}
inline const Shape* shape_of(Absent) { return nullptr; }

/// Calls `f` with a function that gives the operand's row which starts at an offset. Which way the
/// rows step is decided here, once for all of them.
template <class T, class F>
void with_row(const Array<T>& operand, std::size_t step, const F& f) {
  const T* data = operand.data();
  if (step == 0) {
    f([data](std::size_t offset) { return Still<T>{data[offset]}; });
  } else {
    f([data](std::size_t offset) { return Along<T>{data + offset}; });
  }
}
template <class F>
void with_row(Absent, std::size_t, const F& f) {
  f([](std::size_t) { return Skipped{}; });
}

/// Calls `run` with such a function for each operand.
template <class Run>
void with_rows(const std::size_t*, const Run& run) {
  run();
}
template <class Run, class First, class... Rest>
void with_rows(const std::size_t* step, const Run& run, const First& first, const Rest&... rest) {
  with_row(first, *step, [&](const auto& row) {
    with_rows(
        step + 1, [&](const auto&... rows) { run(row, rows...); }, rest...);
  });
}

/// out[i] = f(operands[i]...) for a result of `shape`, to which all operands broadcast. `out` may
/// be the data of an operand of that same shape.
template <class T, class F, class... Operands>
void map(T* out, const Shape& shape, const F& f, const Operands&... operands) {
  constexpr std::size_t N = sizeof...(Operands);
  const std::array<const Shape*, N> shapes{shape_of(operands)...};
  const std::size_t size = numel(shape);
  const auto is_alike = [&](const Shape* operand) {
    return operand == nullptr || *operand == shape;
  };
  if (size == 0 || std::all_of(shapes.begin(), shapes.end(), is_alike)) {
    map_alike(out, size, f, operands...);
    return;
  }
  const LoopPlan<N> plan = plan_loop<N>(shape, shapes);
  const std::size_t row_size = plan.dims.front().size;
  const bool streams = is_streamed(out, size, row_size, operands...);
  const auto all_rows = [&](const auto&... row) {
    in_parts(size / row_size, size, [&](std::size_t begin, std::size_t end) {
      Position<N> at(plan, begin);
      for (std::size_t i = begin; i < end;) {
        const std::size_t rows = std::min(at.rows_ahead(), end - i);
        const auto here = [&]<std::size_t... k>(std::index_sequence<k...>) {
          for (std::size_t r = 0; r < rows; ++r) {
            map_row(out + (i + r) * row_size, row_size, streams, f,
                    row(at.offset[k] + r * at.row_step[k])...);
          }
        };
        here(std::make_index_sequence<N>());
        i += rows;
        at.advance(rows);
      }
      if (streams) finish_streams();
    });
  };
  with_rows(plan.dims.front().step.data(), all_rows, operands...);
}

/// A fresh array of `shape` filled by map().
template <class T, class F, class... Operands>
Array<T> mapped(const Shape& shape, const F& f, const Operands&... operands) {
  Array<T> result(shape);
  map(result.fresh(), shape, f, operands...);
  return result;
}

}  // namespace gradbook::kernels
