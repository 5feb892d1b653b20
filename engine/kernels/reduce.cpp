#include "engine/kernels/reduce.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "engine/kernels/parallel.hpp"

namespace gradbook::kernels {

namespace {

/// Not the registers of AVX-512: there xsimd 8's haddp() adds up parts of different rows.
using Architecture =
    std::conditional_t<xsimd::avx512f::supported(), xsimd::avx2, xsimd::default_arch>;

template <class T>
using Vector = xsimd::batch<T, Architecture>;

/// Numbers in a register, and so of rows that are added up side by side: memory is read from as
/// many places at once, and each row has a register, whose parts all rows then add up together.
template <class T>
constexpr std::size_t lanes = Vector<T>::size;

/// The sum of as many registers of neighbours as `count` says, a power of two; in pairs.
template <std::size_t count, class T>
Vector<T> sum_registers(const T* x) {
  if constexpr (count == 1) {
    return Vector<T>::load_unaligned(x);
  } else {
    return sum_registers<count / 2>(x) + sum_registers<count / 2>(x + count / 2 * lanes<T>);
  }
}

/// Rows that are longer than this are read one by one: so far apart, several are fetched slowly.
constexpr std::size_t short_row = 512;

/// The sums of `lanes` short rows of `n` neighbours, end to end.
template <class T>
Vector<T> sum_short_rows(const T* x, std::size_t n) {
  constexpr std::size_t step = 4 * lanes<T>;
  std::array<Vector<T>, lanes<T>> sums;
  sums.fill(Vector<T>(T{0}));
  std::size_t k = 0;
  for (; k + step <= n; k += step) {
    for (std::size_t r = 0; r < lanes<T>; ++r) sums[r] += sum_registers<4>(x + r * n + k);
  }
  for (; k + lanes<T> <= n; k += lanes<T>) {
    for (std::size_t r = 0; r < lanes<T>; ++r) sums[r] += sum_registers<1>(x + r * n + k);
  }
  const Vector<T> total = xsimd::haddp(sums.data());
  if (k == n) return total;
  std::array<T, lanes<T>> rest{};
  for (; k < n; ++k) {
    for (std::size_t r = 0; r < lanes<T>; ++r) rest[r] += x[r * n + k];
  }
  return total + Vector<T>::load_unaligned(rest.data());
}

/// The sum of `n` neighbours: several registers add up at a time, so that none waits for the one
/// before. Long ones in pairs: rounding errors grow with the logarithm of `n`.
template <class T>
T sum_row(const T* x, std::size_t n) {
  constexpr std::size_t registers = 8;
  constexpr std::size_t step = registers * lanes<T>;
  constexpr std::size_t plain_terms = 64 * step;
  if (n > plain_terms) {
    const std::size_t cut = (n / 2 + plain_terms - 1) / plain_terms * plain_terms;
    std::array<T, 2> halves;
    in_parts(2, n, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        halves[i] = i == 0 ? sum_row(x, cut) : sum_row(x + cut, n - cut);
      }
    });
    return halves[0] + halves[1];
  }
  std::array<Vector<T>, registers> sums;
  sums.fill(Vector<T>(T{0}));
  std::size_t k = 0;
  for (; k + step <= n; k += step) {
    for (std::size_t r = 0; r < registers; ++r) {
      sums[r] += Vector<T>::load_unaligned(x + k + r * lanes<T>);
    }
  }
  for (; k + lanes<T> <= n; k += lanes<T>) sums[0] += Vector<T>::load_unaligned(x + k);
  // The registers stand in a row themselves: their halves are added up until one number is left.
  std::array<T, step> parts;
  for (std::size_t r = 0; r < registers; ++r) sums[r].store_unaligned(&parts[r * lanes<T>]);
  for (std::size_t half = step / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) parts[i] += parts[i + half];
  }
  for (; k < n; ++k) parts[0] += x[k];
  return parts[0];
}

/// out[r] += the sum of row r of `n` neighbours, for short rows.
template <class T>
void add_short_row_sums(T* out, const T* x, std::size_t rows, std::size_t n) {
  const std::size_t groups = rows / lanes<T>;
  in_parts(groups, rows * n, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      T* sums = out + i * lanes<T>;
      const Vector<T> more = sum_short_rows(x + i * lanes<T> * n, n);
      (Vector<T>::load_unaligned(sums) + more).store_unaligned(sums);
    }
  });
  for (std::size_t r = groups * lanes<T>; r < rows; ++r) out[r] += sum_row(x + r * n, n);
}

