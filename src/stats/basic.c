/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include <assay/stats.h>

#include "base/alloc.h"
#include "stats/inner.h"

double assay_stats_safe_scale(const double *values, size_t count) {
  double largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(values[i]));
  if (largest > 0x1p450) return 0x1p-600;
  if (largest < 0x1p-450) return 0x1p600;
  return 1;
}

typedef struct sum {
  double high, low;
} sum;

/* Neumaier's compensated sum: exact to an ulp or two however the values cancel, so the order of the samples does not matter. */
static void add(sum *total, double x) {
  double next = total->high + x;
  total->low += fabs(total->high) >= fabs(x) ? (total->high - next) + x : (x - next) + total->high;
  total->high = next;
}

static double scaled_mean(const double *values, size_t count, double scale) {
  sum total = {0}, rest = {0};
  for (size_t i = 0; i < count; i++) add(&total, values[i] * scale);
  if (!isfinite(total.high)) return total.high; /* the compensation of an infinity is NaN */
  double mean = (total.high + total.low) / (double)count;
  /* What the two roundings lost comes back with the residuals, so equal values have exactly that mean. */
  for (size_t i = 0; i < count; i++) add(&rest, values[i] * scale - mean);
  return mean + (rest.high + rest.low) / (double)count;
}

double assay_stats_mean(const double *values, size_t count) {
  if (count == 0) return NAN;
  double scale = assay_stats_safe_scale(values, count);
  return scaled_mean(values, count, scale) / scale;
}

double assay_stats_stddev(const double *values, size_t count) {
  if (count == 0) return NAN;
  if (count == 1) return isfinite(values[0]) ? 0 : NAN;
  double scale = assay_stats_safe_scale(values, count);
  double mean = scaled_mean(values, count, scale);
  sum squares = {0};
  for (size_t i = 0; i < count; i++) {
    double distance = values[i] * scale - mean;
    add(&squares, distance * distance);
  }
  return sqrt((squares.high + squares.low) / (double)(count - 1)) / scale;
}

static int ascending(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return (a > b) - (a < b);
}

void assay_stats_sort(double *values, size_t count) {
  if (count > 1) qsort(values, count, sizeof *values, ascending);
}

/* The point between two neighbours; never outside [a, b] and without overflow. */
static double between(double a, double b, double fraction) {
  if (a == b || fraction == 0) return a;
  double gap = b - a;
  return fmin(isfinite(gap) ? a + fraction * gap : (1 - fraction) * a + fraction * b, b);
}

double assay_stats_quantile_sorted(const double *sorted, size_t count, double q) {
  if (count == 0 || !(q >= 0 && q <= 1) || isnan(sorted[count - 1])) return NAN;
  double place = q * (double)(count - 1);
  size_t below = (size_t)place;
  if (below + 1 >= count) return sorted[count - 1];
  return between(sorted[below], sorted[below + 1], place - (double)below);
}

/* Most arrays here are process medians: a handful. They need no heap. */
enum { SMALL = 64 };

/* Median of the values, or of their distances from a center where there is one. */
static double median_of(const double *values, size_t count, const double *center) {
  double small[SMALL], *copy = small;
  if (count == 0) return NAN;
  if (count > SMALL) copy = count > SIZE_MAX / sizeof *copy ? NULL : assay_alloc(ASSAY_TAG_STATS, count * sizeof *copy);
  if (copy == NULL) return NAN;
  for (size_t i = 0; i < count; i++) copy[i] = center == NULL ? values[i] : fabs(values[i] - *center);
  assay_stats_sort(copy, count);
  double median = assay_stats_quantile_sorted(copy, count, 0.5); /* the mean of the two middle values for an even count */
  if (copy != small) assay_free(copy);
  return median;
}

double assay_stats_median(const double *values, size_t count) { return median_of(values, count, NULL); }

double assay_stats_mad(const double *values, size_t count) {
  double center = assay_stats_median(values, count);
  return 1.4826022185056018 * median_of(values, count, &center); /* 1 / Phi^-1(3/4) */
}
