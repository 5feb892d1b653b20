#include "engine/kernels/reduce.hpp"

#include <algorithm>
#include <array>
#include <xsimd/xsimd.hpp>

#include "engine/kernels/parallel.hpp"

namespace gradbook::kernels {

namespace {

/// In a row of this many neighbours each place of a register adds up 32 terms at most, where it
/// holds 8 numbers: as accurate as it needs to be without pairs.
constexpr std::size_t plain_terms = 2048;

/// Sum of at most plain_terms neighbours. In several registers, since more additions may start than
/// one takes to end.
template <class T>
T sum_few(const T* x, std::size_t n) {
  using Vector = xsimd::batch<T>;
  constexpr std::size_t width = Vector::size;
  constexpr std::size_t registers = 8;
  std::array<Vector, registers> sums;
  sums.fill(Vector(T{0}));
  for (; n >= registers * width; n -= registers * width, x += registers * width) {
    for (std::size_t r = 0; r < registers; ++r) {
      sums[r] = sums[r] + Vector::load_unaligned(x + r * width);
    }
  }
  for (; n >= width; n -= width, x += width) sums[0] = sums[0] + Vector::load_unaligned(x);
  for (std::size_t half = registers / 2; half > 0; half /= 2) {
    for (std::size_t r = 0; r < half; ++r) sums[r] = sums[r] + sums[r + half];
  }
  std::array<T, width> parts;
  sums[0].store_unaligned(parts.data());
  for (std::size_t half = width / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) parts[i] += parts[i + half];
  }
  for (; n > 0; --n, ++x) parts[0] += *x;
  return parts[0];
}

/// Sum of `n` neighbours, of long rows in pairs.
template <class T>
T sum_row(const T* x, std::size_t n) {
  if (n <= plain_terms) return sum_few(x, n);
  const std::size_t half = n / 2 / plain_terms * plain_terms;
  const std::size_t cut = half == 0 ? plain_terms : half;
  std::array<T, 2> sums;
  in_parts(2, n, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      sums[i] = i == 0 ? sum_row(x, cut) : sum_row(x + cut, n - cut);
    }
  });
  return sums[0] + sums[1];
}

/// out[k] += the sum over `rows` rows of `width` elements.
template <class T>
void add_rows(T* out, const T* x, std::size_t rows, std::size_t width) {
  constexpr std::size_t plain_rows = 32;
  if (rows <= plain_rows) {
    for (; rows >= 4; rows -= 4, x += 4 * width) {
      for (std::size_t k = 0; k < width; ++k) {
        out[k] += (x[k] + x[width + k]) + (x[2 * width + k] + x[3 * width + k]);
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
