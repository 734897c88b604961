/* SPDX-License-Identifier: MIT */
/*
 * The noise between runs: what the same code shows although the processes of each run agree. A machine that was slower for an hour moves
 * every process of that hour, so the spread between processes does not warn of it; earlier runs do, and so do the other benchmarks.
 */
#include <math.h>
#include <string.h>

#include "judge/changes.h"

enum { ENOUGH = 8, BISECTIONS = 40 }; /* benchmarks, before they say something of the machine */
/* More than this of what all benchmarks share is not put down to the machine: log(1.15). */
static const double MOST_TOGETHER = 0.14;
static const double MOST_ALONE = 0.3;
/* The spread is itself an estimate, of 10 to 20 %; an alarm costs more than a second look, so it is taken a little larger. */
static const double EXPLAINED = 0.9;
static const double ABOUT_AS_SHORT = 1.25;
/* Two in five are taken for unchanged: their distance from the centre is 0.5244 sigma for normal values, and tells sigma as well as 30 % of
 * as many values would. */
static const double UNCHANGED = 0.4, TO_SIGMA = 1 / 0.5244, EFFICIENCY = 0.3;

bool assay_moves_with_machine(assay_metric_kind kind) {
  return kind == ASSAY_KIND_TIME || kind == ASSAY_KIND_LATENCY || kind == ASSAY_KIND_THROUGHPUT;
}

static double length_of(const double *sorted, size_t first, size_t half) { return sorted[first + half] - sorted[first]; }
static double middle_of(const double *sorted, size_t first, size_t half) { return (sorted[first] + sorted[first + half]) / 2; }

/* The shortest half (Rousseeuw 1984): what a change did to fewer than half of the benchmarks neither moves nor widens it, however large and
 * one-sided. Of halves about as short, the one nearest to no change counts. */
static size_t shortest_half(const double *sorted, size_t count, size_t half) {
  double shortest = INFINITY;
  for (size_t i = 0; i + half < count; i++) shortest = fmin(shortest, length_of(sorted, i, half));
  size_t best = count;
  for (size_t i = 0; i + half < count; i++) {
    bool short_enough = length_of(sorted, i, half) <= ABOUT_AS_SHORT * shortest;
    if (short_enough && (best == count || fabs(middle_of(sorted, i, half)) < fabs(middle_of(sorted, best, half)))) best = i;
  }
  return best;
}

bool assay_robust_spread(double *values, size_t count, size_t least, double *centre, double *spread) {
  if (count < least) return false;
  assay_stats_sort(values, count);
  size_t half = (count - 1) / 2, first = shortest_half(values, count, half);
  double middle = middle_of(values, first, half);
  for (size_t i = 0; i < count; i++) values[i] = fabs(values[i] - middle);
  assay_stats_sort(values, count);
  *centre = middle;
  *spread = TO_SIGMA * assay_stats_quantile_sorted(values, count, UNCHANGED);
  return true;
}

/* ---- Among the benchmarks ------------------------------------------------------------------------------------------------------------ */

typedef struct typical {
  size_t count;
  double *steps, *errors, *scratch; /* steps towards worse */
} typical;

static void collect(const assay_comparison *c, typical *t) {
  for (size_t i = 0; i < c->changes->count; i++) {
    if (!assay_is_typical(c, i)) continue;
    t->steps[t->count] = assay_towards_worse(c->changes->items[i].better, c->pairs[i].step);
    t->errors[t->count++] = c->pairs[i].error;
  }
}

/* Spread of the steps in units of what each should have: about 1 when processes and `alone` explain it. */
static double spread_with(const typical *t, double shift, double alone) {
  double centre, spread = 0;
  for (size_t i = 0; i < t->count; i++) t->scratch[i] = (t->steps[i] - shift) / fmax(hypot(t->errors[i], alone), 1e-9);
  assay_robust_spread(t->scratch, t->count, ENOUGH, &centre, &spread);
  return spread;
}

/* The noise between runs that makes the steps as wide as they are (the spread falls as it rises). */
static double solve_alone(const typical *t, double shift) {
  double low = 0, high = MOST_ALONE;
  if (spread_with(t, shift, low) <= EXPLAINED) return 0;
  for (int i = 0; i < BISECTIONS; i++) {
    double middle = (low + high) / 2;
    *(spread_with(t, shift, middle) > EXPLAINED ? &low : &high) = middle;
  }
  return high;
}

static void solve(const typical *t, double *together, double *alone) {
  double shift = 0, spread = 0;
  *together = *alone = 0;
  memcpy(t->scratch, t->steps, t->count * sizeof *t->scratch);
  if (!assay_robust_spread(t->scratch, t->count, ENOUGH, &shift, &spread)) return;
  *alone = solve_alone(t, shift);
  if (fabs(shift) > 2 * spread / sqrt((double)t->count)) *together = copysign(fmin(fabs(shift), MOST_TOGETHER), shift);
}

/* ---- From the history ---------------------------------------------------------------------------------------------------------------- */

/* Of about ten runs' worth of differences, as a rule. */
static const double HISTORY_DF = 10;

double assay_history_spread(const assay_comparison *c, const assay_change *change) {
  if (c->config.noise == NULL || c->config.interleaved) return 0;
  double ratio = c->config.noise(change->suite, change->benchmark, change->metric, c->config.noise_user);
  return isfinite(ratio) && ratio > 0 ? log1p(ratio) / 1.96 : 0; /* 19 of 20 differences are below it */
}

/* What two runs were seen to differ by has the spread between their processes in it already. */
static double beyond(double seen, double error) { return seen > error ? sqrt(seen * seen - error * error) : 0; }

static assay_status allocate(const assay_comparison *c, typical *t) {
  size_t room = c->changes->count + 1;
  *t = (typical){.steps = assay_calloc(ASSAY_TAG_RESULT, 3 * room, sizeof *t->steps)};
  if (t->steps == NULL) return ASSAY_ERR_NO_MEMORY;
  t->errors = t->steps + room;
  t->scratch = t->errors + room;
  return ASSAY_OK;
}

assay_status assay_comparison_find_noise(assay_comparison *c) {
  typical t;
  assay_status status = allocate(c, &t);
  if (status != ASSAY_OK) return status;
  double together, alone;
  collect(c, &t);
  solve(&t, &together, &alone);
  double among_df = fmax(1, EFFICIENCY * (double)t.count);
  c->changes->common_ratio = t.count >= ENOUGH ? expm1(together) : NAN;
  for (size_t i = 0; i < c->changes->count && !c->config.interleaved; i++) {
    const assay_change *change = &c->changes->items[i];
    assay_pair *pair = &c->pairs[i];
    if (pair->before == NULL) continue;
    bool moves = assay_moves_with_machine(change->kind);
    pair->together = moves ? assay_towards_worse(change->better, together) : 0;
    double known = beyond(pair->seen, pair->error), among = moves && !pair->lone ? alone : 0;
    pair->alone = fmax(known, among);
    pair->alone_df = known > among ? HISTORY_DF : among_df;
  }
  assay_free(t.steps);
  return ASSAY_OK;
}
