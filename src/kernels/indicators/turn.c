/* SPDX-License-Identifier: MIT */
/* Built once for each instruction set (ASSAY_VARIANT). */
#include "kernels/indicators/turn.h"

#include <stdint.h>
#include <string.h>

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

#if defined(__AVX2__)
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
void JOIN(assay_copy_past_, ASSAY_VARIANT)(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
#endif
