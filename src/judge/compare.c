/* SPDX-License-Identifier: MIT */
/*
 * Two results against each other. docs/statistics.md and docs/slas.md say it in words; in short: Welch's t on the logarithms of the process
 * values (times are skewed, and a change is a ratio), p-values adjusted for the number of comparisons after Benjamini and Hochberg (1995),
 * and a verdict only where the 95 % interval lies on one side of the threshold of that kind of metric.
 */
#include <assay/compare.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const double LEVEL = 0.95, POWER = 0.8, FALSE_DISCOVERIES = 0.05;

/* ---- One comparison ----------------------------------------------------------------------------------------------------------- */

/* How values are laid on a line: a step of 0.1 there is about +10 % (LOG, RELATIVE) or 0.1 itself (POINTS). */
typedef enum scaling { LOG, RELATIVE, POINTS } scaling;

typedef struct moments {
  double mean, variance; /* of the mean */
  size_t count;
} moments;

static moments moments_of(const assay_metric_result *m, scaling scale, double unit) {
  moments out = {.count = m->process_count};
  double sum = 0, squares = 0;
  for (size_t i = 0; i < m->process_count; i++) sum += scale == LOG ? log(m->processes[i]) : m->processes[i] / unit;
  out.mean = sum / (double)out.count;
  for (size_t i = 0; i < m->process_count; i++) {
    double off = (scale == LOG ? log(m->processes[i]) : m->processes[i] / unit) - out.mean;
    squares += off * off;
  }
  out.variance = out.count > 1 ? squares / (double)(out.count - 1) / (double)out.count : NAN;
  return out;
}

static bool all_positive(const assay_metric_result *m) {
  for (size_t i = 0; i < m->process_count; i++)
    if (!(m->processes[i] > 0)) return false;
  return true;
}

static double mean_of(const assay_metric_result *m) {
  double sum = 0;
  for (size_t i = 0; i < m->process_count; i++) sum += m->processes[i];
  return sum / (double)m->process_count;
}

/* Back from the line to a ratio of change. */
static double change_at(scaling scale, double step) { return scale == LOG ? expm1(step) : step; }

/* Degrees of freedom after Welch and Satterthwaite. */
static double welch_df(const moments *a, const moments *b) {
  double sum = a->variance + b->variance;
  return sum * sum / (a->variance * a->variance / (double)(a->count - 1) + b->variance * b->variance / (double)(b->count - 1));
}

/* A spread of exactly nothing (whole counts, a coarse clock) leaves no doubt at all. Rounding counts as nothing. */
static void without_spread(assay_change *change, double step) {
  bool same = fabs(step) < 1e-12;
  change->ci_low = change->ci_high = change->change_ratio;
  change->p_value = same ? 1 : 0;
  change->detectable = 0;
}

static void measure_change(assay_change *change, const assay_metric_result *before, const assay_metric_result *after) {
  scaling scale = change->kind == ASSAY_KIND_ERROR_RATE ? POINTS : all_positive(before) && all_positive(after) ? LOG : RELATIVE;
  double unit = 1;
  if (scale == RELATIVE) unit = fabs(mean_of(before)) > 0 ? fabs(mean_of(before)) : fmax(fabs(mean_of(after)), 1);
  moments a = moments_of(before, scale, unit), b = moments_of(after, scale, unit);
  double step = b.mean - a.mean, error = sqrt(a.variance + b.variance);
  change->before = scale == LOG ? exp(a.mean) : a.mean * unit;
  change->after = scale == LOG ? exp(b.mean) : b.mean * unit;
  change->change_ratio = change_at(scale, step);
  if (isnan(error)) return; /* one process on a side: nothing is known of the spread */
  if (error < 1e-12) {
    without_spread(change, step);
    return;
  }
  double df = welch_df(&a, &b), reach = assay_stats_t_quantile(0.5 + LEVEL / 2, df);
  change->ci_low = change_at(scale, step - reach * error);
  change->ci_high = change_at(scale, step + reach * error);
  change->p_value = assay_stats_t_pvalue(step / error, df);
  change->detectable = change_at(scale, (reach + assay_stats_t_quantile(POWER, df)) * error);
}

