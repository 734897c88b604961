/* SPDX-License-Identifier: MIT */
/*
 * Turning blocks of whole lines, in registers where there are instructions for it. Native code only.
 *
 * turn_columns: to[r to_step + c] = from[c from_step + r], for `rows` rows of `columns` columns. turn_lines: to[c to_step + r] =
 * from[r from_step + c], for a line of rows (TURN_LINE numbers) of `columns` columns; `past`: each line is written past the cache, for
 * which it has to begin at a multiple of 64 bytes. Rows and columns are multiples of TURN_SIDE where registers turn.
 */
#ifndef ASSAY_KERNELS_INDICATORS_TURN_LINES_H
#define ASSAY_KERNELS_INDICATORS_TURN_LINES_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { TURN_SIDE_f64 = 8, TURN_SIDE_f32 = 16 };

/* Column c of eight rows becomes out[c], for four columns: rows 0 and 4, 1 and 5, 2 and 6, 3 and 7 have a register each. */
static inline void turn_half_square_f64(const double *from, size_t step, __m512d out[4]) {
  const __m512i even = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), odd = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
  __m512d a[4];
  for (size_t r = 0; r < 4; r++)
    a[r] = _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(from + r * step)), _mm256_loadu_pd(from + (r + 4) * step), 1);
  __m512d low01 = _mm512_unpacklo_pd(a[0], a[1]), low23 = _mm512_unpacklo_pd(a[2], a[3]), high01 = _mm512_unpackhi_pd(a[0], a[1]),
          high23 = _mm512_unpackhi_pd(a[2], a[3]);
  out[0] = _mm512_permutex2var_pd(low01, even, low23);
  out[1] = _mm512_permutex2var_pd(high01, even, high23);
  out[2] = _mm512_permutex2var_pd(low01, odd, low23);
  out[3] = _mm512_permutex2var_pd(high01, odd, high23);
}
static inline void turn_square_f64(const double *from, size_t step, __m512d out[8]) {
  turn_half_square_f64(from, step, out);
  turn_half_square_f64(from + 4, step, out + 4);
}

/* Column c of 16 rows becomes out[c]. */
static inline void turn_square_f32(const float *from, size_t step, __m512 out[16]) {
  for (size_t k = 0; k < 16; k += 4) { /* numbers k to k + 3 of rows r, r + 4, r + 8 and r + 12 */
    __m512 a[4];
    for (size_t r = 0; r < 4; r++) {
      const float *at = from + r * step + k;
      a[r] = _mm512_insertf32x4(_mm512_castps128_ps512(_mm_loadu_ps(at)), _mm_loadu_ps(at + 4 * step), 1);
      a[r] = _mm512_insertf32x4(_mm512_insertf32x4(a[r], _mm_loadu_ps(at + 8 * step), 2), _mm_loadu_ps(at + 12 * step), 3);
    }
    __m512 low01 = _mm512_unpacklo_ps(a[0], a[1]), low23 = _mm512_unpacklo_ps(a[2], a[3]), high01 = _mm512_unpackhi_ps(a[0], a[1]),
           high23 = _mm512_unpackhi_ps(a[2], a[3]);
    out[k] = _mm512_shuffle_ps(low01, low23, 0x44);
    out[k + 1] = _mm512_shuffle_ps(low01, low23, 0xEE);
    out[k + 2] = _mm512_shuffle_ps(high01, high23, 0x44);
    out[k + 3] = _mm512_shuffle_ps(high01, high23, 0xEE);
  }
}

#define TURN_BY_SQUARES(real, bits, side, vector, store, stream)                                                                      \
  static inline void turn_columns_##bits(const real *from, size_t from_step, real *to, size_t to_step, size_t columns, size_t rows) { \
    for (size_t c = 0; c < columns; c += (side)) {                                                                                    \
      for (size_t r = 0; r < rows; r += (side)) {                                                                                     \
        vector turned[side];                                                                                                          \
        turn_square_##bits(from + c * from_step + r, from_step, turned);                                                              \
        for (size_t k = 0; k < (side); k++) store(to + (r + k) * to_step + c, turned[k]);                                             \
      }                                                                                                                               \
    }                                                                                                                                 \
  }                                                                                                                                   \
  static inline void turn_lines_##bits(const real *from, size_t from_step, real *to, size_t to_step, size_t columns, bool past) {     \
    for (size_t c = 0; c < columns; c += (side)) {                                                                                    \
      vector turned[side];                                                                                                            \
      turn_square_##bits(from + c, from_step, turned);                                                                                \
      for (size_t k = 0; k < (side); k++) {                                                                                           \
        if (past) {                                                                                                                   \
          stream(to + (c + k) * to_step, turned[k]);                                                                                  \
        } else {                                                                                                                      \
          store(to + (c + k) * to_step, turned[k]);                                                                                   \
        }                                                                                                                             \
      }                                                                                                                               \
    }                                                                                                                                 \
  }
TURN_BY_SQUARES(double, f64, 8, __m512d, _mm512_storeu_pd, _mm512_stream_pd)
TURN_BY_SQUARES(float, f32, 16, __m512, _mm512_storeu_ps, _mm512_stream_ps)
#undef TURN_BY_SQUARES

#elif defined(__AVX2__)
enum { TURN_SIDE_f64 = 8, TURN_SIDE_f32 = 8 };

