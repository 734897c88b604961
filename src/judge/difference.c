/* SPDX-License-Identifier: MIT */
/* How far two figures lie apart, and how sure that is. */
#include <math.h>

#include "judge/changes.h"

static const double LEVEL = 0.95, POWER = 0.8;
/* Processes are sometimes fast or slow as a whole (layout of memory, page placement); up to this ratio such modes are expected. */
static const double MODES = 0.25;
/*
 * One process a side says nothing of the spread between processes. Where the two results have at least eight such benchmarks, their own
 * spread stands for it; else 5 %, with few degrees of freedom because it is a guess: published studies find between 0.5 and 10 %.
 */
static const double LONE_SPREAD = 0.05, LONE_DF = 4, LEAST_SPREAD = 0.005;
enum { ENOUGH = 8 };

size_t assay_independent_values(const assay_metric_result *metric) {
  return metric->replicate == ASSAY_REPLICATE_REPETITION && metric->process_count > 0 ? 1 : metric->process_count;
}

double assay_change_at(const assay_pair *pair, double step) { return pair->logarithms ? expm1(step) : step; }

/* ---- On one line ------------------------------------------------------------------------------------------------------------------ */

static bool all_positive(const assay_metric_result *m) {
  for (size_t i = 0; i < m->process_count; i++)
    if (!(m->processes[i] > 0)) return false;
  return true;
}

static double mean_of(const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += values[i];
  return sum / (double)count;
}

/* A change is a ratio, so values are compared by their logarithms; those that may be 0 by difference, as a share of the old mean (error
 * rates: in points). */
static void choose_line(assay_pair *pair, const assay_change *change) {
  pair->unit = 1;
  pair->logarithms = change->kind != ASSAY_KIND_ERROR_RATE && all_positive(pair->before) && all_positive(pair->after);
  if (pair->logarithms || change->kind == ASSAY_KIND_ERROR_RATE) return;
  double before = fabs(mean_of(pair->before->processes, pair->before->process_count));
  double after = fabs(mean_of(pair->after->processes, pair->after->process_count));
  pair->unit = before > 0 ? before : fmax(after, 1);
}

static double *on_line(const assay_pair *pair, const assay_metric_result *m) {
  double *values = assay_calloc(ASSAY_TAG_RESULT, m->process_count, sizeof *values);
  for (size_t i = 0; values != NULL && i < m->process_count; i++)
    values[i] = pair->logarithms ? log(m->processes[i]) : m->processes[i] / pair->unit;
  return values;
}

static double off_line(const assay_pair *pair, double value) { return pair->logarithms ? exp(value) : value * pair->unit; }

/* ---- One comparison --------------------------------------------------------------------------------------------------------------- */

static void set_figures(assay_change *change, assay_pair *pair, const assay_difference *d) {
  pair->step = d->step;
  pair->error = d->error;
  change->change_ratio = assay_change_at(pair, d->step);
  change->ci_low = assay_change_at(pair, d->low);
  change->ci_high = assay_change_at(pair, d->high);
  change->p_value = d->p_value;
  change->detectable = assay_change_at(pair, d->detectable);
}

static assay_difference with_error(double step, double error, double df) {
  assay_difference d = {.step = step, .error = error, .df = df, .low = step, .high = step, .p_value = step == 0};
  if (!(error > 0)) return d;
  double reach = assay_stats_t_quantile(0.5 + LEVEL / 2, df);
  d.low = step - reach * error;
  d.high = step + reach * error;
  d.p_value = assay_stats_t_pvalue(step / error, df);
  d.detectable = (reach + assay_stats_t_quantile(POWER, df)) * error;
  return d;
}

/* One value against several: the several tell the spread of the one too. */
static assay_difference one_against_several(double step, const double *several, size_t count) {
  double spread = assay_stats_stddev(several, count);
  return with_error(step, spread * sqrt(1 + 1 / (double)count), (double)count - 1);
}

static bool is_exact(const assay_pair *pair) {
  return pair->before->replicate == ASSAY_REPLICATE_EXACT && pair->after->replicate == ASSAY_REPLICATE_EXACT;
}