static assay_change compare_metric(const assay_benchmark_result *b, const assay_metric_result *before, const assay_metric_result *after) {
  assay_change change = {.suite = b->suite,
                         .benchmark = b->name,
                         .metric = after->name,
                         .unit = after->unit,
                         .kind = after->kind,
                         .better = after->better,
                         .verdict = ASSAY_VERDICT_INCONCLUSIVE,
                         .before = before->value,
                         .after = after->value,
                         .change_ratio = NAN,
                         .ci_low = NAN,
                         .ci_high = NAN,
                         .p_value = NAN,
                         .before_count = before->process_count,
                         .after_count = after->process_count,
                         .q_value = NAN,
                         .threshold = assay_threshold_for(NULL, b->suite, b->name, after->name, after->kind),
                         .detectable = NAN};
  if (before->process_count > 0 && after->process_count > 0) measure_change(&change, before, after);
  return change;
}

/* ---- All of them together ----------------------------------------------------------------------------------------------------- */

static int by_p(const void *a, const void *b) {
  double x = (*(assay_change *const *)a)->p_value, y = (*(assay_change *const *)b)->p_value;
  return (x > y) - (x < y);
}

/* Benjamini and Hochberg: p of rank k of n becomes the least p * n / rank from there up. */
static void adjust(assay_change **tested, size_t count) {
  qsort(tested, count, sizeof *tested, by_p);
  double least = 1;
  for (size_t k = count; k-- > 0;) {
    double adjusted = tested[k]->p_value * (double)count / (double)(k + 1);
    least = fmin(least, adjusted);
    tested[k]->q_value = least;
  }
}

/* The interval in the direction in which more is worse decides; where it holds a threshold, more must be measured. */
static assay_verdict judge(const assay_change *change) {
  if (isnan(change->q_value)) return ASSAY_VERDICT_INCONCLUSIVE;
  bool lower_is_better = change->better == ASSAY_LOWER;
  double low = lower_is_better ? change->ci_low : -change->ci_high, high = lower_is_better ? change->ci_high : -change->ci_low;
  double limit = change->threshold.warning;
  if (low >= -limit && high <= limit) return ASSAY_VERDICT_SAME;
  bool significant = change->q_value <= FALSE_DISCOVERIES;
  if (low > limit && significant) return ASSAY_VERDICT_WORSE;
  if (high < -limit && significant) return ASSAY_VERDICT_BETTER;
  return ASSAY_VERDICT_INCONCLUSIVE;
}

static bool has_figure(const assay_benchmark_result *b) { return b != NULL && b->status == ASSAY_OUTCOME_OK && b->metric_count > 0; }

static assay_change one_sided(const assay_benchmark_result *b, assay_verdict verdict) {
  const assay_metric_result *m = &b->metrics[0];
  bool is_new = verdict == ASSAY_VERDICT_NEW;
  return (assay_change){.is_main = true,
                        .suite = b->suite,
                        .benchmark = b->name,
                        .metric = m->name,
                        .unit = m->unit,
                        .kind = m->kind,
                        .better = m->better,
                        .verdict = verdict,
                        .before = is_new ? NAN : m->value,
                        .after = is_new ? m->value : NAN,
                        .change_ratio = NAN,
                        .ci_low = NAN,
                        .ci_high = NAN,
                        .p_value = NAN,
                        .q_value = NAN,
                        .threshold = assay_threshold_for(NULL, b->suite, b->name, m->name, m->kind),
                        .detectable = NAN};
}

/* The metric of `before` that is the main one of `after`, in the same unit. */
static const assay_metric_result *counterpart(const assay_benchmark_result *before, const assay_metric_result *after) {
  const assay_metric_result *m = assay_benchmark_metric(before, after->name);
  return m != NULL && strcmp(m->unit, after->unit) == 0 ? m : NULL;
}

/*
 * What says again what the time or latency says (so that one slow-down would be told five times), and what other programs on the machine
 * move as much as the benchmark does.
 */
static bool says_nothing_new(const assay_benchmark_result *b, const char *metric) {
  static const char *const rates[] = {"items_per_second", "bytes_per_second", "flops"}, *const others[] = {"cpu_time", "cycles",
                                                                                                           "cache_misses", "branch_misses"};
  bool timed = assay_benchmark_metric(b, "time") != NULL || assay_benchmark_metric(b, "latency") != NULL;
  for (size_t i = 0; timed && i < sizeof rates / sizeof *rates; i++)
    if (strcmp(metric, rates[i]) == 0) return true;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(metric, others[i]) == 0) return true;
  return false;
}

