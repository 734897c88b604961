/* SPDX-License-Identifier: MIT */
/*
 * One tile of C in registers, built once for each instruction set (meson.build names ASSAY_VARIANT and the flags). The tile is as large as
 * the registers allow: `rows` broadcasts of A against two or more vectors of B, so that two loads feed many multiply-adds and their latency
 * is covered (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
 */
#include "kernels/gemm/gemm.h"

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)
#define KERNELS CONCAT(assay_gemm_kernels_, ASSAY_VARIANT)

/*
 * DEPTH (elements of k at once) and BLOCK_BYTES (of A) are measured. With AVX2 a panel of B is 24 KiB; 256 and 512 elements are 4 % slower
 * on a Zen 4. With AVX-512 it is 64 KiB, more than L1 holds, but C is read and written that much less often: on a Zen 5 512 elements make
 * 101 GFLOP/s in f64 and 207 in f32, 384 with blocks of 96 KiB 93 and 194, 256 at best 93 and 194 too.
 */

/* LANE_BYTES of a vector, VECTORS of B in a row of the tile, ROWS: ROWS * VECTORS accumulators + VECTORS of B + 1 of A fit the registers.
 */
#if defined(ASSAY_ONE_LANE)
/* The reference: one element at a time through the C library's fma, which is exact also where the processor has none. */
enum { LANE_BYTES = 0, VECTORS = 1, ROWS = 4, DEPTH = 384, BLOCK_BYTES = 96 << 10 };
#define SCALAR
#elif defined(__AVX512F__)
enum { LANE_BYTES = 64, VECTORS = 2, ROWS = 12, DEPTH = 512, BLOCK_BYTES = 144 << 10 };
#elif defined(__AVX2__)
enum { LANE_BYTES = 32, VECTORS = 2, ROWS = 6, DEPTH = 384, BLOCK_BYTES = 96 << 10 };
#elif defined(__ARM_NEON) && defined(__aarch64__)
enum { LANE_BYTES = 16, VECTORS = 4, ROWS = 6, DEPTH = 384, BLOCK_BYTES = 96 << 10 };
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#ifdef SCALAR
#define DEFINE_MICRO(name, real, vector, FMA)                                             \
  static void name(size_t k, const void *a_, const void *b_, void *c_, size_t stride_c) { \
    const real *a = a_, *b = b_;                                                          \
    for (size_t i = 0; i < ROWS; i++) {                                                   \
      real *c = (real *)c_ + i * stride_c;                                                \
      for (size_t p = 0; p < k; p++) *c = FMA(a[p * ROWS + i], b[p], *c);                 \
    }                                                                                     \
  }
#define COLUMNS(real) 1
#else
typedef double f64_lanes __attribute__((vector_size(LANE_BYTES), aligned(8), may_alias));
typedef float f32_lanes __attribute__((vector_size(LANE_BYTES), aligned(4), may_alias));
#define COLUMNS(real) (VECTORS * LANE_BYTES / sizeof(real))

/* The product and the sum become one fused operation: this file alone is built with -ffp-contract=fast, and holds no other arithmetic.
 * The tile below comes next: it is fetched meanwhile, else its loads would wait for it. */
#define DEFINE_MICRO(name, real, vector, FMA)                                                                              \
  static void name(size_t k, const void *a_, const void *b_, void *c_, size_t stride_c) {                                  \
    const real *a = a_, *b = b_;                                                                                           \
    vector sum[ROWS][VECTORS];                                                                                             \
    UNROLL for (size_t i = 0; i < ROWS; i++) {                                                                             \
      const real *c = (const real *)c_ + i * stride_c;                                                                     \
      UNROLL for (size_t j = 0; j < VECTORS; j++) sum[i][j] = ((const vector *)c)[j];                                      \
    }                                                                                                                      \
    UNROLL for (size_t i = 0; i < ROWS; i++) {                                                                             \
      const real *c = (const real *)c_ + (ROWS + i) * stride_c;                                                            \
      __builtin_prefetch(c, 1);                                                                                            \
      __builtin_prefetch(c + COLUMNS(real) - 1, 1);                                                                        \
    }                                                                                                                      \
    for (size_t p = 0; p < k; p++, a += ROWS, b += COLUMNS(real)) {                                                        \
      vector row[VECTORS];                                                                                                 \
      UNROLL for (size_t j = 0; j < VECTORS; j++) row[j] = ((const vector *)b)[j];                                         \
      UNROLL for (size_t i = 0; i < ROWS; i++) { UNROLL for (size_t j = 0; j < VECTORS; j++) sum[i][j] += a[i] * row[j]; } \
    }                                                                                                                      \
    UNROLL for (size_t i = 0; i < ROWS; i++) {                                                                             \
      real *c = (real *)c_ + i * stride_c;                                                                                 \
      UNROLL for (size_t j = 0; j < VECTORS; j++)((vector *)c)[j] = sum[i][j];                                             \
    }                                                                                                                      \
  }
#endif

/*
 * A whole panel at a time, with a width that the compiler knows. Lines that lie side by side are copied; else as many streams are read as
 * there are lines, and written as one.
 */
#define DEFINE_PACK(name, real, WIDTH)                                                                               \
  static void name(void *out_, const char *from, size_t lines, size_t depth, size_t line, size_t step, double by_) { \
    const real by = (real)by_;                                                                                       \
    real *out = out_;                                                                                                \
    if (lines == WIDTH && line == sizeof(real)) {                                                                    \
      for (size_t p = 0; p < depth; p++, out += WIDTH, from += step)                                                 \
        for (size_t i = 0; i < WIDTH; i++) out[i] = by * ((const real *)(const void *)from)[i];                      \
    } else if (lines == WIDTH && step == sizeof(real)) {                                                             \
      for (size_t p = 0; p < depth; p++, out += WIDTH, from += step)                                                 \
        UNROLL for (size_t i = 0; i < WIDTH; i++) out[i] = by * *(const real *)(const void *)(from + i * line);      \
    } else {                                                                                                         \
      for (size_t p = 0; p < depth; p++)                                                                             \
        for (size_t i = 0; i < WIDTH; i++)                                                                           \
          out[p * WIDTH + i] = i < lines ? by * *(const real *)(const void *)(from + i * line + p * step) : 0;       \
    }                                                                                                                \
  }

DEFINE_MICRO(micro_f64, double, f64_lanes, __builtin_fma)
DEFINE_MICRO(micro_f32, float, f32_lanes, __builtin_fmaf)
DEFINE_PACK(pack_rows_f64, double, ROWS)
DEFINE_PACK(pack_rows_f32, float, ROWS)
DEFINE_PACK(pack_columns_f64, double, COLUMNS(double))
DEFINE_PACK(pack_columns_f32, float, COLUMNS(float))

const assay_gemm_kernel KERNELS[2] = {{ROWS, COLUMNS(double), DEPTH, BLOCK_BYTES, micro_f64, pack_rows_f64, pack_columns_f64},
                                      {ROWS, COLUMNS(float), DEPTH, BLOCK_BYTES, micro_f32, pack_rows_f32, pack_columns_f32}};
