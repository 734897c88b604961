/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/stats.h>

#include "base/random.h"
#include "test.h"

/* Wikipedia's and every textbook's example has mean 5 and population sigma 2; the sample's is sqrt(32 / 7). */
static const double textbook[] = {2, 4, 4, 4, 5, 5, 7, 9};

static void textbook_values(void **state) {
  (void)state;
  assert_near(assay_stats_mean(textbook, 8), 5, 0);
  assert_near(assay_stats_stddev(textbook, 8), sqrt(32.0 / 7), 1e-15);
  assert_near(assay_stats_median(textbook, 8), 4.5, 0);
  const double odd[] = {1, 1, 2, 2, 4, 6, 9}; /* median 2, distances 1 1 0 0 2 4 7 */
  assert_near(assay_stats_mad(odd, 7), 1.4826022185056018, 0);
}

/* NIST StRD univariate summary statistics: certified values of NumAcc3 and NumAcc4, made to break naive sums. */
static void nist_numerical_accuracy_sets(void **state) {
  (void)state;
  static double values[1001];
  const struct { double base, mean; } sets[] = {{1000000, 1000000.2}, {10000000, 10000000.2}};
  for (size_t s = 0; s < 2; s++) {
    values[0] = sets[s].base + 0.2;
    for (size_t i = 1; i < 1001; i++) values[i] = sets[s].base + (i % 2 ? 0.1 : 0.3);
    assert_near(assay_stats_mean(values, 1001), sets[s].mean, 2e-9);
    assert_near(assay_stats_stddev(values, 1001), 0.1, sets[s].base * 1e-15);
  }
}

static void nothing_and_nan_give_nan(void **state) {
  (void)state;
  double with_nan[100];
  for (size_t i = 0; i < 100; i++) with_nan[i] = (double)i;
  with_nan[37] = NAN;
  for (size_t count = 0; count <= 100; count += count == 0 ? 50 : 25) { /* 50 on the stack, 75 on the heap */
    assert_true(isnan(assay_stats_mean(with_nan, count)));
    assert_true(isnan(assay_stats_stddev(with_nan, count)));
    assert_true(isnan(assay_stats_median(with_nan, count)));
    assert_true(isnan(assay_stats_mad(with_nan, count)));
  }
  assay_stats_sort(with_nan, 100);
  assert_true(isnan(with_nan[99]) && with_nan[98] == 99 && with_nan[37] == 38);
  assert_true(isnan(assay_stats_quantile_sorted(with_nan, 100, 0.1)));
  assert_true(isnan(assay_stats_quantile_sorted(textbook, 0, 0.5)));
  assert_true(isnan(assay_stats_quantile_sorted(textbook, 8, 1.01)));
  assert_true(isnan(assay_stats_quantile_sorted(textbook, 8, NAN)));
}

static void one_value_is_itself_without_spread(void **state) {
  (void)state;
  const double one = -3.25;
  assert_near(assay_stats_mean(&one, 1), one, 0);
  assert_near(assay_stats_median(&one, 1), one, 0);
  assert_near(assay_stats_stddev(&one, 1), 0, 0);
  assert_near(assay_stats_mad(&one, 1), 0, 0);
  assert_near(assay_stats_quantile_sorted(&one, 1, 0.3), one, 0);
}

static void equal_values_have_no_spread(void **state) {
  (void)state;
  const double all[] = {0.1, 1e300, 5e-324, -1e-310, 123456789.123};
  for (size_t v = 0; v < sizeof all / sizeof *all; v++) {
    double values[77];
    for (size_t i = 0; i < 77; i++) values[i] = all[v];
    assert_near(assay_stats_mean(values, 77), all[v], 0);
    assert_near(assay_stats_median(values, 76), all[v], 0);
    assert_near(assay_stats_stddev(values, 77), 0, 0);
    assert_near(assay_stats_mad(values, 77), 0, 0);
  }
}

static void extreme_magnitudes_neither_overflow_nor_vanish(void **state) {
  (void)state;
  const double scales[] = {0x1p1000, 0x1p-1000, 0x1p500, 0x1p-500};
  for (size_t s = 0; s < 4; s++) {
    double values[8];
    for (size_t i = 0; i < 8; i++) values[i] = textbook[i] * scales[s];
    assert_near(assay_stats_mean(values, 8) / scales[s], 5, 0);
    assert_near(assay_stats_stddev(values, 8) / scales[s], sqrt(32.0 / 7), 1e-15);
  }
  const double edge[] = {-1.7e308, 1.7e308, 1.7e308};
  assert_near(assay_stats_mean(edge, 3) / 1e308, 1.7 / 3, 1e-15);
  assert_near(assay_stats_quantile_sorted(edge, 2, 0.5), 0, 0);
  assert_near(assay_stats_quantile_sorted(edge + 1, 2, 0.5), 1.7e308, 0);
}

