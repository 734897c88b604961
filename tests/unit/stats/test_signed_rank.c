/* SPDX-License-Identifier: MIT */
/* Signed ranks against figures worked out by listing all signs, and against what they promise: levels held whatever the distribution. */
#include "stats/signed_rank.h"

#include <math.h>

#include "base/random.h"
#include "test.h"

/* By listing all 2^n signs of the ranks. */
static double listed_pvalue(const double *values, int count) {
  int ranks[16], extreme = 0;
  double positive = 0, middle = count * (count + 1) / 4.0;
  for (int i = 0; i < count; i++) {
    ranks[i] = 1;
    for (int k = 0; k < count; k++) ranks[i] += fabs(values[k]) < fabs(values[i]);
    if (values[i] > 0) positive += ranks[i];
  }
  for (int signs = 0; signs < 1 << count; signs++) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += signs >> i & 1 ? ranks[i] : 0;
    extreme += fabs(sum - middle) >= fabs(positive - middle) - 1e-9;
  }
  return extreme / (double)(1 << count);
}

static void pvalues_are_those_of_all_signs(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 7);
  for (int round = 0; round < 40; round++) {
    double values[11];
    int count = 3 + round % 9;
    for (int i = 0; i < count; i++) values[i] = assay_random_normal(&random) + 0.3 * (round % 4);
    assert_near(assay_signed_rank_pvalue(values, (size_t)count), listed_pvalue(values, count), 1e-12);
  }
}

/* 1, 2, ..., 8 with one sign: only one of 256 sums is as large, on either side. And what is exactly 0 takes no side. */
static void extremes_are_known(void **state) {
  (void)state;
  const double up[] = {1, 2, 3, 4, 5, 6, 7, 8}, zeros[] = {0, 0, 0, 0, 0};
  assert_near(assay_signed_rank_pvalue(up, 8), 2.0 / 256, 1e-15);
  assert_near(assay_signed_rank_pvalue(zeros, 5), 1, 1e-15);
  assert_near(assay_signed_rank_pvalue(up, 0), 1, 0);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void estimate_is_the_median_of_all_averages(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 3);
  for (size_t count = 1; count < 40; count++) {
    double values[40], averages[820];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) values[i] = assay_random_normal(&random) * 1e-3;
    qsort(values, count, sizeof *values, ascending);
    for (size_t i = 0; i < count; i++)
      for (size_t k = i; k < count; k++) averages[n++] = (values[i] + values[k]) / 2;
    qsort(averages, n, sizeof *averages, ascending);
    assert_near(assay_hodges_lehmann_sorted(values, count), (averages[(n - 1) / 2] + averages[n / 2]) / 2, 1e-15);
  }
}

static void interval_and_test_agree(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 11);
  for (int round = 0; round < 200; round++) {
    double values[90];
    size_t count = 8 + (size_t)round % 82; /* both sides of where the exact distribution ends */
    for (size_t i = 0; i < count; i++) values[i] = assay_random_normal(&random) + 0.4;
    double p = assay_signed_rank_pvalue(values, count);
    qsort(values, count, sizeof *values, ascending);
    assay_interval ci = assay_signed_rank_interval_sorted(values, count, 0.95);
    bool holds_zero = ci.low <= 0 && 0 <= ci.high;
    if (fabs(p - 0.05) > 1e-3) assert_int_equal(holds_zero, p > 0.05);
  }
}

static void too_few_values_say_nothing(void **state) {
  (void)state;
  const double values[] = {1, 2, 3, 4, 5};
  assay_interval ci = assay_signed_rank_interval_sorted(values, 5, 0.95);
  assert_true(isinf(ci.low) && isinf(ci.high));
}

/* 7 of 9 heads or more, or 7 tails or more: 2 (1 + 9 + 36) of 512. The interval leaves out so many at either end that fewer are too few. */
static void signs_alone_are_a_coin(void **state) {
  (void)state;
  const double values[] = {-2, -1, 1, 2, 3, 4, 5, 6, 100};
  assert_near(assay_sign_test_pvalue(values, 9), 92.0 / 512, 1e-12);
  const double tie[] = {-1, 0, 1};
  assert_near(assay_sign_test_pvalue(tie, 3), 1, 1e-12);
  assay_interval ci = assay_sign_test_interval_sorted(values, 9, 0.95); /* P(at most 1 of 9) = 10 / 512, of 2: 46 / 512 */
  assert_near(ci.low, -1, 0);
  assert_near(ci.high, 6, 0);
  ci = assay_sign_test_interval_sorted(values, 9, 0.998);
  assert_true(isinf(ci.low) && isinf(ci.high));
  double many[4000];
  for (int i = 0; i < 4000; i++) many[i] = i - 1900; /* 1900 below, one 0, 2099 above: 3.1 standard errors */
  assert_near(assay_sign_test_pvalue(many, 4000), 0.00170, 0.0002);
}

/* Half of the values from a distribution without a mean, the other half twenty times as narrow. */
static void level_holds_for_wild_values(void **state) {
  (void)state;
  enum { ROUNDS = 4000 };
  assay_random random;
  assay_random_init(&random, 5);
  int held = 0, alarms = 0;
  for (int round = 0; round < ROUNDS; round++) {
    double values[20];
    for (int i = 0; i < 20; i++) values[i] = (i % 2 ? 1 : 0.05) * tan(M_PI * (assay_random_unit(&random) - 0.5));
    alarms += assay_signed_rank_pvalue(values, 20) <= 0.05;
    qsort(values, 20, sizeof *values, ascending);
    assay_interval ci = assay_signed_rank_interval_sorted(values, 20, 0.95);
    held += ci.low <= 0 && 0 <= ci.high;
  }
  /* Four standard errors of 4000 coin tosses at 5 % are 1.4 points. */
  assert_true(alarms <= 0.064 * ROUNDS && alarms >= 0.030 * ROUNDS);
  assert_true(held >= 0.936 * ROUNDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pvalues_are_those_of_all_signs),
      cmocka_unit_test(extremes_are_known),
      cmocka_unit_test(estimate_is_the_median_of_all_averages),
      cmocka_unit_test(interval_and_test_agree),
      cmocka_unit_test(too_few_values_say_nothing),
      cmocka_unit_test(signs_alone_are_a_coin),
      cmocka_unit_test(level_holds_for_wild_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
