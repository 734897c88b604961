/* SPDX-License-Identifier: MIT */
/* Between rows of series and series of rows, and past the cache. */
#ifndef ASSAY_KERNELS_INDICATORS_TURN_H
#define ASSAY_KERNELS_INDICATORS_TURN_H

#include <stddef.h>

/* to[c to_step + r] = from[r from_step + c] for `rows` rows r of `columns` columns c. */
typedef void (*assay_turn_f64_fn)(const double *from, size_t from_step, double *to, size_t to_step, size_t rows, size_t columns);
typedef void (*assay_turn_f32_fn)(const float *from, size_t from_step, float *to, size_t to_step, size_t rows, size_t columns);
/* Copies bytes past the cache, from and to anywhere. On x86-64 no other thread may read them before the caller's _mm_sfence. */
typedef void (*assay_copy_past_fn)(void *to, const void *from, size_t bytes);

typedef struct assay_turns {
  assay_turn_f64_fn f64;
  assay_turn_f32_fn f32;
  assay_copy_past_fn copy_past;
} assay_turns;
/* The best that this CPU has and ASSAY_ISA allows. */
assay_turns assay_turns_best(void);

#endif
