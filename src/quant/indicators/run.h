/* SPDX-License-Identifier: MIT */
/* What a call of assay_indicator_run is, for the processor (run.c) and for a device (run_device.c). */
#ifndef ASSAY_QUANT_INDICATORS_RUN_H
#define ASSAY_QUANT_INDICATORS_RUN_H

#include <string.h>

#include "kernels/indicators/turn.h"
#include "quant/indicators/indicators.h"

/* A call of assay_indicator_run, in either precision: `size` is sizeof(double) or sizeof(float). */
typedef struct assay_indicator_job {
  const assay_indicator *indicator;
  indicator_params params;
  assay_indicator_kernels kernels;
  size_t size, rows, series;
  size_t row_step, series_step; /* numbers between two rows, two series */
  const char *in[ASSAY_INDICATOR_INPUTS];
  char *out[ASSAY_INDICATOR_MAX_OUTPUTS]; /* NULL: not wanted */
  assay_turns turns;
  bool lanes_turn; /* the kernels have lanes, which take series that lie in one piece each */
  bool past_cache; /* the outputs are too large to stay in it */
} assay_indicator_job;

/* What a thread needs. */
typedef struct assay_indicator_workspace {
  char *state;
  char *aside;  /* results on their way past the cache; made when first needed */
  char *packed; /* inputs, then outputs, of one series without its gaps; made when first needed */
} assay_indicator_workspace;

/* States begin where a pack of series does. */
static inline size_t assay_indicator_rounded_up(size_t count) { return (count + INDICATOR_PACK - 1) / INDICATOR_PACK * INDICATOR_PACK; }

static inline size_t assay_indicator_state_bytes(const assay_indicator_job *j, size_t series) {
  return assay_indicator_rounded_up(series) * (1 + (size_t)j->params.slots) * j->size;
}

/* Of an input, or of a series whose results do not count because one of its inputs was a gap. */
static inline bool assay_indicator_has_gap(const assay_indicator_job *j, const char *at) {
  double d;
  float f;
  if (j->size == sizeof d) return memcpy(&d, at, sizeof d), assay_indicator_is_gap(d);
  return memcpy(&f, at, sizeof f), assay_indicator_is_gap_f32(f);
}

/* One series again, without its gaps; ASSAY_ERR_NO_MEMORY. */
assay_status assay_indicator_run_without_gaps(const assay_indicator_job *j, size_t series, assay_indicator_workspace *space);
/* On options->device. */
assay_status assay_indicator_run_on_device(const assay_indicator_job *j, const assay_indicator_options *options, assay_error *err);

#endif
