/* SPDX-License-Identifier: MIT */
/*
 * Reads plain series: one number a line, or a table of comma-, semicolon-, tab- or blank-separated columns, with or without a line of
 * names. docs/changepoints.md ("Files") says what is accepted.
 */
#ifndef ASSAY_RESULT_SERIES_H
#define ASSAY_RESULT_SERIES_H

#include <assay/status.h>

#include "base/arena.h"

typedef struct assay_series {
  double *values; /* [row * columns + column]; NaN: no measurement. Never infinite. */
  size_t rows, columns;
  const char **names; /* of the columns; without a line of names their numbers, counted from 1. In the arena, as is `values`. */
} assay_series;

/*
 * `wanted` are names, or numbers counted from 1, of the columns to take, in that order; with none, all columns of numbers but a first one
 * that only counts (rows, years, seconds) beside others. `source` names the text in messages, which say line and column. ASSAY_ERR_PARSE,
 * ASSAY_ERR_NOT_FOUND for a wanted column, ASSAY_ERR_INVALID when there is nothing to take, ASSAY_ERR_NO_MEMORY.
 */
assay_status assay_series_read(const char *text, size_t length, const char *source, const char *const *wanted, size_t wanted_count,
                               assay_arena *arena, assay_error *err, assay_series *series);

#endif
