/* SPDX-License-Identifier: MIT */
#include "run/ab_rule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "stats/signed_rank.h"

enum {
  RANKS_FROM = 12,  /* blocks: with fewer, no signs at all would be improbable enough, and Student's t has to do */
  LEAST_BLOCKS = 8, /* before a narrow interval is believed to be narrow */
  CLEAR_FROM = 6,
  CLEAR_LOOKS = 30 /* looks are 1.1 times as many blocks apart */
};

static const double LEVEL = 0.95, SURE = 0.998;
/* Alpha in three parts: all looks for what is beyond doubt, the first width, and the end. */
static const double CLEAR_SHARE = 0.1, WIDTH_SHARE = 0.45;
/* Parts of detect that half the sure interval must be below. (The 95 % interval is about two thirds as wide where the noise is normal.
 * Where it is not, a few wild blocks leave that one narrow long before anything can be sure.) */
static const double FIRST_WIDTH = 0.3;
/* What is clearly different is known well enough when the 95 % interval reaches a quarter of it to either side. */
static const double CLEAR_WIDTH = 0.25;

/* So large a step is no rhythm of the machine that happens to go with the blocks: there Student's t is believed with few blocks. */
static const double LARGE = 0.22; /* +25 % */

static double half_of(assay_interval interval) { return (interval.high - interval.low) / 2; }

/* Of all ways in which the lots could have fallen, the share with a mean as far from 0 as this one: exact whatever the noise is. */
static double p_by_lots(const double *steps, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += steps[i];
  unsigned ways = 1u << (count - 1), as_far = 0;
  for (unsigned way = 0; way < ways; way++) {
    double other = 0;
    for (size_t i = 0; i < count; i++) other += (way >> (i > 0 ? i - 1 : 0) & 1) != 0 ? -steps[i] : steps[i];
    as_far += fabs(other) >= fabs(sum) * (1 - 1e-12);
  }
  return (double)as_far / ways;
}

/* With fewer than 11 steps no order statistics reach so far, and with few more they are the extremes. */
static double reach_by_sizes(const double *steps, size_t count) {
  double squares = 0, n = (double)count;
  for (size_t i = 0; i < count; i++) squares += steps[i] * steps[i];
  return assay_stats_t_quantile(0.5 + SURE / 2, n - 1) * sqrt(squares / (n - 1) / n);
}

static void look_by_t(const double *steps, assay_ab_view *v) {
  double n = (double)v->blocks;
  v->step = assay_stats_mean(steps, v->blocks);
  if (v->blocks < 2) return;
  v->df = n - 1;
  v->error = assay_stats_stddev(steps, v->blocks) / sqrt(n);
  double reach = assay_stats_t_quantile(0.5 + LEVEL / 2, v->df) * v->error, far = assay_stats_t_quantile(0.5 + SURE / 2, v->df) * v->error;
  v->ci = (assay_interval){v->step - reach, v->step + reach};
  v->sure = (assay_interval){v->step - far, v->step + far};
  v->reach = reach_by_sizes(steps, v->blocks);
  v->p = v->error > 0 ? assay_stats_t_pvalue(v->step / v->error, v->df) : v->step == 0 ? 1 : 0;
  if (fabs(v->step) < LARGE) v->p = fmax(v->p, p_by_lots(steps, v->blocks));
}

static int by_size(const void *a, const void *b) {
  double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
  return (x > y) - (x < y);
}

/* The narrower interval of the same sizes with the signs in turns. */
static double reach_by_turns(const double *sorted, double *room, size_t count) {
  memcpy(room, sorted, count * sizeof *room);
  qsort(room, count, sizeof *room, by_size);
  for (size_t i = 0; i < count; i++) room[i] = i % 2 == 0 ? fabs(room[i]) : -fabs(room[i]);
  assay_stats_sort(room, count);
  return fmin(half_of(assay_signed_rank_interval_sorted(room, count, SURE)), half_of(assay_sign_test_interval_sorted(room, count, SURE)));
}

/*
 * Ranks and signs are both exact; which of them decides is left to the width of their intervals, which tells nothing of the side that the
 * steps lie on. Ranks need a third fewer blocks where the noise is normal. Where more than a fifth of the blocks met a neighbour, signs
 * need fewer: their interval depends on the quiet middle only (docs/ab.md).
 */
