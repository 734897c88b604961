/* SPDX-License-Identifier: MIT */
/*
 * One alert per cause. Changes that came between the same two runs have one cause unless something separates them; what separates them is
 * when each series moved. docs/alerts.md, "One alert per cause", says it in words.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/alert.h"

enum { LOOK_BACK = 200, KEPT_POINTS = 32, ENOUGH_SHARED = 8 };
/* A place of the change whose log-likelihood is this much below the best is not believed: about one in twenty. */
static const double UNLIKELY = 3;
/* Two series that both made a step in the same place correlate over the runs around it. */
static const double UNRELATED = 0.2;
static const double LEAST_SPREAD = 0.05; /* of the step: a series that happened to be quiet is not perfectly known */

/* ---- When one series moved ------------------------------------------------------------------------------------------------------ */

typedef struct window {
  const assay_history_point *points;
  size_t first, last; /* the runs after the old one, up to and with the new one */
} window;

static bool all_positive(const assay_history_point *points, size_t count, const assay_change *change) {
  for (size_t i = 0; i < count; i++)
    if (!(points[i].value > 0)) return false;
  return change->before > 0 && change->after > 0;
}

/* 0 where a value is what it was before, 1 where it is what it was after. */
static double progress_of(double value, const assay_change *change, bool log_scale) {
  if (log_scale) return log(value / change->before) / log(change->after / change->before);
  return (value - change->before) / (change->after - change->before);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* A lone value far off costs no more than one on the wrong side. */
static double cost_of(double off) { return fmin(off * off, 1); }

/*
 * The two levels are known, so the likelihood of each place of the step is a sum of squares to the left and right of it. `t` holds the
 * progress of each run of the window. Gives the places that are not unlikely.
 */
static void likely_places(const double *t, double *scratch, size_t count, size_t *low, size_t *high) {
  double *cost = scratch;
  double total = 0;
  for (size_t i = 0; i < count; i++) total += cost_of(1 - t[i]);
  size_t best = 0;
  for (size_t k = 0; k < count; k++) {
    cost[k] = total;
    if (cost[k] < cost[best]) best = k;
    total += cost_of(t[k]) - cost_of(1 - t[k]);
  }
  double *off = scratch + count;
  for (size_t i = 0; i < count; i++) off[i] = fabs(t[i] - (i < best ? 0 : 1));
  qsort(off, count, sizeof *off, by_value);
  double spread = fmax(LEAST_SPREAD, 1.4826 * off[count / 2]);
  *low = *high = best;
  for (size_t k = 0; k < count; k++) {
    if ((cost[k] - cost[best]) / (2 * spread * spread) > UNLIKELY) continue;
    if (k < *low) *low = k;
    if (k > *high) *high = k;
  }
}

static void set_range(assay_alert_candidate *c, const window *w, size_t low, size_t high) {
  size_t to = w->first + high;
  if (low > 0) { /* else it is the old run of the comparison, as it stands */
    c->from_s = w->points[w->first + low - 1].at_s;
    memcpy(c->commit_from, w->points[w->first + low - 1].commit, sizeof c->commit_from);
  }
  if (high + 1 < w->last - w->first + 1) {
    c->to_s = w->points[to].at_s;
    memcpy(c->commit_to, w->points[to].commit, sizeof c->commit_to);
  }
}

static assay_status narrow(assay_alert_candidate *c, const window *w, bool log_scale, assay_arena *arena, assay_error *err) {
  size_t count = w->last - w->first + 1, low = 0, high = 0;
  double *t = assay_arena_alloc(arena, 3 * count, sizeof *t);
  if (t == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for alerts");
  for (size_t i = 0; i < count; i++) t[i] = progress_of(w->points[w->first + i].value, c->change, log_scale);
  likely_places(t, t + count, count, &low, &high);
  set_range(c, w, low, high);
  return ASSAY_OK;
}

static assay_status keep_tail(assay_alert_candidate *c, const assay_history_point *points, size_t count, bool log_scale, assay_arena *arena,
                              assay_error *err) {
  size_t kept = count < KEPT_POINTS ? count : KEPT_POINTS;
  int64_t *at_s = assay_arena_alloc(arena, kept + 1, sizeof *at_s);
  double *values = assay_arena_alloc(arena, kept + 1, sizeof *values);
  if (at_s == NULL || values == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for alerts");
  for (size_t i = 0; i < kept; i++) {
    at_s[i] = points[count - kept + i].at_s;
    values[i] = log_scale ? log(points[count - kept + i].value) : points[count - kept + i].value;
  }
  c->at_s = at_s;
  c->values = values;
  c->count = kept;
  return ASSAY_OK;
}

assay_status assay_alert_locate(assay_history *history, const char *machine_id, assay_alert_candidate *c, assay_arena *arena,
                                assay_error *err) {
  assay_history_point *points = NULL;
  size_t count = 0;
  const assay_change *change = c->change;
  assay_status status =
      assay_history_series(history, machine_id, change->suite, change->benchmark, change->metric, LOOK_BACK, err, &points, &count);
  if (status != ASSAY_OK) return status;
  while (count > 0 && points[count - 1].at_s > c->to_s) count--; /* what came after the new run says nothing of this change */
  bool log_scale = all_positive(points, count, change);
  window w = {.points = points, .last = count - 1};
  while (w.first < count && points[w.first].at_s <= c->from_s) w.first++;
  status = keep_tail(c, points, count, log_scale, arena, err);
  bool is_step = isfinite(change->before) && isfinite(change->after) && fabs(change->after - change->before) > 0;
  if (status == ASSAY_OK && is_step && c->from_s < c->to_s && w.first + 1 < count && points[count - 1].at_s == c->to_s)
    status = narrow(c, &w, log_scale, arena, err);
  assay_history_points_free(points);
  return status;
}

/* ---- Which moved together ------------------------------------------------------------------------------------------------------- */

typedef struct cause {
  int64_t from_s, to_s;              /* common to all its members */
  const assay_alert_candidate *lead; /* the surest */
} cause;

/* Correlation over the runs that both have; NaN for too few or a constant one. */
static double correlation(const assay_alert_candidate *a, const assay_alert_candidate *b) {
  double x[KEPT_POINTS], y[KEPT_POINTS], mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
  size_t shared = 0;
  for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
    if (a->at_s[i] != b->at_s[k]) {
      if (a->at_s[i] < b->at_s[k])
        i++;
      else
        k++;
      continue;
    }
    /* Both in their own direction of getting worse. */
    x[shared] = a->change->better == ASSAY_LOWER ? a->values[i] : -a->values[i];
    y[shared] = b->change->better == ASSAY_LOWER ? b->values[k] : -b->values[k];
    mean_x += x[shared];
    mean_y += y[shared++];
    i++, k++;
  }
  if (shared < ENOUGH_SHARED) return NAN;
  mean_x /= (double)shared;
  mean_y /= (double)shared;
  for (size_t i = 0; i < shared; i++) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

static bool same_base(const assay_change *a, const assay_change *b) {
  size_t length = strcspn(a->benchmark, "/");
  return strcmp(a->suite, b->suite) == 0 && strcspn(b->benchmark, "/") == length && strncmp(a->benchmark, b->benchmark, length) == 0;
}

/* How well a change goes with a cause; NaN: not at all. */
static double affinity(const assay_alert_candidate *c, const cause *of) {
  bool same_range = c->from_s == of->from_s && c->to_s == of->to_s;
  bool overlap = (c->from_s > of->from_s ? c->from_s : of->from_s) < (c->to_s < of->to_s ? c->to_s : of->to_s);
  if (!same_range && !overlap) return NAN;
  if (same_base(c->change, of->lead->change)) return 2;
  double r = correlation(c, of->lead);
  if (!same_range && r < UNRELATED) return NAN;
  bool same_suite = strcmp(c->change->suite, of->lead->change->suite) == 0;
  return (isnan(r) ? 0 : r) + (same_range ? 1 : 0) + (same_suite ? 0.25 : 0);
}

/* The most exactly known first: they are the causes that the others may belong to. */
static int by_width(const void *a, const void *b) {
  const assay_alert_candidate *x = *(assay_alert_candidate *const *)a, *y = *(assay_alert_candidate *const *)b;
  int64_t wide_x = x->to_s - x->from_s, wide_y = y->to_s - y->from_s;
  if (wide_x != wide_y) return wide_x < wide_y ? -1 : 1;
  double sure_x = assay_alert_sureness(x->change->change_ratio, x->change->ci_low, x->change->ci_high, x->change->noise_floor);
  double sure_y = assay_alert_sureness(y->change->change_ratio, y->change->ci_low, y->change->ci_high, y->change->noise_floor);
  if (sure_x != sure_y) return sure_x > sure_y ? -1 : 1;
  return x < y ? -1 : x > y;
}

static size_t assign(cause *causes, size_t count, assay_alert_candidate *c) {
  size_t best = count;
  double most = -INFINITY;
  for (size_t i = 0; i < count; i++) {
    double fits = affinity(c, &causes[i]);
    if (isnan(fits) || fits <= most) continue;
    most = fits;
    best = i;
  }
  c->group = best;
  if (best == count) {
    causes[count] = (cause){.from_s = c->from_s, .to_s = c->to_s, .lead = c};
    return count + 1;
  }
  if (c->from_s > causes[best].from_s) causes[best].from_s = c->from_s;
  if (c->to_s < causes[best].to_s) causes[best].to_s = c->to_s;
  return count;
}

size_t assay_alert_group(assay_alert_candidate *candidates, size_t count) {
  cause *causes = assay_calloc(ASSAY_TAG_RESULT, count + 1, sizeof *causes);
  assay_alert_candidate **order = assay_calloc(ASSAY_TAG_RESULT, count + 1, sizeof *order);
  size_t groups = 0;
  if (causes == NULL || order == NULL) { /* one alert too few is better than none */
    for (size_t i = 0; i < count; i++) candidates[i].group = 0;
    groups = count > 0;
  } else {
    for (size_t i = 0; i < count; i++) order[i] = &candidates[i];
    qsort(order, count, sizeof *order, by_width);
    for (size_t i = 0; i < count; i++) groups = assign(causes, groups, order[i]);
  }
  assay_free(causes);
  assay_free(order);
  return groups;
}
