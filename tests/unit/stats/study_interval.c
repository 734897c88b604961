/* SPDX-License-Identifier: MIT */
/*
 * The study behind docs/statistics.md. Not a test; build it with `ninja -C build tests/unit/stats/study_interval`.
 *
 *     study_interval compare              coverage and width of eight intervals over simulated processes (a minute or two)
 *     study_interval calibrate [N [M]]    the two constants of src/stats/interval.c for N to M values (3 to 32: minutes)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <assay/stats.h>

#include "process_model.h"
#include "stats/inner.h"

enum { MOST = 1000, RESAMPLES = 999, TRIALS = 4000 };

static void sort(double *values, size_t n) {
  if (n > 64) {
    assay_stats_sort(values, n);
    return;
  }
  for (size_t i = 1; i < n; i++) {
    double x = values[i];
    size_t at = i;
    for (; at > 0 && values[at - 1] > x; at--) values[at] = values[at - 1];
    values[at] = x;
  }
}

static double middle(const double *sorted, size_t n) { return n % 2 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]); }

/* The same as assay_stats_median_error_sorted, with the shares kept for all the resamples of one size. */
static double shares[MOST];

static void set_shares(size_t n) {
  double before = 0, m = 0.5 * ((double)n + 1);
  for (size_t i = 0; i < n; i++) {
    double upto = 1, above, x = (double)(i + 1) / (double)n;
    if (i + 1 < n) assay_special_beta(m, m, log(x), log1p(-x), &upto, &above);
    shares[i] = upto - before;
    before = upto;
  }
}

static double median_error(const double *sorted, size_t n) {
  double shift = 0, squares = 0, center = sorted[n / 2];
  for (size_t i = 0; i < n; i++) {
    double distance = sorted[i] - center;
    shift += shares[i] * distance;
    squares += shares[i] * distance * distance;
  }
  return sqrt(fmax(squares - shift * shift, 0));
}

/* ---- calibrate ------------------------------------------------------------------------------------------------------------- */

static const double levels[] = {0.8, 0.9, 0.95, 0.98, 0.99};

enum { LEVELS = sizeof levels / sizeof *levels, AT_95 = 2 };

/* Largest relative misfit of factor * t(df) to the simulated points; the factor makes the 95 % point exact. */
static double misfit(const double *points, double df, double *factor) {
  *factor = points[AT_95] / assay_stats_t_quantile(0.975, df);
  double worst = 0;
  for (int l = 0; l < LEVELS; l++) worst = fmax(worst, fabs(log(points[l] / (*factor * assay_stats_t_quantile(0.5 + levels[l] / 2, df)))));
  return worst;
}

static void calibrate(size_t n, size_t trials) {
  double *pivots = malloc(trials * sizeof *pivots), values[MOST], points[LEVELS], factor;
  if (pivots == NULL) return;
  assay_random random;
  assay_random_init(&random, n);
  set_shares(n);
  for (size_t t = 0; t < trials; t++) {
    for (size_t i = 0; i < n; i++) values[i] = assay_random_normal(&random);
    sort(values, n);
    pivots[t] = fabs(middle(values, n)) / median_error(values, n);
  }
  assay_stats_sort(pivots, trials);
  for (int l = 0; l < LEVELS; l++) points[l] = pivots[(size_t)(levels[l] * (double)trials)];
  double low = log(0.5), high = log(500); /* golden section in log df */
  for (int step = 0; step < 60; step++) {
    double a = low + (high - low) * 0.382, b = low + (high - low) * 0.618;
    if (misfit(points, exp(a), &factor) < misfit(points, exp(b), &factor))
      high = b;
    else
      low = a;
  }
  double df = exp(0.5 * (low + high)), worst = misfit(points, df, &factor);
  printf("n=%zu factor=%.4f df=%.3f worst misfit=%.2f %% 95 %% point=%.4f\n", n, factor, df, 100 * worst, points[AT_95]);
  free(pivots);
}

/* ---- compare --------------------------------------------------------------------------------------------------------------- */

enum { PERCENTILE, BCA, BOOTSTRAP_T, PLAIN_T, NORMAL_THEORY, CALIBRATED, ORDER, CHOSEN, METHODS };

static const char *const method_names[METHODS] = {"percentile",         "BCa",   "bootstrap-t", "SE x t(n-1)", "s, normal theory",
                                                  "SE x t, calibrated", "order", "chosen"};

static double phi(double z) { return 0.5 * erfc(-z * M_SQRT1_2); }

static double at_share(const double *sorted, double share) {
  double place = share * (RESAMPLES + 1) - 1;
  return sorted[place < 0 ? 0 : place > RESAMPLES - 1 ? RESAMPLES - 1 : (size_t)place];
}

/* Efron 1987: the shift of the bootstrap's median, and the acceleration by the jackknife. */
static assay_interval bca(const double *sorted, size_t n, double median, const double *medians) {
  double below = 0, mean = 0, cubes = 0, squares = 0, without[MOST], left[MOST];
  for (size_t i = 0; i < RESAMPLES; i++) below += medians[i] < median ? 1 : medians[i] == median ? 0.5 : 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0, k = 0; j < n; j++)
      if (j != i) left[k++] = sorted[j];
    without[i] = middle(left, n - 1);
    mean += without[i] / (double)n;
  }
  for (size_t i = 0; i < n; i++) {
    double d = mean - without[i];
    cubes += d * d * d;
    squares += d * d;
  }
  double acceleration = squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
  double z0 = assay_stats_normal_quantile((below + 0.5) / (RESAMPLES + 1)), ends[2];
  for (int side = 0; side < 2; side++) {
    double z = z0 + (side ? 1.959964 : -1.959964);
    ends[side] = at_share(medians, phi(z0 + z / (1 - acceleration * z)));
  }
  return (assay_interval){ends[0], ends[1]};
}

