/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/stats.h>

#include "process_model.h"
#include "stats/inner.h"
#include "test.h"

/* The independent answer: every one of the n^n resamples, its median, and the spread of those. */
static double error_by_enumeration(const double *values, size_t n) {
  size_t draws[7] = {0}, resamples = 0, at = 0;
  double sum = 0, squares = 0;
  while (at < n) {
    double resample[7];
    for (size_t i = 0; i < n; i++) resample[i] = values[draws[i]];
    double median = assay_stats_median(resample, n);
    sum += median;
    squares += median * median;
    resamples++;
    for (at = 0; at < n && ++draws[at] == n; at++) draws[at] = 0;
  }
  double mean = sum / (double)resamples;
  return sqrt(squares / (double)resamples - mean * mean);
}

static void the_bootstrap_error_is_that_of_all_resamples(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 13);
  for (size_t n = 3; n <= 7; n += 2)
    for (int trial = 0; trial < (n == 7 ? 2 : 50); trial++) {
      double values[7];
      for (size_t i = 0; i < n; i++) values[i] = assay_random_normal(&random);
      assay_stats_sort(values, n);
      assert_near(assay_stats_median_error_sorted(values, n), error_by_enumeration(values, n), 1e-10);
    }
}

static void the_bootstrap_error_approaches_theory_for_many_values(void **state) {
  (void)state;
  static double values[100001];
  for (size_t i = 0; i < 100001; i++) values[i] = assay_stats_normal_quantile(((double)i + 0.5) / 100001);
  /* 1 / (2 f(0) sqrt(n)), f the normal's density */
  assert_near(assay_stats_median_error_sorted(values, 100001) * sqrt(100001), sqrt(M_PI / 2), 0.002);
}

static void two_values_give_students_interval(void **state) {
  (void)state;
  const double values[] = {14, 10};
  assay_interval ci;
  assert_int_equal(assay_stats_interval(values, 2, 0.95, &ci), ASSAY_OK);
  assert_near(ci.low, 12 - 2 * 12.706204736174694, 1e-9); /* standard error of the mean: |d| / 2 */
  assert_near(ci.high, 12 + 2 * 12.706204736174694, 1e-9);
}

/* The published tables of the sign test (any textbook): 10 values, 2nd to 9th: 97.85 %; 20 values, 6th to 15th: 95.86 %. At exactly these
 * levels nothing is interpolated. */
static void order_intervals_end_at_the_published_ranks(void **state) {
  (void)state;
  double values[20];
  for (size_t i = 0; i < 20; i++) values[i] = (double)((i * 7) % 20); /* 0..19, unordered */
  assay_interval ci;
  assert_int_equal(assay_stats_interval(values, 20, 1 - 2 * 21700.0 / 1048576, &ci), ASSAY_OK);
  assert_near(ci.low, 5, 1e-9);
  assert_near(ci.high, 14, 1e-9);
  for (size_t i = 0; i < 10; i++) values[i] = (double)((i * 7) % 10);
  assert_int_equal(assay_stats_interval(values, 10, 1 - 2 * 11.0 / 1024, &ci), ASSAY_OK);
  assert_near(ci.low, 1, 1e-9);
  assert_near(ci.high, 8, 1e-9);
  assert_int_equal(assay_stats_interval(values, 10, 0.95, &ci), ASSAY_OK); /* 3rd to 8th: 89.06 % */
  assert_true(ci.low > 1 && ci.low < 2 && ci.high > 7 && ci.high < 8);
}

static void it_holds_the_median_and_grows_with_the_level(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 14);
  for (size_t n = 2; n <= 300; n += n < 40 ? 1 : 23) {
    double values[300], shuffled[300], moved[300];
    for (size_t i = 0; i < n; i++) values[i] = exp(assay_random_normal(&random));
    for (size_t i = 0; i < n; i++) shuffled[i] = values[n - 1 - i], moved[i] = -4 * values[i] + 32;
    double median = assay_stats_median(values, n), width = 0;
    static const double levels[] = {0.01, 0.3, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999};
    bool by_order = true;
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
      assay_interval ci, again, other;
      assert_int_equal(assay_stats_interval(values, n, levels[l], &ci), ASSAY_OK);
      assert_true(ci.low <= median && median <= ci.high);
      if (by_order != (levels[l] <= 1 - ldexp(2, -(int)n))) by_order = false, width = 0; /* another method: not nested */
      assert_true(ci.high - ci.low > width);
      width = ci.high - ci.low;
      assert_int_equal(assay_stats_interval(shuffled, n, levels[l], &again), ASSAY_OK);
      assert_true(again.low == ci.low && again.high == ci.high);
      assert_int_equal(assay_stats_interval(moved, n, levels[l], &other), ASSAY_OK);
      assert_near(other.low, 32 - 4 * ci.high, 1e-8 * width + 1e-13);
      assert_near(other.high, 32 - 4 * ci.low, 1e-8 * width + 1e-13);
    }
  }
}

