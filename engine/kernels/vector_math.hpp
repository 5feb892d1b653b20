#pragma once

#include <cmath>

/// The C library's functions, several floats at a time: declared like this, GCC calls glibc's
/// vector versions (libmvec) of them in a loop. They are right at the edges (infinities, NaN,
/// overflow, subnormal results) and at most 4 ulp off elsewhere, which `Kernels.VectorMath*` tests;
/// vectorised math libraries that are faster still were not. float64 keeps the scalar versions: it
/// is what others are compared with.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
extern "C" {
__attribute__((simd("notinbranch"), const)) float expf(float) noexcept;
__attribute__((simd("notinbranch"), const)) float tanhf(float) noexcept;
}
#endif
#endif
