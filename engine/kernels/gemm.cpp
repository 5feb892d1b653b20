#include "engine/kernels/gemm.hpp"

#include <cblas.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <xsimd/xsimd.hpp>

#include "engine/errors.hpp"
#include "engine/kernels/broadcast.hpp"

namespace gradbook::kernels {

namespace {

/// Sizes of one matrix product: C (m, n) = op(A) (m, k) op(B) (k, n).
struct Sizes {
  std::size_t m, n, k;
  bool transpose_a, transpose_b;
};

bool fits_blas(std::size_t size) {
  return size <= static_cast<std::size_t>(std::numeric_limits<int>::max());
}

int blas_int(std::size_t size) {
  if (!fits_blas(size)) {
    throw ShapeError("matmul: a matrix with " + std::to_string(size) +
                     " rows or columns is more than BLAS can count");
  }
  return static_cast<int>(size);
}

CBLAS_TRANSPOSE flag(bool transpose) { return transpose ? CblasTrans : CblasNoTrans; }

void blas_gemm(const Sizes& s, const float* a, const float* b, float* c) {
  cblas_sgemm(CblasRowMajor, flag(s.transpose_a), flag(s.transpose_b), blas_int(s.m), blas_int(s.n),
              blas_int(s.k), 1.0F, a, blas_int(s.transpose_a ? s.m : s.k), b,
              blas_int(s.transpose_b ? s.k : s.n), 0.0F, c, blas_int(s.n));
}

void blas_gemm(const Sizes& s, const double* a, const double* b, double* c) {
  cblas_dgemm(CblasRowMajor, flag(s.transpose_a), flag(s.transpose_b), blas_int(s.m), blas_int(s.n),
              blas_int(s.k), 1.0, a, blas_int(s.transpose_a ? s.m : s.k), b,
              blas_int(s.transpose_b ? s.k : s.n), 0.0, c, blas_int(s.n));
}

// Below these sizes BLAS takes longer to get ready than to compute. Where there is AVX-512,
// OpenBLAS has loops of its own for small products, and is ahead from 32x32 on.
constexpr std::size_t few_products = xsimd::avx512f::supported() ? 8192 : 32768;
constexpr std::size_t few_elements = 1024;

/// A matrix that is read with steps: element (i, j) lies at i * down + j * along.
template <class T>
struct Steps {
  const T* data;
  std::size_t down, along;
};

/// Rows of C = A B, as many columns as `vectors` registers hold, all sums in registers.
template <std::size_t rows, std::size_t vectors, class T>
void block_of_product(Steps<T> a, const T* b, std::size_t n, std::size_t k, T* c) {
  using Vector = xsimd::batch<T>;
  std::array<Vector, rows * vectors> sums;
  sums.fill(Vector(T{0}));
  for (std::size_t p = 0; p < k; ++p, b += n) {
    for (std::size_t v = 0; v < vectors; ++v) {
      const Vector row_of_b = Vector::load_unaligned(b + v * Vector::size);
      for (std::size_t i = 0; i < rows; ++i) {
        const Vector factor(a.data[i * a.down + p * a.along]);
        sums[i * vectors + v] = sums[i * vectors + v] + factor * row_of_b;
      }
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      sums[i * vectors + v].store_unaligned(c + i * n + v * Vector::size);
    }
  }
}

/// Rows of C, all columns.
template <std::size_t rows, class T>
void rows_of_product(Steps<T> a, const T* b, std::size_t n, std::size_t k, T* c) {
  constexpr std::size_t width = xsimd::batch<T>::size;
  std::size_t j = 0;
  for (; j + 2 * width <= n; j += 2 * width) block_of_product<rows, 2>(a, b + j, n, k, c + j);
  for (; j + width <= n; j += width) block_of_product<rows, 1>(a, b + j, n, k, c + j);
  for (; j < n; ++j) {
    for (std::size_t i = 0; i < rows; ++i) {
      T sum{0};
      for (std::size_t p = 0; p < k; ++p) sum += a.data[i * a.down + p * a.along] * b[p * n + j];
      c[i * n + j] = sum;
    }
  }
}

template <class T>
void small_gemm(const Sizes& s, const T* a, const T* b, T* c) {
  constexpr std::size_t rows = 4;
  std::array<T, few_elements> rows_of_b;
  if (s.transpose_b) {
    for (std::size_t p = 0; p < s.k; ++p) {
      for (std::size_t j = 0; j < s.n; ++j) rows_of_b[p * s.n + j] = b[j * s.k + p];
    }
    b = rows_of_b.data();
  }
  Steps<T> from{a, s.transpose_a ? 1 : s.k, s.transpose_a ? s.m : 1};
  std::size_t i = 0;
  for (; i + rows <= s.m; i += rows, from.data += rows * from.down, c += rows * s.n) {
    rows_of_product<rows>(from, b, s.n, s.k, c);
  }
  for (; i < s.m; ++i, from.data += from.down, c += s.n) {
    rows_of_product<1>(from, b, s.n, s.k, c);
  }
}

template <class T>
void product(const Sizes& s, const T* a, const T* b, T* c) {
  if (s.n * s.k <= few_elements && s.m <= few_products && s.m * s.n * s.k <= few_products) {
    small_gemm(s, a, b, c);
  } else {
    blas_gemm(s, a, b, c);
  }
}

Shape batch_of(const Shape& shape) { return Shape(shape.begin(), shape.end() - 2); }

}  // namespace

template <class T>
Array<T> gemm(const Array<T>& a, bool transpose_a, const Array<T>& b, bool transpose_b) {
  const auto last_two = [](const Shape& shape, bool transposed) {
    const std::size_t rows = shape[shape.size() - 2];
    const std::size_t columns = shape[shape.size() - 1];
    return transposed ? std::pair(columns, rows) : std::pair(rows, columns);
  };
  const auto [m, k] = last_two(a.shape(), transpose_a);
  const std::size_t n = last_two(b.shape(), transpose_b).second;
  const Shape batch_a = batch_of(a.shape());
  const Shape batch_b = batch_of(b.shape());
  const Shape batch = broadcast_shapes("matmul", batch_a, batch_b);

  Shape shape = batch;
  shape.push_back(m);
  shape.push_back(n);
  Array<T> c(shape);
  if (c.size() == 0) return c;
  if (k == 0) {
    std::fill_n(c.fresh(), c.size(), T{0});
    return c;
  }

  // A batch of left matrices times one right matrix is a single tall product.
  if (!transpose_a && numel(batch_b) == 1 && batch_b.size() <= batch_a.size() &&
      fits_blas(numel(batch) * m)) {
    product({numel(batch) * m, n, k, false, transpose_b}, a.data(), b.data(), c.fresh());
    return c;
  }
  const LoopPlan<2> plan = plan_loop<2>(batch, {&batch_a, &batch_b});
  const Sizes sizes{m, n, k, transpose_a, transpose_b};
  for (std::size_t i = 0; i < numel(batch); ++i) {
    // Which matrix of each operand: the batch number in mixed radix, with 0 for repeated
    // dimensions.
    std::size_t rest = i;
    std::size_t at_a = 0;
    std::size_t at_b = 0;
    for (const auto& dim : plan.dims) {
      at_a += rest % dim.size * dim.step[0];
      at_b += rest % dim.size * dim.step[1];
      rest /= dim.size;
    }
    product(sizes, a.data() + at_a * m * k, b.data() + at_b * k * n, c.fresh() + i * m * n);
  }
  return c;
}

template Array<float> gemm(const Array<float>&, bool, const Array<float>&, bool);
template Array<double> gemm(const Array<double>&, bool, const Array<double>&, bool);

}  // namespace gradbook::kernels