static void edges(void **state) {
  (void)state;
  const double equal[] = {7, 7, 7, 7, 7}, huge[] = {1e300, 2e300, 4e300}, tiny[] = {1e-300, 2e-300, 4e-300}, plain[] = {1, 2, 4};
  const double with_nan[] = {1, NAN, 2}, endless[] = {1, INFINITY, 2};
  assay_interval ci, reference;
  assert_int_equal(assay_stats_interval(equal, 5, 0.95, &ci), ASSAY_OK);
  assert_true(ci.low == 7 && ci.high == 7);
  assert_int_equal(assay_stats_interval(plain, 3, 0.95, &reference), ASSAY_OK);
  assert_int_equal(assay_stats_interval(huge, 3, 0.95, &ci), ASSAY_OK);
  assert_near(ci.high / 1e300, reference.high, 1e-13);
  assert_int_equal(assay_stats_interval(tiny, 3, 0.95, &ci), ASSAY_OK);
  assert_near(ci.low / 1e-300, reference.low, 1e-13);

  ci = (assay_interval){3, 4};
  assert_int_equal(assay_stats_interval(plain, 1, 0.95, &ci), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stats_interval(plain, 0, 0.95, &ci), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stats_interval(plain, 3, 0, &ci), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stats_interval(plain, 3, 1, &ci), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stats_interval(plain, 3, NAN, &ci), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stats_interval(with_nan, 3, 0.95, &ci), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stats_interval(endless, 3, 0.95, &ci), ASSAY_ERR_INVALID);
  assert_true(ci.low == 3 && ci.high == 4);
}

static double coverage(const process_model *model, size_t processes, double level, int trials, uint64_t seed) {
  assay_random random;
  assay_random_init(&random, seed);
  int covered = 0;
  for (int trial = 0; trial < trials; trial++) {
    double medians[40];
    for (size_t p = 0; p < processes; p++) medians[p] = model_process_median(&random, model);
    assay_interval ci;
    assert_int_equal(assay_stats_interval(medians, processes, level, &ci), ASSAY_OK);
    covered += ci.low <= model_truth && model_truth <= ci.high;
  }
  return (double)covered / trials;
}

/* The promise to users. 4,000 trials: standard error 0.34 %. */
static void nominal_95_percent_cover_93_to_97_percent(void **state) {
  (void)state;
  static const process_model models[] = {
      {"normal, between = within", MODEL_NORMAL, 0.05, 0.05}, {"normal, mostly within", MODEL_NORMAL, 0.005, 0.1},
      {"log-normal 0.1", MODEL_LOG_NORMAL, 0.1, 0.1},         {"log-normal 0.2", MODEL_LOG_NORMAL, 0.2, 0.2},
      {"log-normal 0.3", MODEL_LOG_NORMAL, 0.3, 0.3},
  };
  static const size_t processes[] = {2, 3, 4, 5, 10, 20, 30};
  for (size_t m = 0; m < sizeof models / sizeof *models; m++)
    for (size_t n = 0; n < sizeof processes / sizeof *processes; n++) {
      double covered = coverage(&models[m], processes[n], 0.95, 4000, 100 * m + n);
      if (covered < 0.93 || covered > 0.97) fail_msg("%s, %zu processes: %.2f %%", models[m].name, processes[n], 100 * covered);
    }
}

static void other_levels_cover_what_they_say(void **state) {
  (void)state;
  static const process_model normal = {"normal", MODEL_NORMAL, 0.05, 0.05};
  static const double levels[] = {0.8, 0.9, 0.99};
  static const size_t processes[] = {3, 5, 8, 15};
  for (size_t l = 0; l < 3; l++) /* standard error at most 0.63 % */
    for (size_t n = 0; n < 4; n++) assert_near(coverage(&normal, processes[n], levels[l], 4000, 7 * l + n), levels[l], 0.02);
}

/* From 6 processes on nothing is assumed of the distribution. */
static void any_distribution_is_covered_from_six_processes_on(void **state) {
  (void)state;
  static const process_model models[] = {
      {"uniform", MODEL_UNIFORM, 0.05, 0.01},
      {"Laplace", MODEL_LAPLACE, 0.05, 0.02},
      {"one in ten 10 sigma off", MODEL_SLOW_TENTH, 0.05, 0.05},
  };
  static const size_t processes[] = {6, 10, 30};
  for (size_t m = 0; m < 3; m++)
    for (size_t n = 0; n < 3; n++) {
      double covered = coverage(&models[m], processes[n], 0.95, 4000, 1000 + 10 * m + n);
      if (covered < 0.93 || covered > 0.97) fail_msg("%s, %zu processes: %.2f %%", models[m].name, processes[n], 100 * covered);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bootstrap_error_is_that_of_all_resamples),
      cmocka_unit_test(the_bootstrap_error_approaches_theory_for_many_values),
      cmocka_unit_test(two_values_give_students_interval),
      cmocka_unit_test(order_intervals_end_at_the_published_ranks),
      cmocka_unit_test(it_holds_the_median_and_grows_with_the_level),
      cmocka_unit_test(edges),
      cmocka_unit_test(nominal_95_percent_cover_93_to_97_percent),
      cmocka_unit_test(any_distribution_is_covered_from_six_processes_on),
      cmocka_unit_test(other_levels_cover_what_they_say),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
