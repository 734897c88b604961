/* SPDX-License-Identifier: MIT */
/* Built once for each instruction set (ASSAY_VARIANT). */
#include "kernels/indicators/turn.h"

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

void JOIN(assay_turn_f64_, ASSAY_VARIANT)(const double *, size_t, double *, size_t, size_t, size_t, bool);
void JOIN(assay_turn_f32_, ASSAY_VARIANT)(const float *, size_t, float *, size_t, size_t, size_t, bool);
void JOIN(assay_copy_past_, ASSAY_VARIANT)(void *, const void *, size_t);

#if defined(__AVX2__)

static inline void turn_four(const double *from, size_t from_step, __m256d out[4]) {
  __m256d a = _mm256_loadu_pd(from), b = _mm256_loadu_pd(from + from_step), c = _mm256_loadu_pd(from + 2 * from_step),
          d = _mm256_loadu_pd(from + 3 * from_step);
  __m256d ab_low = _mm256_unpacklo_pd(a, b), ab_high = _mm256_unpackhi_pd(a, b), cd_low = _mm256_unpacklo_pd(c, d),
          cd_high = _mm256_unpackhi_pd(c, d);
  out[0] = _mm256_permute2f128_pd(ab_low, cd_low, 0x20);
  out[1] = _mm256_permute2f128_pd(ab_high, cd_high, 0x20);
  out[2] = _mm256_permute2f128_pd(ab_low, cd_low, 0x31);
  out[3] = _mm256_permute2f128_pd(ab_high, cd_high, 0x31);
}

/* Eight rows of four columns: a whole line of the cache for each column, which stores past the cache need. */
static inline void turn_block(const double *from, size_t from_step, double *to, size_t to_step, bool past_cache) {
  __m256d near[4], far[4];
  turn_four(from, from_step, near);
  turn_four(from + 4 * from_step, from_step, far);
  for (size_t c = 0; c < 4; c++) {
    double *line = to + c * to_step;
    if (past_cache) {
      _mm256_stream_pd(line, near[c]);
      _mm256_stream_pd(line + 4, far[c]);
    } else {
      _mm256_storeu_pd(line, near[c]);
      _mm256_storeu_pd(line + 4, far[c]);
    }
  }
}

void JOIN(assay_turn_f64_, ASSAY_VARIANT)(const double *from, size_t from_step, double *to, size_t to_step, size_t rows, size_t columns,
                                          bool past_cache) {
  bool lines = past_cache && (uintptr_t)to % 64 == 0 && to_step % 8 == 0;
  size_t whole_rows = rows / 8 * 8, whole_columns = columns / 4 * 4;
  for (size_t c = 0; c < whole_columns; c += 4) {
    for (size_t r = 0; r < whole_rows; r += 8) turn_block(from + r * from_step + c, from_step, to + c * to_step + r, to_step, lines);
  }
  for (size_t c = 0; c < columns; c++) {
    for (size_t r = c < whole_columns ? whole_rows : 0; r < rows; r++) to[c * to_step + r] = from[r * from_step + c];
  }
}

void JOIN(assay_copy_past_, ASSAY_VARIANT)(void *to, const void *from, size_t bytes) {
  size_t head = -(uintptr_t)to % 64;
  if (head > bytes) head = bytes;
  memcpy(to, from, head);
  char *line = (char *)to + head;
  const char *source = (const char *)from + head;
  size_t lines = (bytes - head) / 64;
  for (size_t i = 0; i < lines; i++) {
    _mm256_stream_pd((double *)(void *)(line + 64 * i), _mm256_loadu_pd((const double *)(const void *)(source + 64 * i)));
    _mm256_stream_pd((double *)(void *)(line + 64 * i + 32), _mm256_loadu_pd((const double *)(const void *)(source + 64 * i + 32)));
  }
  memcpy(line + 64 * lines, source + 64 * lines, bytes - head - 64 * lines);
}

#else

void JOIN(assay_turn_f64_, ASSAY_VARIANT)(const double *from, size_t from_step, double *to, size_t to_step, size_t rows, size_t columns,
                                          bool past_cache) {
  (void)past_cache;
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) to[c * to_step + r] = from[r * from_step + c];
  }
}

void JOIN(assay_copy_past_, ASSAY_VARIANT)(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }

#endif

void JOIN(assay_turn_f32_, ASSAY_VARIANT)(const float *from, size_t from_step, float *to, size_t to_step, size_t rows, size_t columns,
                                          bool past_cache) {
  (void)past_cache;
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) to[c * to_step + r] = from[r * from_step + c];
  }
}