static assay_status look_by_lot(const double *steps, assay_ab_view *v) {
  double *sorted = assay_alloc(ASSAY_TAG_STATS, 2 * v->blocks * sizeof *sorted);
  const double *lots = steps + 1; /* the first block's lot is the second's, too */
  if (sorted == NULL) return ASSAY_ERR_NO_MEMORY;
  memcpy(sorted, steps, v->blocks * sizeof *sorted);
  assay_stats_sort(sorted, v->blocks);
  v->sure = assay_signed_rank_interval_sorted(sorted, v->blocks, SURE);
  assay_interval by_signs = assay_sign_test_interval_sorted(sorted, v->blocks, SURE);
  if (half_of(by_signs) < half_of(v->sure)) {
    v->step = assay_stats_quantile_sorted(sorted, v->blocks, 0.5);
    v->sure = by_signs;
    v->ci = assay_sign_test_interval_sorted(sorted, v->blocks, LEVEL);
    v->p = assay_sign_test_pvalue(lots, v->blocks - 1);
  } else {
    v->step = assay_hodges_lehmann_sorted(sorted, v->blocks);
    v->ci = assay_signed_rank_interval_sorted(sorted, v->blocks, LEVEL);
    v->p = assay_signed_rank_pvalue(lots, v->blocks - 1);
  }
  v->reach = reach_by_turns(sorted, sorted + v->blocks, v->blocks);
  v->error = (v->ci.high - v->ci.low) / 2 / assay_stats_normal_quantile(0.5 + LEVEL / 2);
  assay_free(sorted);
  return isnan(v->p) ? ASSAY_ERR_NO_MEMORY : ASSAY_OK;
}

assay_status assay_ab_look(const double *steps, size_t count, assay_ab_view *view) {
  assay_ab_view v = {.blocks = count,
                     .step = NAN,
                     .ci = {-INFINITY, INFINITY},
                     .sure = {-INFINITY, INFINITY},
                     .p = 1,
                     .reach = INFINITY,
                     .error = INFINITY,
                     .df = INFINITY};
  assay_status status = ASSAY_OK;
  if (count >= RANKS_FROM)
    status = look_by_lot(steps, &v);
  else if (count > 0)
    look_by_t(steps, &v);
  if (status == ASSAY_OK) *view = v;
  return status;
}

static bool is_known_well(const assay_ab_rule *rule, const assay_ab_view *view) {
  return half_of(view->sure) <= FIRST_WIDTH * rule->detect || half_of(view->ci) <= CLEAR_WIDTH * fabs(view->step);
}

bool assay_ab_is_same(const assay_ab_rule *rule, const assay_ab_view *view, bool different) {
  double limit = rule->detect / (different ? 4 : 2);
  return view->sure.low > -limit && view->sure.high < limit;
}

void assay_ab_advance(const assay_ab_rule *rule, const assay_ab_view *view, assay_ab_stage *stage) {
  if (stage->finished || view->blocks < CLEAR_FROM || view->blocks < stage->next_look) return;
  stage->next_look = (size_t)ceil(1.1 * (double)view->blocks);
  stage->looks++;
  if (!stage->clear && stage->looks <= CLEAR_LOOKS && view->p <= CLEAR_SHARE * rule->alpha / CLEAR_LOOKS) {
    stage->clear = true;
    stage->clear_p = view->p;
  }
  if (stage->clear && is_known_well(rule, view)) {
    stage->finished = true;
    return;
  }
  if (view->blocks < LEAST_BLOCKS) return;
  /* How narrow the interval itself is would tell of the signs: steps of one size make it narrow just when the lot was lopsided. */
  bool found = view->p <= WIDTH_SHARE * rule->alpha;
  if (!stage->narrow && view->reach <= FIRST_WIDTH * rule->detect) {
    stage->narrow = true;
    stage->finished = found;
  }
  /* An end without an alarm adds none, so this may be looked for again and again. */
  if (stage->narrow && !found && assay_ab_is_same(rule, view, false)) stage->finished = true;
}

double assay_ab_paid_p(const assay_ab_view *view, const assay_ab_stage *stage) {
  double p = view->p / WIDTH_SHARE;
  if (stage->clear) p = fmin(p, stage->clear_p * CLEAR_LOOKS / CLEAR_SHARE);
  return fmin(1, p);
}

double assay_ab_foresee(const assay_ab_rule *rule, const assay_ab_view *view, const assay_ab_stage *stage) {
  if (stage->finished) return (double)view->blocks;
  double half = view->reach;
  if (view->blocks < CLEAR_FROM || !isfinite(half)) return fmax(LEAST_BLOCKS, (double)view->blocks + 1);
  double ratio = half / ((stage->narrow ? FIRST_WIDTH / 2 : FIRST_WIDTH) * rule->detect);
  if (fabs(view->step) > 0) ratio = fmin(ratio, half_of(view->ci) / (CLEAR_WIDTH * fabs(view->step)));
  return fmax((double)view->blocks + 1, (double)view->blocks * ratio * ratio);
}

double assay_ab_detectable(const assay_ab_rule *rule, const assay_ab_view *view) {
  if (!isfinite(view->error)) return NAN;
  return view->error * (assay_stats_t_quantile(1 - WIDTH_SHARE * rule->alpha / 2, view->df) + assay_stats_t_quantile(0.8, view->df));
}