static void resample(assay_random *random, const double *sorted, size_t n, double median, double *medians, double *pivots) {
  for (size_t b = 0; b < RESAMPLES; b++) {
    double values[MOST];
    for (size_t i = 0; i < n; i++) values[i] = sorted[assay_random_below(random, n)];
    sort(values, n);
    medians[b] = middle(values, n);
    double distance = medians[b] - median, error = median_error(values, n);
    pivots[b] = error > 0 ? distance / error : distance == 0 ? 0 : copysign(INFINITY, distance);
  }
  assay_stats_sort(medians, RESAMPLES);
  assay_stats_sort(pivots, RESAMPLES);
}

/* The exact 95 % factor of |median| / standard deviation for normal values, by simulation. */
static double normal_theory_factor(size_t n) {
  enum { DRAWS = 200000 };
  double *ratios = malloc(DRAWS * sizeof *ratios), values[MOST];
  if (ratios == NULL) return NAN;
  assay_random random;
  assay_random_init(&random, 1000 + n);
  for (size_t t = 0; t < DRAWS; t++) {
    for (size_t i = 0; i < n; i++) values[i] = assay_random_normal(&random);
    sort(values, n);
    ratios[t] = fabs(middle(values, n)) / assay_stats_stddev(values, n);
  }
  assay_stats_sort(ratios, DRAWS);
  double factor = ratios[(size_t)(0.95 * DRAWS)];
  free(ratios);
  return factor;
}

static void intervals(assay_random *random, const double *sorted, size_t n, double theory, assay_interval out[METHODS]) {
  double medians[RESAMPLES], pivots[RESAMPLES], median = middle(sorted, n), error = median_error(sorted, n);
  resample(random, sorted, n, median, medians, pivots);
  out[PERCENTILE] = (assay_interval){at_share(medians, 0.025), at_share(medians, 0.975)};
  out[BCA] = bca(sorted, n, median, medians);
  out[BOOTSTRAP_T] = (assay_interval){median - at_share(pivots, 0.975) * error, median - at_share(pivots, 0.025) * error};
  double half = assay_stats_t_quantile(0.975, (double)n - 1) * error;
  out[PLAIN_T] = (assay_interval){median - half, median + half};
  half = theory * assay_stats_stddev(sorted, n);
  out[NORMAL_THEORY] = (assay_interval){median - half, median + half};
  out[CALIBRATED] = assay_stats_interval_by_error(sorted, n, 0.95);
  out[ORDER] = n < 6 ? (assay_interval){sorted[0], sorted[n - 1]} : assay_stats_interval_by_order(sorted, n, 0.95);
  assay_stats_interval(sorted, n, 0.95, &out[CHOSEN]);
}

static void compare_one(const process_model *model, size_t n, double theory) {
  static double widths[METHODS][TRIALS];
  int covered[METHODS] = {0};
  assay_random random;
  assay_random_init(&random, 5000 + n);
  set_shares(n);
  for (size_t t = 0; t < TRIALS; t++) {
    double values[MOST];
    assay_interval found[METHODS];
    for (size_t i = 0; i < n; i++) values[i] = model_process_median(&random, model);
    sort(values, n);
    intervals(&random, values, n, theory, found);
    for (int m = 0; m < METHODS; m++) {
      covered[m] += found[m].low <= model_truth && model_truth <= found[m].high;
      widths[m][t] = 0.5 * (found[m].high - found[m].low);
    }
  }
  printf("| %s | %zu |", model->name, n);
  for (int m = 0; m < METHODS; m++) printf(" %.1f (%.3g) |", 100.0 * covered[m] / TRIALS, assay_stats_median(widths[m], TRIALS));
  printf("\n");
  fflush(stdout);
}

static void compare(void) {
  static const process_model models[] = {
      {"normal", MODEL_NORMAL, 0.05, 0.05},
      {"log-normal 0.1", MODEL_LOG_NORMAL, 0.1, 0.1},
      {"log-normal 0.3", MODEL_LOG_NORMAL, 0.3, 0.3},
      {"Laplace", MODEL_LAPLACE, 0.05, 0.02},
      {"uniform", MODEL_UNIFORM, 0.05, 0.01},
      {"one in ten 10 sigma off", MODEL_SLOW_TENTH, 0.05, 0.05},
      {"steps of half a sigma", MODEL_CLOCK_STEPS, 0.05, 0.02},
  };
  static const size_t counts[] = {3, 5, 6, 10, 30};
  printf("| processes' medians | n |");
  for (int m = 0; m < METHODS; m++) printf(" %s |", method_names[m]);
  printf("\n|---|---|---|---|---|---|---|---|---|---|\n");
  for (size_t m = 0; m < sizeof models / sizeof *models; m++)
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) compare_one(&models[m], counts[c], normal_theory_factor(counts[c]));
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "compare") == 0) {
    compare();
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "calibrate") == 0) {
    size_t from = argc > 2 ? (size_t)atoi(argv[2]) : 3, to = argc > 3 ? (size_t)atoi(argv[3]) : argc > 2 ? from : 32;
    for (size_t n = from; n <= to && n >= 2 && n < MOST; n++) calibrate(n, n < 33 ? 2000000 : 300000);
    return 0;
  }
  fprintf(stderr, "usage: study_interval compare | calibrate [FROM [TO]]\n");
  return 2;
}
