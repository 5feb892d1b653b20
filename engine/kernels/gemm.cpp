#include "engine/kernels/gemm.hpp"

#include <cblas.h>

#include <algorithm>
#include <limits>
#include <string>

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

void one_gemm(const Sizes& s, const float* a, const float* b, float* c) {
  cblas_sgemm(CblasRowMajor, flag(s.transpose_a), flag(s.transpose_b), blas_int(s.m), blas_int(s.n),
              blas_int(s.k), 1.0F, a, blas_int(s.transpose_a ? s.m : s.k), b,
              blas_int(s.transpose_b ? s.k : s.n), 0.0F, c, blas_int(s.n));
}

void one_gemm(const Sizes& s, const double* a, const double* b, double* c) {
  cblas_dgemm(CblasRowMajor, flag(s.transpose_a), flag(s.transpose_b), blas_int(s.m), blas_int(s.n),
              blas_int(s.k), 1.0, a, blas_int(s.transpose_a ? s.m : s.k), b,
              blas_int(s.transpose_b ? s.k : s.n), 0.0, c, blas_int(s.n));
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
    one_gemm({numel(batch) * m, n, k, false, transpose_b}, a.data(), b.data(), c.fresh());
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
    one_gemm(sizes, a.data() + at_a * m * k, b.data() + at_b * k * n, c.fresh() + i * m * n);
  }
  return c;
}

template Array<float> gemm(const Array<float>&, bool, const Array<float>&, bool);
template Array<double> gemm(const Array<double>&, bool, const Array<double>&, bool);

}  // namespace gradbook::kernels