/// out[k] += the sum over `rows` rows of `width` elements.
template <class T>
void add_rows(T* out, const T* x, std::size_t rows, std::size_t width) {
  constexpr std::size_t plain_rows = 64;
  if (rows <= plain_rows) {
    for (; rows >= 8; rows -= 8, x += 8 * width) {
      const T* y = x + 4 * width;
      for (std::size_t k = 0; k < width; ++k) {
        const T upper = (x[k] + x[width + k]) + (x[2 * width + k] + x[3 * width + k]);
        const T lower = (y[k] + y[width + k]) + (y[2 * width + k] + y[3 * width + k]);
        out[k] += upper + lower;
      }
    }
    for (; rows > 0; --rows, x += width) {
      for (std::size_t k = 0; k < width; ++k) out[k] += x[k];
    }
    return;
  }
  const std::size_t half = rows / 2;
  std::array<std::vector<T>, 2> sums;
  in_parts(2, rows * width, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      sums[i].assign(width, T{0});
      add_rows(sums[i].data(), x + i * half * width, i == 0 ? half : rows - half, width);
    }
  });
  for (std::size_t k = 0; k < width; ++k) out[k] += sums[0][k] + sums[1][k];
}

/// Neighbouring dimensions that are all kept or all reduced, merged into one.
struct Run {
  std::size_t size;
  bool reduced;
};

std::vector<Run> merge_dims(const Shape& shape, const std::vector<bool>& reduced) {
  std::vector<Run> runs;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    if (!runs.empty() && runs.back().reduced == reduced[d]) {
      runs.back().size *= shape[d];
    } else {
      runs.push_back({shape[d], reduced[d]});
    }
  }
  return runs;
}

/// The dimensions runs[d...] of an array, and how many elements lie in them.
struct Below {
  const std::vector<Run>& runs;
  std::size_t d;
  std::size_t in_size;
  std::size_t out_size;

  const Run& run() const { return runs[d]; }
  std::size_t left() const { return runs.size() - d; }
  /// One step inwards.
  Below next() const {
    const std::size_t size = runs[d].size;
    return {runs, d + 1, in_size / size, runs[d].reduced ? out_size : out_size / size};
  }
};

template <class T>
void add_sums(T* out, const T* x, const Below& below);

/// out += the sum over `count` blocks, each reduced as `block` says; in pairs, like add_rows().
template <class T>
void add_blocks(T* out, const T* x, std::size_t count, const Below& block) {
  constexpr std::size_t plain_blocks = 32;
  if (count <= plain_blocks) {
    for (std::size_t i = 0; i < count; ++i) add_sums(out, x + i * block.in_size, block);
    return;
  }
  std::vector<T> half(block.out_size, T{0});
  add_blocks(half.data(), x, count / 2, block);
  add_blocks(half.data(), x + count / 2 * block.in_size, count - count / 2, block);
  for (std::size_t k = 0; k < block.out_size; ++k) out[k] += half[k];
}

/// out += the sums of `x` over the reduced dimensions among `below`.
template <class T>
void add_sums(T* out, const T* x, const Below& below) {
  if (below.left() == 0) {
    out[0] += x[0];
  } else if (below.left() == 1 && below.run().reduced) {
    out[0] += sum_row(x, below.run().size);
  } else if (below.left() == 1) {
    for (std::size_t k = 0; k < below.run().size; ++k) out[k] += x[k];
  } else if (below.left() == 2 && below.run().reduced) {
    add_rows(out, x, below.run().size, below.runs.back().size);
  } else if (below.run().reduced) {
    add_blocks(out, x, below.run().size, below.next());
  } else if (below.left() == 2 && below.next().in_size <= short_row) {
    add_short_row_sums(out, x, below.run().size, below.next().in_size);
  } else {
    const Below inner = below.next();
    in_parts(below.run().size, below.in_size, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        add_sums(out + i * inner.out_size, x + i * inner.in_size, inner);
      }
    });
  }
}

}  // namespace

template <class T>
Array<T> sum(const Array<T>& x, const std::vector<bool>& reduced, const Shape& shape) {
  Array<T> result(shape);
  std::fill_n(result.fresh(), result.size(), T{0});
  if (x.size() > 0) {
    const std::vector<Run> runs = merge_dims(x.shape(), reduced);
    add_sums(result.fresh(), x.data(), Below{runs, 0, x.size(), result.size()});
  }
  return result;
}

template Array<float> sum(const Array<float>&, const std::vector<bool>&, const Shape&);
template Array<double> sum(const Array<double>&, const std::vector<bool>&, const Shape&);

}  // namespace gradbook::kernels