static void quantiles_are_type_7(void **state) {
  (void)state;
  const double sorted[] = {1, 2, 4, 8, 16}; /* R: quantile(c(1,2,4,8,16), c(0,.1,.25,.5,.9,1)) */
  const double q[] = {0, 0.1, 0.25, 0.5, 0.9, 1}, expected[] = {1, 1.4, 2, 4, 12.8, 16};
  for (size_t i = 0; i < 6; i++) assert_near(assay_stats_quantile_sorted(sorted, 5, q[i]), expected[i], 1e-14);
}

static void random_values(assay_random *random, double *values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = exp(3 * assay_random_normal(random)) * (assay_random_below(random, 2) ? 1 : -1);
}

static void shuffle(assay_random *random, double *values, size_t count) {
  for (size_t i = count; i > 1; i--) {
    size_t j = (size_t)assay_random_below(random, i);
    double swap = values[i - 1];
    values[i - 1] = values[j];
    values[j] = swap;
  }
}

static void order_does_not_matter_and_scale_and_shift_pass_through(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 1);
  for (int trial = 0; trial < 500; trial++) {
    double values[200], moved[200];
    size_t count = 2 + (size_t)assay_random_below(&random, 198);
    random_values(&random, values, count);
    double mean = assay_stats_mean(values, count), stddev = assay_stats_stddev(values, count);
    double median = assay_stats_median(values, count), mad = assay_stats_mad(values, count);

    shuffle(&random, values, count);
    assert_near(assay_stats_mean(values, count), mean, 1e-15 * stddev);
    assert_near(assay_stats_stddev(values, count), stddev, 1e-14 * stddev);
    assert_near(assay_stats_median(values, count), median, 0);
    assert_near(assay_stats_mad(values, count), mad, 0);

    for (size_t i = 0; i < count; i++) moved[i] = -8 * values[i];
    assert_near(assay_stats_mean(moved, count), -8 * mean, 1e-14 * stddev);
    assert_near(assay_stats_stddev(moved, count), 8 * stddev, 1e-13 * stddev);
    assert_near(assay_stats_median(moved, count), -8 * median, 1e-14 * stddev);
    assert_near(assay_stats_mad(moved, count), 8 * mad, 1e-14 * stddev);

    for (size_t i = 0; i < count; i++) moved[i] = values[i] + 1000;
    assert_near(assay_stats_median(moved, count), median + 1000, 1e-12);
    assert_near(assay_stats_stddev(moved, count), stddev, 1e-12 * (stddev + 1000));
  }
}

/* An independent answer: the definition, by counting. */
static void medians_split_the_values_in_half(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 2);
  for (int trial = 0; trial < 500; trial++) {
    double values[150];
    size_t count = 1 + (size_t)assay_random_below(&random, 150), below = 0, above = 0;
    for (size_t i = 0; i < count; i++) values[i] = (double)assay_random_below(&random, 40); /* many ties */
    double median = assay_stats_median(values, count);
    for (size_t i = 0; i < count; i++) below += values[i]<median, above += values[i]> median;
    assert_true(below <= count / 2 && above <= count / 2);
    double *before = memcpy(malloc(sizeof values), values, sizeof values);
    (void)assay_stats_mad(values, count);
    assert_memory_equal(before, values, count * sizeof *values); /* inputs stay as they are */
    free(before);
  }
}

static void quantiles_rise_and_stay_between_neighbours(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 3);
  for (int trial = 0; trial < 200; trial++) {
    double values[60];
    size_t count = 1 + (size_t)assay_random_below(&random, 60);
    random_values(&random, values, count);
    assay_stats_sort(values, count);
    for (size_t i = 1; i < count; i++) assert_true(values[i - 1] <= values[i]);
    double last = values[0];
    for (int step = 0; step <= 100; step++) {
      double value = assay_stats_quantile_sorted(values, count, step / 100.0);
      assert_true(value >= last && value <= values[count - 1]);
      last = value;
    }
    assert_near(last, values[count - 1], 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(textbook_values),
      cmocka_unit_test(nist_numerical_accuracy_sets),
      cmocka_unit_test(nothing_and_nan_give_nan),
      cmocka_unit_test(one_value_is_itself_without_spread),
      cmocka_unit_test(equal_values_have_no_spread),
      cmocka_unit_test(extreme_magnitudes_neither_overflow_nor_vanish),
      cmocka_unit_test(quantiles_are_type_7),
      cmocka_unit_test(order_does_not_matter_and_scale_and_shift_pass_through),
      cmocka_unit_test(medians_split_the_values_in_half),
      cmocka_unit_test(quantiles_rise_and_stay_between_neighbours),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