/* Of the only process there was on a side: the error of its repetitions' centre. */
static double error_within(const assay_metric_result *m, const double *values) {
  if (m->replicate != ASSAY_REPLICATE_REPETITION || m->process_count < 2) return 0;
  return 1.2533 * assay_stats_mad(values, m->process_count) / sqrt((double)m->process_count); /* of a median, for normal values */
}

static void measure_on_line(assay_pair *pair, assay_change *change, const double *a, const double *b) {
  size_t na = pair->before->process_count, nb = pair->after->process_count;
  size_t one_a = assay_independent_values(pair->before), one_b = assay_independent_values(pair->after);
  double step = assay_stats_median(b, nb) - assay_stats_median(a, na);
  if (is_exact(pair)) {
    assay_difference d = with_error(step, 0, INFINITY);
    set_figures(change, pair, &d);
  } else if (one_a > 1 && one_b > 1) {
    assay_difference d = {.step = NAN};
    if (assay_stats_difference(a, na, b, nb, LEVEL, MODES, &d) != ASSAY_OK) return;
    set_figures(change, pair, &d);
    change->before = off_line(pair, d.before);
    change->after = off_line(pair, d.after);
  } else if (one_a > 2 || one_b > 2) {
    assay_difference d = one_a > 2 ? one_against_several(step, a, na) : one_against_several(step, b, nb);
    set_figures(change, pair, &d);
  } else {
    pair->lone = true;
    pair->step = step;
    pair->error = hypot(error_within(pair->before, a), error_within(pair->after, b));
    change->change_ratio = assay_change_at(pair, step);
  }
}

static assay_status measure_one(assay_pair *pair, assay_change *change) {
  change->before = pair->before->value;
  change->after = pair->after->value;
  change->before_count = assay_independent_values(pair->before);
  change->after_count = assay_independent_values(pair->after);
  if (change->before_count == 0 || change->after_count == 0) return ASSAY_OK;
  choose_line(pair, change);
  double *a = on_line(pair, pair->before), *b = on_line(pair, pair->after);
  assay_status status = a != NULL && b != NULL ? ASSAY_OK : ASSAY_ERR_NO_MEMORY;
  if (status == ASSAY_OK) measure_on_line(pair, change, a, b);
  assay_free(a);
  assay_free(b);
  return status;
}

/* ---- One process a side ------------------------------------------------------------------------------------------------------------ */

/* The spread of a single figure between processes, as the lone benchmarks of these two results show it. */
static assay_status lone_spread(const assay_comparison *c, double *spread, double *df) {
  double *steps = assay_calloc(ASSAY_TAG_RESULT, c->changes->count + 1, sizeof *steps), centre;
  if (steps == NULL) return ASSAY_ERR_NO_MEMORY;
  size_t count = 0;
  for (size_t i = 0; i < c->changes->count; i++)
    if (c->pairs[i].lone && c->pairs[i].logarithms && c->changes->items[i].is_main) steps[count++] = c->pairs[i].step;
  *spread = LONE_SPREAD;
  *df = LONE_DF;
  if (assay_robust_spread(steps, count, ENOUGH, &centre, spread)) {
    *spread = fmax(*spread / sqrt(2), LEAST_SPREAD);
    *df = fmax(LONE_DF, 0.37 * (double)count); /* 37 %: how much such a spread uses of normal values */
  }
  assay_free(steps);
  return ASSAY_OK;
}

static assay_status measure_lone(assay_comparison *c) {
  double spread, df;
  assay_status status = lone_spread(c, &spread, &df);
  for (size_t i = 0; i < c->changes->count && status == ASSAY_OK; i++) {
    assay_pair *pair = &c->pairs[i];
    if (!pair->lone) continue;
    assay_difference d = with_error(pair->step, hypot(pair->error, sqrt(2) * spread), df);
    set_figures(&c->changes->items[i], pair, &d);
  }
  return status;
}

assay_status assay_comparison_measure(assay_comparison *c) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < c->changes->count && status == ASSAY_OK; i++)
    if (c->pairs[i].before != NULL) status = measure_one(&c->pairs[i], &c->changes->items[i]);
  if (status == ASSAY_OK) status = measure_lone(c);
  return status == ASSAY_OK ? assay_comparison_find_noise(c) : status;
}
