/* SPDX-License-Identifier: MIT */
/*
 * Two groups against each other. docs/compare.md compares the candidates: Welch's t keeps its level for everything that processes do
 * except with fewer than five of them; from ten on, trimming keeps its power where one process in ten is far off.
 */
#include <math.h>
#include <string.h>

#include <assay/stats.h>

#include "base/alloc.h"

enum { TRIM_FROM = 10, TRIM_PART = 8, FEW = 5, ON_STACK = 64 };
static const double POWER = 0.8;

typedef struct group {
  double centre, variance; /* of the centre */
  double df;
  double scale; /* the largest value there is, against which rounding is judged */
} group;

static double squares_around(const double *values, size_t count, double centre) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (values[i] - centre) * (values[i] - centre);
  return sum;
}

/* `sorted` is overwritten: its ends take the value that is left next to them. */
static group summarise(double *sorted, size_t count) {
  size_t trim = count >= TRIM_FROM ? count / TRIM_PART : 0, kept = count - 2 * trim;
  group g = {.df = (double)kept - 1, .scale = fmax(fabs(sorted[0]), fabs(sorted[count - 1]))};
  g.centre = assay_stats_mean(sorted + trim, kept);
  for (size_t i = 0; i < trim; i++) {
    sorted[i] = sorted[trim];
    sorted[count - 1 - i] = sorted[count - 1 - trim];
  }
  double winsorised = assay_stats_mean(sorted, count);
  g.variance = squares_around(sorted, count, winsorised) / ((double)kept * ((double)kept - 1));
  return g;
}

static assay_status group_of(const double *values, size_t count, group *g) {
  double few[ON_STACK], *sorted = count <= ON_STACK ? few : assay_alloc(ASSAY_TAG_STATS, count * sizeof *sorted);
  if (sorted == NULL) return ASSAY_ERR_NO_MEMORY;
  memcpy(sorted, values, count * sizeof *sorted);
  assay_stats_sort(sorted, count);
  *g = summarise(sorted, count);
  if (sorted != few) assay_free(sorted);
  return ASSAY_OK;
}

static bool all_finite(const double *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return false;
  return true;
}

/*
 * If processes are fast or slow by the toss of a coin (of whatever bias q), all of one group come out fast and all of the other slow with
 * probability q^a (1-q)^b + (1-q)^a q^b, and then there is no spread to warn of it. Its maximum over q is at q = a / (a + b), or close to
 * it.
 */
static double modes_by_chance(size_t a, size_t b) {
  double q = (double)a / (double)(a + b);
  return pow(q, (double)a) * pow(1 - q, (double)b) + pow(1 - q, (double)a) * pow(q, (double)b);
}

/* A spread of exactly nothing (whole counts, a coarse clock) leaves no doubt. Rounding counts as nothing. */
static void without_spread(assay_difference *d, bool same) {
  d->low = d->high = d->step;
  d->p_value = same ? 1 : 0;
  d->detectable = 0;
  d->error = 0;
}

assay_status assay_stats_difference(const double *before, size_t before_count, const double *after, size_t after_count, double level,
                                    double modes, assay_difference *difference) {
  if (before_count < 2 || after_count < 2 || !(level > 0 && level < 1)) return ASSAY_ERR_INVALID;
  if (!all_finite(before, before_count) || !all_finite(after, after_count)) return ASSAY_ERR_INVALID;
  group a, b;
  if (group_of(before, before_count, &a) != ASSAY_OK || group_of(after, after_count, &b) != ASSAY_OK) return ASSAY_ERR_NO_MEMORY;
  double sum = a.variance + b.variance, rounding = 1e-12 * fmax(a.scale, b.scale);
  assay_difference d = {.before = a.centre, .after = b.centre, .step = b.centre - a.centre, .error = sqrt(sum), .df = INFINITY};
  if (d.error <= rounding) {
    without_spread(&d, fabs(d.step) <= rounding);
  } else {
    d.df = sum * sum / (a.variance * a.variance / a.df + b.variance * b.variance / b.df); /* Welch and Satterthwaite */
    double reach = assay_stats_t_quantile(0.5 + level / 2, d.df);
    d.low = d.step - reach * d.error;
    d.high = d.step + reach * d.error;
    d.p_value = assay_stats_t_pvalue(d.step / d.error, d.df);
    d.detectable = (reach + assay_stats_t_quantile(POWER, d.df)) * d.error;
  }
  bool few = before_count < FEW || after_count < FEW, tied = d.error == 0;
  if ((few || tied) && fabs(d.step) < modes) d.least_p = modes_by_chance(before_count, after_count);
  d.p_value = fmax(d.p_value, d.least_p);
  *difference = d;
  return ASSAY_OK;
}
