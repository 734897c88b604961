/* SPDX-License-Identifier: MIT */
/* Built once for each instruction set (ASSAY_VARIANT). */
#include "kernels/indicators/turn.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/indicators/turn_lines.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

/* Whole lines of some columns, and number by number what is left of rows and columns. */
#define TURN(real, bits)                                                                                                    \
  void JOIN(assay_turn_##bits##_, ASSAY_VARIANT)(const real *, size_t, real *, size_t, size_t, size_t);                     \
  void JOIN(assay_turn_##bits##_, ASSAY_VARIANT)(const real *from, size_t from_step, real *to, size_t to_step, size_t rows, \
                                                 size_t columns) {                                                          \
    const size_t line = 64 / sizeof(real), whole_rows = rows / line * line, side = TURN_SIDE_##bits;                        \
    const size_t whole_columns = columns / side * side;                                                                     \
    for (size_t c = 0; c < whole_columns; c += side) {                                                                      \
      for (size_t r = 0; r < whole_rows; r += line)                                                                         \
        turn_lines_##bits(from + r * from_step + c, from_step, to + c * to_step + r, to_step, side, false);                 \
    }                                                                                                                       \
    for (size_t c = 0; c < columns; c++) {                                                                                  \
      for (size_t r = c < whole_columns ? whole_rows : 0; r < rows; r++) to[c * to_step + r] = from[r * from_step + c];     \
    }                                                                                                                       \
  }
TURN(double, f64)
TURN(float, f32)

void JOIN(assay_copy_past_, ASSAY_VARIANT)(void *, const void *, size_t);

#if defined(__x86_64__)
/* A whole line past the cache: what it replaces is not fetched first, which takes a third off the traffic. One store fills a line where
 * registers are as wide: a core of an EPYC (Zen 5) copies 56 GB/s so, and 51 by stores of a quarter. */
static inline void copy_line_past(char *to, const char *from) {
#if defined(__AVX512F__)
  _mm512_stream_pd((double *)(void *)to, _mm512_loadu_pd(from));
#elif defined(__AVX2__)
  __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)from), b = _mm256_loadu_si256((const __m256i *)(const void *)(from + 32));
  _mm256_stream_si256((__m256i *)(void *)to, a);
  _mm256_stream_si256((__m256i *)(void *)(to + 32), b);
#else
  const __m128i *in = (const __m128i *)(const void *)from;
  __m128i *out = (__m128i *)(void *)to, a = _mm_loadu_si128(in), b = _mm_loadu_si128(in + 1), c = _mm_loadu_si128(in + 2),
          d = _mm_loadu_si128(in + 3);
  _mm_stream_si128(out, a);
  _mm_stream_si128(out + 1, b);
  _mm_stream_si128(out + 2, c);
  _mm_stream_si128(out + 3, d);
#endif
}

void JOIN(assay_copy_past_, ASSAY_VARIANT)(void *to, const void *from, size_t bytes) {
  size_t head = -(uintptr_t)to % 64;
  if (head > bytes) head = bytes;
  memcpy(to, from, head);
  char *line = (char *)to + head;
  const char *source = (const char *)from + head;
  size_t whole = (bytes - head) / 64 * 64;
  for (size_t i = 0; i < whole; i += 64) copy_line_past(line + i, source + i);
  memcpy(line + whole, source + whole, bytes - head - whole);
}
#else
void JOIN(assay_copy_past_, ASSAY_VARIANT)(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
#endif
