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

#include <stdbool.h>
#include <stddef.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_changepoint {
  size_t index;         /* the first value after the change, counted from 0 */
  size_t low, high;     /* the change lies at one of these indices (about 95 %): the range of commits to look at */
  double before, after; /* typical level on either side, up to the neighbouring change points (of column `column`) */
  double change_ratio;  /* (after - before) / |before|; NaN when before is 0 */
  double p_value;       /* of "no change here" */
  size_t column;        /* of a multivariate series: the column that moved most, in units of its noise */
  bool in_spread;       /* the spread changed, not (only) the level */
} assay_changepoint;

/*
 * `values` has `count` rows of `columns` numbers (row-major); columns >= 1. NaN: no measurement there; such a row (or cell) is passed over
 * and indices still count it. Ascending, free with assay_changepoints_free; *points is NULL and *point_count 0 when there is none. A series
 * that is too short or constant has none; a lone outlier is none. ASSAY_ERR_INVALID for infinities, ASSAY_ERR_NO_MEMORY.
 */
ASSAY_API assay_status assay_changepoints_find(const double *values, size_t count, size_t columns, assay_error *err,
                                               assay_changepoint **points, size_t *point_count);
ASSAY_API void assay_changepoints_free(assay_changepoint *points); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
