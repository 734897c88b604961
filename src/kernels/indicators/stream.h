/* SPDX-License-Identifier: MIT */
/* The steps of the indicators as a stream takes them: a row of one series in one lane, without a kernel around it. */
#ifndef ASSAY_KERNELS_INDICATORS_STREAM_H
#define ASSAY_KERNELS_INDICATORS_STREAM_H

#include "kernels/types.h"

#include "kernels/indicators/indicators.h"

/* How many rows came, and that number modulo each period: counted on, since a division takes longer than most steps. */
typedef struct indicator_rows {
  u64 t;
  u32 k[4];
} indicator_rows;

/* One row in and its results out; `state` holds params->slots reals and `rows` nothing but zeros before the first. Inputs and outputs may
 * be the same array. */
typedef void (*assay_indicator_step_fn)(const indicator_params *params, indicator_rows *rows, double *state, const double *in, double *out);

#endif
