/* SPDX-License-Identifier: MIT */
/* What the files of <assay/indicators.h> share. */
#ifndef ASSAY_QUANT_INDICATORS_H
#define ASSAY_QUANT_INDICATORS_H

#include <assay/indicators.h>

#include "kernels/kernel.h"

#include "kernels/indicators/indicators.h"
#include "kernels/indicators/stream.h"

/* What only the library needs of a row of the table. */
typedef struct assay_indicator_hidden {
  /* Fills n, x and warm from parameters that are within their ranges, and the slots of the windows; NULL, or what is wrong between them. */
  const char *(*prepare)(const double *parameters, indicator_params *params, uint64_t *memory);
  /* The values of a row depend on it and on fewer than n[0] rows before it, so a long series may be cut at multiples of n[0]. */
  bool finite;
  /* Which of x are the factors of averages that are all that it carries: what was long ago fades out, and then out of the last bit. */
  unsigned factors;
} assay_indicator_hidden;
/* `indicator` is a row of the table itself, no copy. */
const assay_indicator_hidden *assay_indicator_hidden_of(const assay_indicator *indicator);

/* Checks parameters (NULL: the defaults) and fills what does not depend on the data: n, x, warm, slots. */
assay_status assay_indicator_prepare(const assay_indicator *indicator, const double *parameters, assay_error *err,
                                     indicator_params *params);

/* Rows after which what fades (factors) has forgotten how it began, to the last bit, and everything has begun. Whether it was enough is
 * looked at. */
uint64_t assay_indicator_rows_to_forget(const assay_indicator *indicator, const indicator_params *params, size_t size);

/* How a GPU does a batch: the parts that params say (kernels/indicators/indicators.h), and the room that they take. */
typedef struct assay_indicator_plan {
  size_t parts, groups; /* of the launch: part_groups for each part */
  size_t join_groups;   /* of ind_join's */
  size_t state_bytes, marks_bytes;
  indicator_join_params join;
} assay_indicator_plan;
/* Fills series, width and the parts of prepared params whose `rows` are known; `size` of a number. A GPU with so many processors. */
assay_indicator_plan assay_indicator_plan_parts(const assay_indicator *indicator, size_t series, size_t size, unsigned processors,
                                                indicator_params *params);

/* The kernels' own test (GAP_SCALE). */
static inline bool assay_indicator_is_gap(double x) { return x * 1e208 * 0 != 0; }
static inline bool assay_indicator_is_gap_f32(float x) { return x * 1e23f * 0 != 0; }

/* The kernel in lanes, and in one lane with the best scalar instructions that this CPU has. */
typedef struct assay_indicator_kernels {
  const assay_kernel *table;
  assay_kernel_fn lanes, one;
} assay_indicator_kernels;
assay_indicator_kernels assay_indicator_kernels_of(const assay_indicator *indicator, unsigned bits);
/* What a stream does with a row, of a row of the table. */
assay_indicator_step_fn assay_indicator_step_of(const assay_indicator *indicator);

#endif
