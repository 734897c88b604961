/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdint.h>

#include <assay/stats.h>

#include "base/alloc.h"
#include "stats/inner.h"

/*
 * Among all n^n resamples of n values, the share whose median is the i-th smallest is I_{i/n}(m, m) - I_{(i-1)/n}(m, m) with m = (n + 1) /
 * 2: the i-th is the median when at least m of n draws are not above it and fewer than m are below it (Maritz and Jarrett 1978, Efron
 * 1979). So the bootstrap needs no random resamples. For even n the same formula with half-integer m stands in for the sum over pairs of
 * middle values.
 */
double assay_stats_median_error_sorted(const double *sorted, size_t count) {
  double n = (double)count, m = 0.5 * (n + 1);
  /* The shares are a bell of standard deviation sqrt(n) / 2 around the middle; beyond eight of those nothing is left to add. */
  double reach = 4 * sqrt(n) + 1;
  size_t first = reach < 0.5 * n ? (size_t)(0.5 * n - reach) : 0, last = count - first;
  double before = 0, center = sorted[count / 2], shift = 0, squares = 0;
  for (size_t i = first; i < last; i++) {
    double upto = 1, above;
    if (i + 1 < last) assay_special_beta(m, m, log((double)(i + 1) / n), log1p(-(double)(i + 1) / n), &upto, &above);
    double share = upto - before, distance = sorted[i] - center;
    shift += share * distance;
    squares += share * distance * distance;
    before = upto;
  }
  return sqrt(fmax(squares - shift * shift, 0));
}

typedef struct calibration {
  double factor, df;
} calibration;

/*
 * For normal values, |median - true median| / standard error is distributed nearly as factor * |Student's t with df|. This table has both,
 * fitted to two million simulated samples for each count at the 80, 90, 95, 98 and 99 % points (`study_interval calibrate`,
 * docs/statistics.md). Two values are exactly Student's t with one degree of freedom. The plain t quantile with n - 1 would be 24 % too
 * wide at n = 3 and 5.
 */
static const calibration few[] = {
    {1.0000, 1.000}, {0.8572, 2.142}, {0.7921, 3.220}, {0.8570, 4.820}, {0.8375, 5.340}, /* 2 to 6 values */
    {0.8928, 6.508}, {0.8616, 6.247}, {0.9036, 7.196}, {0.8766, 6.806}, {0.9100, 7.737}, /* 7 to 11 values */
    {0.8868, 7.375}, {0.9188, 8.257}, {0.8943, 7.722}, {0.9222, 8.551}, {0.9019, 8.094}, /* 12 to 16 values */
};

static calibration calibrate(size_t count) {
  size_t at = count - 2;
  if (at < sizeof few / sizeof *few) return few[at];
  /* Only levels above 99.997 % come here. Within 0.6 % of the simulated 95 % points of 33, 48, 96, 192, 384 and 768 values. */
  double root = sqrt((double)count);
  return (calibration){1 - 0.4 / root, 4.3 + 1.03 * root};
}

assay_interval assay_stats_interval_by_error(const double *sorted, size_t count, double level) {
  calibration fit = calibrate(count);
  double half = fit.factor * assay_stats_t_quantile(0.5 + 0.5 * level, fit.df) * assay_stats_median_error_sorted(sorted, count);
  double median = assay_stats_quantile_sorted(sorted, count, 0.5);
  return (assay_interval){median - half, median + half};
}

/* Confidence that the median of any continuous distribution lies between the d-th smallest and the d-th largest value: fewer than d of n
 * fair coins on either side have probability I_{1/2}(n - d + 1, d) each. */
static double order_confidence(size_t count, size_t d) {
  double fewer, more;
  assay_special_beta((double)(count - d + 1), (double)d, -M_LN2, -M_LN2, &fewer, &more);
  return 1 - 2 * fewer;
}

assay_interval assay_stats_interval_by_order(const double *sorted, size_t count, double level) {
  /* The largest d that still gives the level; confidence falls with d. */
  size_t d = 1, beyond = count / 2 + 1;
  while (beyond - d > 1) {
    size_t middle = d + (beyond - d) / 2;
    if (order_confidence(count, middle) >= level)
      d = middle;
    else
      beyond = middle;
  }
  /* Between the d-th and the next value, the confidence is interpolated as Hettmansperger and Sheather 1986 found it nearly independent of
   * the distribution. For even counts the next may lie beyond the middle, but its weight then stays below one half. */
  double n = (double)count, rank = (double)d, outer = order_confidence(count, d), inner = order_confidence(count, d + 1);
  double share = (outer - level) / (outer - inner), weight = (n - rank) * share / (rank + (n - 2 * rank) * share);
  double low = sorted[d - 1], high = sorted[count - d];
  return (assay_interval){low + weight * (sorted[d] - low), high - weight * (high - sorted[count - d - 1])};
}

static bool all_finite(const double *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return false;
  return true;
}

assay_status assay_stats_interval(const double *values, size_t count, double level, assay_interval *interval) {
  enum { SMALL = 64 };
  double small[SMALL], *sorted = small;
  if (count < 2 || !(level > 0 && level < 1) || !all_finite(values, count)) return ASSAY_ERR_INVALID;
  if (count > SMALL) sorted = count > SIZE_MAX / sizeof *sorted ? NULL : assay_alloc(ASSAY_TAG_STATS, count * sizeof *sorted);
  if (sorted == NULL) return ASSAY_ERR_NO_MEMORY;
  double scale = assay_stats_safe_scale(values, count);
  for (size_t i = 0; i < count; i++) sorted[i] = values[i] * scale;
  assay_stats_sort(sorted, count);

  /* The smallest to the largest value is the widest interval that the order alone can give. Beyond its confidence a distribution must be
   * assumed. */
  bool order_suffices = order_confidence(count, 1) >= level;
  assay_interval found =
      order_suffices ? assay_stats_interval_by_order(sorted, count, level) : assay_stats_interval_by_error(sorted, count, level);
  /* Rounding must not push the value shown out of its own interval. */
  double median = assay_stats_quantile_sorted(sorted, count, 0.5);
  interval->low = fmin(found.low, median) / scale;
  interval->high = fmax(found.high, median) / scale;
  if (sorted != small) assay_free(sorted);
  return ASSAY_OK;
}