static void add_others(assay_changes *changes, const assay_benchmark_result *old, const assay_benchmark_result *b) {
  for (size_t i = 1; i < b->metric_count; i++) {
    const assay_metric_result *m = says_nothing_new(b, b->metrics[i].name) ? NULL : counterpart(old, &b->metrics[i]);
    if (m != NULL) changes->items[changes->count++] = compare_metric(b, m, &b->metrics[i]);
  }
}

static void add_after(assay_changes *changes, const assay_result *before, const assay_benchmark_result *b) {
  if (!has_figure(b)) return;
  const assay_benchmark_result *old = assay_result_find(before, b->suite, b->name);
  const assay_metric_result *m = has_figure(old) ? counterpart(old, &b->metrics[0]) : NULL;
  assay_change *main = &changes->items[changes->count++];
  *main = m != NULL ? compare_metric(b, m, &b->metrics[0]) : one_sided(b, ASSAY_VERDICT_NEW);
  main->is_main = true;
  if (has_figure(old)) add_others(changes, old, b);
}

static void add_missing(assay_changes *changes, const assay_result *after, const assay_benchmark_result *old) {
  if (has_figure(old) && !has_figure(assay_result_find(after, old->suite, old->name)))
    changes->items[changes->count++] = one_sided(old, ASSAY_VERDICT_MISSING);
}

static void judge_all(assay_changes *changes, assay_change **tested) {
  size_t count = 0;
  for (size_t i = 0; i < changes->count; i++)
    if (!isnan(changes->items[i].p_value)) tested[count++] = &changes->items[i];
  adjust(tested, count);
  for (size_t i = 0; i < count; i++) tested[i]->verdict = judge(tested[i]);
}

/* They were tested (and adjusted for) all the same; only what there is to do something about is told. */
static void drop_quiet_others(assay_changes *changes) {
  size_t kept = 0;
  for (size_t i = 0; i < changes->count; i++) {
    const assay_change *c = &changes->items[i];
    if (c->is_main || c->verdict == ASSAY_VERDICT_WORSE || c->verdict == ASSAY_VERDICT_BETTER) changes->items[kept++] = *c;
  }
  changes->count = kept;
}

assay_status assay_compare(const assay_result *before, const assay_result *after, const assay_compare_config *config, assay_error *err,
                           assay_changes **changes) {
  (void)config;
  size_t most = before->benchmark_count + after->benchmark_count;
  for (size_t i = 0; i < after->benchmark_count; i++) most += after->benchmarks[i].metric_count;
  assay_changes *made = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *made);
  assay_change **tested = assay_calloc(ASSAY_TAG_RESULT, most, sizeof *tested);
  if (made != NULL) made->items = assay_calloc(ASSAY_TAG_RESULT, most, sizeof *made->items);
  if (tested == NULL || made == NULL || made->items == NULL) {
    assay_changes_destroy(made);
    assay_free(tested);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for comparing two results");
  }
  for (size_t i = 0; i < after->benchmark_count; i++) add_after(made, before, &after->benchmarks[i]);
  for (size_t i = 0; i < before->benchmark_count; i++) add_missing(made, after, &before->benchmarks[i]);
  judge_all(made, tested);
  drop_quiet_others(made);
  for (size_t i = 0; i < made->count; i++) made->verdicts[made->items[i].verdict]++;
  assay_free(tested);
  *changes = made;
  return ASSAY_OK;
}

void assay_changes_destroy(assay_changes *changes) {
  if (changes == NULL) return;
  assay_free(changes->items);
  assay_free(changes);
}

const char *assay_verdict_text(assay_verdict verdict) {
  static const char *const texts[] = {"same", "better", "worse", "critical", "inconclusive", "missing", "new"};
  return (unsigned)verdict < sizeof texts / sizeof *texts ? texts[verdict] : "unknown";
}

const char *assay_regress_status_text(assay_regress_status status) {
  static const char *const texts[] = {"AllPass", "HasRegressions", "HasCriticalRegressions", "Inconclusive"};
  return (unsigned)status < sizeof texts / sizeof *texts ? texts[status] : "unknown";
}

int assay_changes_exit_code(const assay_changes *changes) {
  static const int codes[] = {ASSAY_EXIT_FINE, ASSAY_EXIT_MISSED, ASSAY_EXIT_MISSED, ASSAY_EXIT_INCONCLUSIVE};
  return codes[changes->status];
}
