/* SPDX-License-Identifier: MIT */
/*
 * The noise between runs: what the same code shows although the processes of each run agree. A machine that was slower for an hour moves
 * every process of that hour, so the spread between processes does not warn of it; earlier runs do, and so do the other benchmarks.
 */
#include <math.h>
#include <string.h>

#include "judge/changes.h"

enum { ENOUGH = 8 };            /* benchmarks, before they say something of the machine */
static const double REACH = 3;  /* sigmas: it must hold for all benchmarks at once */
static const double MOST = 0.1; /* more than this is not put down to the machine without a history that shows it */
static const double ABOUT_AS_SHORT = 1.25;
static const double HALF_TO_SIGMA = 1.4826; /* half the length of the shortest half, for normal values */

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
  *centre = middle_of(values, first, half);
  *spread = HALF_TO_SIGMA * length_of(values, first, half) / 2;
  return true;
}

/* Steps towards worse of all main metrics that the machine's speed moves, and their usual error. */
static size_t collect(const assay_comparison *c, double *steps, double *errors) {
  size_t count = 0;
  for (size_t i = 0; i < c->changes->count; i++) {
    const assay_change *change = &c->changes->items[i];
    const assay_pair *pair = &c->pairs[i];
    if (pair->before == NULL || !change->is_main || !pair->logarithms || isnan(pair->step) || !assay_moves_with_machine(change->kind))
      continue;
    steps[count] = change->better == ASSAY_LOWER ? pair->step : -pair->step;
    errors[count++] = pair->error;
  }
  return count;
}

/* What the benchmarks of two results differ by beyond what their processes explain (logarithms): how far all moved together, and how far
 * each on its own. */
typedef struct machine_noise {
  double together, alone;
} machine_noise;

static machine_noise noise_among(double *steps, const double *errors, size_t count) {
  machine_noise noise = {0};
  double shift, spread, usual_error = count >= ENOUGH ? assay_stats_median(errors, count) : NAN;
  if (!assay_robust_spread(steps, count, ENOUGH, &shift, &spread)) return noise;
  if (fabs(shift) > 2 * spread / sqrt((double)count)) noise.together = fmin(fabs(shift), MOST);
  noise.alone = fmin(sqrt(fmax(0, spread * spread - usual_error * usual_error)), MOST / REACH);
  return noise;
}

/* A benchmark moves with all others, give or take its own error. */
static double floor_of(machine_noise noise, double error) {
  return expm1(noise.together + REACH * hypot(noise.alone, noise.together > 0 ? error : 0));
}

static double from_history(const assay_comparison *c, const assay_change *change) {
  if (c->config.noise == NULL) return 0;
  double ratio = c->config.noise(change->suite, change->benchmark, change->metric, c->config.noise_user);
  return isfinite(ratio) && ratio > 0 ? ratio : 0;
}

assay_status assay_comparison_find_noise(assay_comparison *c) {
  double *steps = assay_calloc(ASSAY_TAG_RESULT, 2 * c->changes->count + 2, sizeof *steps);
  if (steps == NULL) return ASSAY_ERR_NO_MEMORY;
  double *errors = steps + c->changes->count + 1;
  size_t count = collect(c, steps, errors);
  c->changes->common_ratio = count >= 3 ? expm1(assay_stats_median(steps, count)) : NAN;
  machine_noise among = noise_among(steps, errors, count);
  for (size_t i = 0; i < c->changes->count && !c->config.interleaved; i++) {
    assay_change *change = &c->changes->items[i];
    if (c->pairs[i].before == NULL) continue;
    change->noise_floor = from_history(c, change);
    if (assay_moves_with_machine(change->kind) && !c->pairs[i].lone)
      change->noise_floor = fmax(change->noise_floor, floor_of(among, c->pairs[i].error));
    change->detectable = fmax(change->detectable, change->noise_floor);
  }
  assay_free(steps);
  return ASSAY_OK;
}