/* Column c of four rows becomes out[c]. */
static inline void turn_four_registers(__m256d a, __m256d b, __m256d c, __m256d d, __m256d out[4]) {
  __m256d ab0 = _mm256_unpacklo_pd(a, b), ab1 = _mm256_unpackhi_pd(a, b), cd0 = _mm256_unpacklo_pd(c, d), cd1 = _mm256_unpackhi_pd(c, d);
  out[0] = _mm256_permute2f128_pd(ab0, cd0, 0x20);
  out[1] = _mm256_permute2f128_pd(ab1, cd1, 0x20);
  out[2] = _mm256_permute2f128_pd(ab0, cd0, 0x31);
  out[3] = _mm256_permute2f128_pd(ab1, cd1, 0x31);
}
static inline void turn_four(const double *from, size_t step, __m256d out[4]) {
  turn_four_registers(_mm256_loadu_pd(from), _mm256_loadu_pd(from + step), _mm256_loadu_pd(from + 2 * step),
                      _mm256_loadu_pd(from + 3 * step), out);
}

static inline void turn_columns_f64(const double *from, size_t from_step, double *to, size_t to_step, size_t columns, size_t rows) {
  for (size_t c = 0; c < columns; c += 4) {
    for (size_t r = 0; r < rows; r += 4) {
      __m256d turned[4];
      turn_four(from + c * from_step + r, from_step, turned);
      for (size_t k = 0; k < 4; k++) _mm256_storeu_pd(to + (r + k) * to_step + c, turned[k]);
    }
  }
}

static inline void turn_lines_f64(const double *from, size_t from_step, double *to, size_t to_step, size_t columns, bool past) {
  for (size_t c = 0; c < columns; c += 4) {
    __m256d near[4], far[4];
    turn_four(from + c, from_step, near);
    turn_four(from + 4 * from_step + c, from_step, far);
    for (size_t k = 0; k < 4; k++) {
      double *line = to + (c + k) * to_step;
      if (past) {
        _mm256_stream_pd(line, near[k]);
        _mm256_stream_pd(line + 4, far[k]);
      } else {
        _mm256_storeu_pd(line, near[k]);
        _mm256_storeu_pd(line + 4, far[k]);
      }
    }
  }
}

/* Column c of eight rows becomes out[c]. */
static inline void turn_eight(const float *from, size_t step, __m256 out[8]) {
  for (size_t k = 0; k < 8; k += 4) { /* numbers k to k + 3: of rows 0 and 4, 1 and 5, 2 and 6, 3 and 7 */
    __m256 a[4];
    for (size_t r = 0; r < 4; r++)
      a[r] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + r * step + k)), _mm_loadu_ps(from + (r + 4) * step + k), 1);
    __m256 low01 = _mm256_unpacklo_ps(a[0], a[1]), low23 = _mm256_unpacklo_ps(a[2], a[3]), high01 = _mm256_unpackhi_ps(a[0], a[1]),
           high23 = _mm256_unpackhi_ps(a[2], a[3]);
    out[k] = _mm256_shuffle_ps(low01, low23, 0x44);
    out[k + 1] = _mm256_shuffle_ps(low01, low23, 0xEE);
    out[k + 2] = _mm256_shuffle_ps(high01, high23, 0x44);
    out[k + 3] = _mm256_shuffle_ps(high01, high23, 0xEE);
  }
}

static inline void turn_columns_f32(const float *from, size_t from_step, float *to, size_t to_step, size_t columns, size_t rows) {
  for (size_t c = 0; c < columns; c += 8) {
    for (size_t r = 0; r < rows; r += 8) {
      __m256 turned[8];
      turn_eight(from + c * from_step + r, from_step, turned);
      for (size_t k = 0; k < 8; k++) _mm256_storeu_ps(to + (r + k) * to_step + c, turned[k]);
    }
  }
}

static inline void turn_lines_f32(const float *from, size_t from_step, float *to, size_t to_step, size_t columns, bool past) {
  for (size_t c = 0; c < columns; c += 8) {
    __m256 near[8], far[8];
    turn_eight(from + c, from_step, near);
    turn_eight(from + 8 * from_step + c, from_step, far);
    for (size_t k = 0; k < 8; k++) {
      float *line = to + (c + k) * to_step;
      if (past) {
        _mm256_stream_ps(line, near[k]);
        _mm256_stream_ps(line + 8, far[k]);
      } else {
        _mm256_storeu_ps(line, near[k]);
        _mm256_storeu_ps(line + 8, far[k]);
      }
    }
  }
}

#else

enum { TURN_SIDE_f64 = 8, TURN_SIDE_f32 = 8 };

#define TURN_ONE_BY_ONE(real, bits)                                                                                                   \
  static inline void turn_columns_##bits(const real *from, size_t from_step, real *to, size_t to_step, size_t columns, size_t rows) { \
    for (size_t c = 0; c < columns; c++) {                                                                                            \
      for (size_t r = 0; r < rows; r++) to[r * to_step + c] = from[c * from_step + r];                                                \
    }                                                                                                                                 \
  }                                                                                                                                   \
  static inline void turn_lines_##bits(const real *from, size_t from_step, real *to, size_t to_step, size_t columns, bool past) {     \
    (void)past;                                                                                                                       \
    for (size_t c = 0; c < columns; c++) {                                                                                            \
      for (size_t r = 0; r < 64 / sizeof(real); r++) to[c * to_step + r] = from[r * from_step + c];                                   \
    }                                                                                                                                 \
  }
TURN_ONE_BY_ONE(double, f64)
TURN_ONE_BY_ONE(float, f32)
#undef TURN_ONE_BY_ONE

#endif

#endif
