/* SPDX-License-Identifier: MIT */
/* How far two figures lie apart, and how sure that is. */
#include <math.h>

#include "judge/changes.h"

static const double LEVEL = 0.95, POWER = 0.8;
/* Processes are sometimes fast or slow as a whole (layout of memory, page placement); up to this ratio such modes are expected. */
static const double MODES = 0.25;
/*
 * One process a side says nothing of the spread between processes. Where the history knows how much such runs differ, that stands for it;
 * else, where the two results have at least eight such benchmarks, what these differ by, with few degrees of freedom because their spreads
 * are not alike; else it is unknown, and so is whether anything changed.
 */
static const double LONE_DF = 5, LONE_DF_EACH = 0.2, LEAST_SPREAD = 0.005;
enum { ENOUGH = 8 };

size_t assay_independent_values(const assay_metric_result *metric) {
  return metric->replicate == ASSAY_REPLICATE_REPETITION && metric->process_count > 0 ? 1 : metric->process_count;
}

double assay_change_at(const assay_pair *pair, double step) { return pair->logarithms ? expm1(step) : step; }

double assay_process_variance(const assay_pair *pair) {
  double per_process = 1 / (double)assay_independent_values(pair->before) + 1 / (double)assay_independent_values(pair->after);
  return pair->error * pair->error / per_process;
}

bool assay_is_typical(const assay_comparison *c, size_t i) {
  const assay_change *change = &c->changes->items[i];
  const assay_pair *pair = &c->pairs[i];
  return pair->before != NULL && change->is_main && pair->logarithms && isfinite(pair->step) && assay_moves_with_machine(change->kind);
}

/* ---- On one line ------------------------------------------------------------------------------------------------------------------ */

static bool all_positive(const assay_metric_result *m) {
  for (size_t i = 0; i < m->process_count; i++)
    if (!(m->processes[i] > 0)) return false;
  return true;
}

/* A change is a ratio, so values are compared by their logarithms; those that may be 0 by difference, as a share of the old mean (error
 * rates: in points). */
static void choose_line(assay_pair *pair, const assay_change *change) {
  pair->unit = 1;
  pair->logarithms = change->kind != ASSAY_KIND_ERROR_RATE && all_positive(pair->before) && all_positive(pair->after);
  if (pair->logarithms || change->kind == ASSAY_KIND_ERROR_RATE) return;
  double before = fabs(assay_stats_mean(pair->before->processes, pair->before->process_count));
  double after = fabs(assay_stats_mean(pair->after->processes, pair->after->process_count));
  pair->unit = before > 0 ? before : fmax(after, 1);
}

static double *on_line(const assay_pair *pair, const assay_metric_result *m) {
  double *values = assay_calloc(ASSAY_TAG_RESULT, m->process_count, sizeof *values);
  for (size_t i = 0; values != NULL && i < m->process_count; i++)
    values[i] = pair->logarithms ? log(m->processes[i]) : m->processes[i] / pair->unit;
  return values;
}

static double off_line(const assay_pair *pair, double value) { return pair->logarithms ? exp(value) : value * pair->unit; }

/* ---- Step, error and degrees of freedom --------------------------------------------------------------------------------------------- */

static bool is_exact(const assay_pair *pair) {
  return pair->before->replicate == ASSAY_REPLICATE_EXACT && pair->after->replicate == ASSAY_REPLICATE_EXACT;
}

/* Of the only process there was on a side: the error of its repetitions' centre. */
static double error_within(const assay_metric_result *m, const double *values) {
  if (m->replicate != ASSAY_REPLICATE_REPETITION || m->process_count < 2) return 0;
  return 1.2533 * assay_stats_mad(values, m->process_count) / sqrt((double)m->process_count); /* of a median, for normal values */
}

/* Counts, sizes, accuracies and error rates that tie do so because they are exact. */
static bool has_modes(assay_metric_kind kind) { return assay_moves_with_machine(kind) || kind == ASSAY_KIND_ENERGY; }

static void several_against_several(assay_pair *pair, assay_change *change, const double *a, const double *b) {
  assay_difference d;
  if (assay_stats_difference(a, pair->before->process_count, b, pair->after->process_count, LEVEL, has_modes(change->kind) ? MODES : 0,
                             &d) != ASSAY_OK)
    return;
  pair->step = d.step;
  pair->error = d.error;
  pair->df = d.df;
  pair->least_p = d.least_p;
  change->before = off_line(pair, d.before);
  change->after = off_line(pair, d.after);
}

/* The several tell the spread of the one too. */
static void one_against_several(assay_pair *pair, const double *several, size_t count) {
  pair->error = assay_stats_stddev(several, count) * sqrt(1 + 1 / (double)count);
  pair->df = (double)count - 1;
}

static void measure_on_line(assay_pair *pair, assay_change *change, const double *a, const double *b) {
  size_t na = pair->before->process_count, nb = pair->after->process_count;
  size_t one_a = assay_independent_values(pair->before), one_b = assay_independent_values(pair->after);
  pair->step = assay_stats_median(b, nb) - assay_stats_median(a, na);
  pair->df = INFINITY;
  if (is_exact(pair)) return;
  if (one_a > 1 && one_b > 1) {
    several_against_several(pair, change, a, b);
  } else if (one_a > 2 || one_b > 2) {
    one_against_several(pair, one_a > 2 ? a : b, one_a > 2 ? na : nb);
  } else {
    pair->lone = true;
    pair->error = hypot(error_within(pair->before, a), error_within(pair->after, b));
  }
}

