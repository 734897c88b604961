/* SPDX-License-Identifier: MIT */
/*
 * A step may be too small to be sure of between two runs, and sure over ten: change points of the recent history make such changes WORSE
 * as well. What a later run was compared with does not matter to them.
 */
#include <assay/changepoints.h>

#include <math.h>

#include "judge/alert.h"
#include "judge/changes.h"

enum { LOOK_BACK = 100, RECENT = 10 };
/* Over all series and all looks that a step stays recent for, together. */
static const double FALSE_ALARMS = 0.05;

const char assay_alert_watched[] = "the history shows it, not these two runs alone";

static bool is_still_there(const assay_changepoint *p, double latest) {
  return p->after > p->before ? latest > (p->before + p->after) / 2 : latest < (p->before + p->after) / 2;
}

static const assay_changepoint *recent_step(const assay_change *c, const double *values, size_t count, double limit,
                                            const assay_changepoint *points, size_t point_count) {
  const assay_changepoint *last = point_count > 0 ? &points[point_count - 1] : NULL;
  if (last == NULL || last->kind != ASSAY_CHANGEPOINT_LEVEL || last->index + RECENT < count) return NULL;
  if (!(assay_towards_worse(c->better, last->change_ratio) > 0) || !(last->p_value <= limit) || !is_still_there(last, values[count - 1]))
    return NULL;
  return last;
}

static void take_step(assay_change *c, const assay_changepoint *step, double looks) {
  c->verdict = ASSAY_VERDICT_WORSE;
  c->withdrawn = false;
  c->before = step->before;
  c->after = step->after;
  c->change_ratio = c->kind == ASSAY_KIND_ERROR_RATE ? step->after - step->before : step->change_ratio;
  c->ci_low = c->ci_high = NAN;
  c->p_value = step->p_value;
  c->q_value = fmin(1, step->p_value * looks);
  c->reason = assay_alert_watched;
}

/* `looks`: how many series are looked at, and how often each. */
static assay_status watch_one(assay_change *c, const char *machine_id, assay_history *history, double looks, assay_error *err) {
  assay_history_point *points = NULL;
  assay_changepoint *steps = NULL;
  size_t count = 0, step_count = 0;
  double values[LOOK_BACK];
  assay_status status = assay_history_series(history, machine_id, c->suite, c->benchmark, c->metric, LOOK_BACK, err, &points, &count);
  for (size_t i = 0; status == ASSAY_OK && i < count; i++) values[i] = isfinite(points[i].value) ? points[i].value : NAN;
  if (status == ASSAY_OK && count > 0) status = assay_changepoints_find(values, count, 1, err, &steps, &step_count);
  const assay_changepoint *step =
      status == ASSAY_OK && count > 0 ? recent_step(c, values, count, FALSE_ALARMS / looks, steps, step_count) : NULL;
  if (step != NULL) take_step(c, step, looks);
  assay_changepoints_free(steps);
  assay_history_points_free(points);
  return status;
}

assay_status assay_alert_watch(assay_changes *changes, const char *machine_id, assay_history *history, assay_error *err) {
  size_t watched = 0;
  for (size_t i = 0; i < changes->count; i++) watched += !isnan(changes->items[i].after);
  for (size_t i = 0; i < changes->count; i++) {
    assay_change *c = &changes->items[i];
    if (isnan(c->after) || c->verdict == ASSAY_VERDICT_WORSE || c->verdict == ASSAY_VERDICT_CRITICAL || c->verdict == ASSAY_VERDICT_BETTER)
      continue;
    assay_status status = watch_one(c, machine_id, history, (double)watched * RECENT, err);
    if (status != ASSAY_OK) return status;
  }
  return ASSAY_OK;
}
