/* SPDX-License-Identifier: MIT */
/*
 * assay/changepoints.h: where a series of measurements changed its level (docs/changepoints.md says how, and how well).
 *
 *     assay_changepoint *points = NULL;
 *     size_t count = 0;
 *     assay_changepoints_find(values, n, 1, &err, &points, &count);
 *     for (size_t i = 0; i < count; i++) printf("%zu: %+.1f %%\n", points[i].index, 100 * points[i].change_ratio);
 *     assay_changepoints_free(points);
 *
 * One fixed setting for every series; the same values give the same answer on every machine. Pure and thread-safe.
 */
#ifndef ASSAY_CHANGEPOINTS_H
#define ASSAY_CHANGEPOINTS_H

#include <stddef.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_changepoint_kind {
  ASSAY_CHANGEPOINT_LEVEL, /* a step */
  ASSAY_CHANGEPOINT_TREND, /* the series grows or falls at another rate from here on (it may also have jumped) */
  ASSAY_CHANGEPOINT_SPREAD /* the values scatter more or less widely, about the same level */
} assay_changepoint_kind;

typedef struct assay_changepoint {
  assay_changepoint_kind kind;
  size_t index;         /* the first value after the change, counted from 0 */
  size_t low, high;     /* the change lies at one of these indices (about 95 %): the range of commits to look at */
  double before, after; /* of column `column`, on either side up to the neighbouring change points: the typical (median) level; of kind
                           SPREAD the spread, as a standard deviation (from the MAD) */
  double change_ratio;  /* (after - before) / |before|; NaN when before is 0 */
  double p_value;       /* of "no change here", with allowance for the place having been searched for */
  size_t column;        /* of a multivariate series: the column that moved most, in units of its noise */
} assay_changepoint;

/*
 * `values` has `count` rows of `columns` numbers (row-major); columns >= 1. NaN: no measurement there; such a row (or cell) is passed over
 * and indices still count it. Ascending, free with assay_changepoints_free; *points is NULL and *point_count 0 when there is none. A series
 * that is too short or constant has none; a lone outlier is none. ASSAY_ERR_INVALID for infinities, ASSAY_ERR_NO_MEMORY.
 */
ASSAY_API assay_status assay_changepoints_find(const double *values, size_t count, size_t columns, assay_error *err,
                                               assay_changepoint **points, size_t *point_count);
ASSAY_API const char *assay_changepoint_kind_text(assay_changepoint_kind kind); /* "level", "trend", "spread" */
ASSAY_API void assay_changepoints_free(assay_changepoint *points);              /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
