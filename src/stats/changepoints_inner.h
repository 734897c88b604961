/* SPDX-License-Identifier: MIT */
/*
 * What the files of the change-point finder share (docs/changepoints.md explains the method). A series is first prepared (cleaned of lone
 * outliers, in units of its spread), then described in several ways: each way has a search of its own, and the shortest description wins.
 */
#ifndef ASSAY_STATS_CHANGEPOINTS_INNER_H
#define ASSAY_STATS_CHANGEPOINTS_INNER_H

#include <stdbool.h>
#include <stddef.h>

#include <assay/changepoints.h>

#include "base/arena.h"

enum {
  ASSAY_CP_SHORTEST = 3,       /* values in a segment with a level: a pair of outliers is none */
  ASSAY_CP_SHORTEST_SLOPE = 6, /* ... with a slope */
  ASSAY_CP_LEAST = 6           /* values in a series that is looked at */
};

/* ---- Preparing (changepoints_prepare.c) -------------------------------------------------------------------------------------------- */

/* Column c's value i is at [c * count + i]. */
typedef struct assay_cp_series {
  size_t count, columns;
  double *raw;    /* centred and scaled */
  double *clean;  /* the same with lone outliers pulled in */
  double *floor;  /* of each column: the least variance that its resolution allows to believe in */
  double *noise;  /* of each column: how far values are from the median of those around, as a standard deviation */
  size_t *row;    /* which row of the caller's series each value is from */
  size_t *column; /* and which column */
} assay_cp_series;

/* Leaves out rows and columns without measurements and columns that never change; `columns` 0 when nothing is left. */
void assay_cp_prepare(const double *values, size_t count, size_t columns, assay_arena *arena, assay_cp_series *series);
/* Subtracts the pattern that repeats, if there is one that is worth its parameters: gives its period, else 0. */
size_t assay_cp_remove_season(const double *x, size_t count, size_t columns, assay_arena *arena, double *rest);
/* Subtracts a slow smooth curve, a polynomial fitted together with the levels of the given segments and of the degree that is worth it:
 * gives the degree, else 0. */
size_t assay_cp_remove_curve(const double *x, const size_t *at, size_t changes, size_t count, size_t columns, assay_arena *arena,
                             double *rest);
/* Pulls lone outliers (up to three in a row) of one column towards their neighbours' median; gives how far off values are, as a standard
 * deviation. */
double assay_cp_clean(const double *x, size_t count, assay_arena *arena, double *clean);
/* The value that `rank` others are below or equal to, as if sorted; reorders. */
double assay_cp_select(double *values, size_t count, size_t rank);
/* Median absolute value as a standard deviation; where that is 0, from the 90 % quantile. `scratch` has room for `count`. */
double assay_cp_scale(const double *distances, size_t count, double *scratch);

/* ---- Searching (changepoints_search.c) --------------------------------------------------------------------------------------------- */

/* One way to look at the series. */
typedef struct assay_cp_view {
  const double *x;      /* column c's value i at [c * count + i] */
  const double *weight; /* of each row: 1 / variance, 1 on average */
  const double *floor;  /* of each column: the least variance that its resolution allows to believe in */
  size_t count, columns;
  size_t whole;    /* rows of the series, for views that lack some of them */
  size_t spent;    /* parameters that the view took from each column */
  double price;    /* what the view costs in the criterion */
  size_t shortest; /* segment; 0: what its shape needs */
  bool with_slope; /* segments may have slopes here */
  bool coarse;     /* fewer correlations of the noise are tried */
} assay_cp_view;

/* Change points under the best noise and shape: a segment starts at each of at[0..changes). */
typedef struct assay_cp_fit {
  bool sloped;
  double phi; /* of the noise: correlation of neighbours */
  size_t *at;
  size_t changes;
  double criterion; /* -2 log likelihood and penalties */
} assay_cp_fit;

typedef struct assay_cp_work {
  size_t costs; /* of segments that were worked out */
} assay_cp_work;

/* assay_changepoints_find, and how much work it was: the same on every machine, which time is not. */
assay_status assay_cp_find(const double *values, size_t count, size_t columns, assay_cp_work *work, assay_error *err,
                           assay_changepoint **points, size_t *point_count);

void assay_cp_search(const assay_cp_view *view, assay_arena *arena, assay_cp_work *work, assay_cp_fit *fit);
/* The same shape again under the variances that were found, with more candidates. */
void assay_cp_polish(const assay_cp_view *view, assay_arena *arena, assay_cp_work *work, assay_cp_fit *fit);
/* Weighed sum of squared innovations of column `c` in [from, to) under the fit's shape, with a level (and slope) of its own. */
typedef struct assay_cp_model assay_cp_model;
const assay_cp_model *assay_cp_model_make(const assay_cp_view *view, bool sloped, double phi, assay_arena *arena);
double assay_cp_cost(const assay_cp_model *model, size_t c, size_t from, size_t to);
/* What a change point costs: the square of a deviation that noise alone seldom reaches anywhere in the series. */
double assay_cp_penalty(size_t count, size_t columns, bool sloped);
/* What a slope or curve through the whole series costs: as a step that need not be searched for. */
double assay_cp_price_of_trend(size_t count, size_t columns);
/* Writes the level (and slope) of each segment of column `c`, by weighed least squares. */
void assay_cp_draw(const assay_cp_view *view, const assay_cp_fit *fit, size_t c, double *line);

/* ---- Noise with modes (changepoints_modes.c) --------------------------------------------------------------------------------------- */

/*
 * Takes out the changes whose shorter segment may be a chance run of values such as stand alone elsewhere. `raw` are the view's values
 * before lone outliers were pulled in, `noise` that of assay_cp_series. Gives whether there were any; then `calm` has the values with
 * strays laid on their level, and the fit's correlation is theirs. `again`: the view is such a `calm`, and levels that moved count as well.
 */
bool assay_cp_drop_chance_runs(const assay_cp_view *view, const double *raw, const double *noise, bool again, assay_arena *arena,
                               assay_cp_fit *fit, double *calm);

#endif