static assay_status measure_one(assay_pair *pair, assay_change *change) {
  pair->step = NAN;
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

/* The spread of a single figure between processes, as the lone benchmarks of these two results show it; NaN for too few. */
static assay_status lone_spread(const assay_comparison *c, double *spread, double *df) {
  double *steps = assay_calloc(ASSAY_TAG_RESULT, c->changes->count + 1, sizeof *steps), centre;
  if (steps == NULL) return ASSAY_ERR_NO_MEMORY;
  size_t count = 0;
  for (size_t i = 0; i < c->changes->count; i++)
    if (c->pairs[i].lone && assay_is_typical(c, i)) steps[count++] = c->pairs[i].step;
  *spread = NAN;
  *df = fmax(LONE_DF, LONE_DF_EACH * (double)count);
  if (assay_robust_spread(steps, count, ENOUGH, &centre, spread)) *spread = fmax(*spread / sqrt(2), LEAST_SPREAD);
  assay_free(steps);
  return ASSAY_OK;
}

static assay_status measure_lone(assay_comparison *c) {
  double spread, df;
  assay_status status = lone_spread(c, &spread, &df);
  for (size_t i = 0; i < c->changes->count && status == ASSAY_OK; i++) {
    assay_pair *pair = &c->pairs[i];
    if (!pair->lone || isnan(pair->step)) continue;
    /* What the history knows comes in with the noise between runs. */
    if (pair->seen == 0) pair->error = hypot(pair->error, sqrt(2) * spread);
    pair->df = df;
  }
  return status;
}

assay_status assay_comparison_measure(assay_comparison *c) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < c->changes->count && status == ASSAY_OK; i++)
    if (c->pairs[i].before != NULL) {
      status = measure_one(&c->pairs[i], &c->changes->items[i]);
      c->pairs[i].seen = assay_history_spread(c, &c->changes->items[i]);
    }
  return status == ASSAY_OK ? measure_lone(c) : status;
}

/* ---- Interval and p-value ------------------------------------------------------------------------------------------------------------ */

/* Satterthwaite's degrees of freedom of the sum of two variances. */
static double joint_df(double error, double df, double alone, double alone_df) {
  double sum = error * error + alone * alone;
  return sum * sum / ((error > 0 ? pow(error, 4) / df : 0) + (alone > 0 ? pow(alone, 4) / alone_df : 0));
}

/* A step in the direction in which all moved counts only as far as it goes beyond that. */
static double beyond_the_others(double step, double together) {
  if (step * together <= 0) return step;
  return fabs(step) > fabs(together) ? step - together : 0;
}

/* What is never negative cannot fall by more than all of it. */
static double least_change(const assay_pair *pair) {
  if (pair->logarithms || pair->unit == 1) return -INFINITY;
  for (size_t i = 0; i < pair->before->process_count; i++)
    if (pair->before->processes[i] < 0) return -INFINITY;
  for (size_t i = 0; i < pair->after->process_count; i++)
    if (pair->after->processes[i] < 0) return -INFINITY;
  return -1;
}

static void conclude_one(const assay_pair *pair, assay_change *change) {
  double error = hypot(pair->error, pair->alone);
  change->change_ratio = assay_change_at(pair, pair->step);
  change->ci_low = change->ci_high = change->change_ratio;
  change->p_value = pair->step == 0 ? 1 : 0;
  change->detectable = 0;
  if (isnan(error)) { /* nothing is known of the spread */
    change->ci_low = change->ci_high = change->p_value = change->detectable = NAN;
    return;
  }
  if (error <= 1e-12 * fmax(1, fabs(pair->step))) { /* counts that do not vary leave no doubt; rounding counts as nothing */
    change->p_value = fabs(pair->step) <= 1e-11 ? 1 : pair->least_p;
    return;
  }
  double df = joint_df(pair->error, pair->df, pair->alone, pair->alone_df), reach = assay_stats_t_quantile(0.5 + LEVEL / 2, df);
  double own = beyond_the_others(pair->step, pair->together);
  change->ci_low = fmax(assay_change_at(pair, pair->step - reach * error), least_change(pair));
  change->ci_high = assay_change_at(pair, pair->step + reach * error);
  change->p_value = assay_stats_t_pvalue(own / error, df);
  change->p_value = fmax(change->p_value, pair->least_p);
  change->detectable = assay_change_at(pair, fabs(pair->together) + (reach + assay_stats_t_quantile(POWER, df)) * error);
  change->noise_floor = assay_change_at(pair, fabs(pair->together) + 1.96 * fmax(pair->alone, pair->seen)); /* 19 of 20 */
}

void assay_comparison_conclude(assay_comparison *c) {
  for (size_t i = 0; i < c->changes->count; i++)
    if (c->pairs[i].before != NULL && isfinite(c->pairs[i].step)) conclude_one(&c->pairs[i], &c->changes->items[i]);
}
