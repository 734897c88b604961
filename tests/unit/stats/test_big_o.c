/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/stats.h>

#include "base/random.h"
#include "test.h"

static double form(assay_big_o order, double n) {
  switch (order) {
    case ASSAY_O_1: return 1;
    case ASSAY_O_LOG_N: return log2(n);
    case ASSAY_O_N: return n;
    case ASSAY_O_N_LOG_N: return n * log2(n);
    case ASSAY_O_N2: return n * n;
    default: return n * n * n;
  }
}

static size_t powers_of_two(double *sizes, int from, int to) {
  size_t count = 0;
  for (int k = from; k <= to; k++) sizes[count++] = ldexp(1, k);
  return count;
}

static void every_order_is_found_exactly(void **state) {
  (void)state;
  double sizes[20], costs[20];
  size_t count = powers_of_two(sizes, 3, 14);
  for (int order = 0; order < ASSAY_O_UNCLEAR; order++) {
    for (size_t i = 0; i < count; i++) costs[i] = 2.5e-9 * form((assay_big_o)order, sizes[i]);
    assay_error err = {0};
    assay_big_o_fit fit;
    assert_ok(assay_stats_fit_big_o(sizes, costs, count, &err, &fit), err);
    assert_int_equal(fit.order, order);
    assert_near(fit.coefficient / 2.5e-9, 1, 1e-12);
    assert_near(fit.rms_ratio, 0, 1e-12);
  }
}

static void every_order_is_found_under_noise(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 9);
  int wrong = 0;
  for (int trial = 0; trial < 1200; trial++) {
    double sizes[20], costs[20];
    size_t count = powers_of_two(sizes, 3, 14);
    int order = trial % ASSAY_O_UNCLEAR;
    for (size_t i = 0; i < count; i++) costs[i] = 7 * form((assay_big_o)order, sizes[i]) * exp(0.02 * assay_random_normal(&random));
    assay_error err = {0};
    assay_big_o_fit fit;
    assert_ok(assay_stats_fit_big_o(sizes, costs, count, &err, &fit), err);
    wrong += fit.order != (assay_big_o)order;
    if (fit.order == (assay_big_o)order) assert_near(fit.coefficient / 7, 1, 0.1);
  }
  assert_true(wrong <= 12); /* 1 % */
}

/* A start-up cost hides the growth at small sizes; the order is about the large ones. */
static void a_constant_overhead_does_not_hide_linear_growth(void **state) {
  (void)state;
  double sizes[20], costs[20];
  size_t count = powers_of_two(sizes, 0, 16);
  for (size_t i = 0; i < count; i++) costs[i] = 50 + 0.3 * sizes[i];
  assay_error err = {0};
  assay_big_o_fit fit;
  assert_ok(assay_stats_fit_big_o(sizes, costs, count, &err, &fit), err);
  assert_int_equal(fit.order, ASSAY_O_N);
  assert_near(fit.coefficient, 0.3, 0.01);
}

static void what_cannot_be_told_apart_is_unclear(void **state) {
  (void)state;
  assay_error err = {0};
  assay_big_o_fit fit;
  const double near[] = {1000, 1001, 1002, 1003}, noisy[] = {5, 5.1, 4.9, 5.05};
  assert_ok(assay_stats_fit_big_o(near, noisy, 4, &err, &fit), err);
  assert_int_equal(fit.order, ASSAY_O_UNCLEAR);
  assert_true(isnan(fit.coefficient));
  assert_near(fit.rms_ratio, 0.014, 0.002);

  const double sizes[] = {10, 100, 1000, 10000, 100000}, wild[] = {9, 1, 8, 2, 9}; /* no form is near */
  assert_ok(assay_stats_fit_big_o(sizes, wild, 5, &err, &fit), err);
  assert_int_equal(fit.order, ASSAY_O_UNCLEAR);

  const double nothing[] = {0, 0, 0, 0, 0}, below[] = {-1, -1, -1, -1, -1}; /* a null workload */
  assert_ok(assay_stats_fit_big_o(sizes, nothing, 5, &err, &fit), err);
  assert_true(fit.order == ASSAY_O_UNCLEAR && isnan(fit.rms_ratio));
  assert_ok(assay_stats_fit_big_o(sizes, below, 5, &err, &fit), err);
  assert_true(fit.order == ASSAY_O_UNCLEAR && isnan(fit.rms_ratio));
}

/* n and n log n over a factor of two in size, under 4 % noise: often unclear, seldom wrong. */
static void a_narrow_sweep_is_seldom_given_the_wrong_order(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 15);
  int wrong = 0, unclear = 0;
  for (int trial = 0; trial < 1000; trial++) {
    const double sizes[] = {100, 120, 140, 170, 200};
    double costs[5];
    assay_big_o order = trial % 2 ? ASSAY_O_N : ASSAY_O_N_LOG_N;
    for (size_t i = 0; i < 5; i++) costs[i] = form(order, sizes[i]) * exp(0.04 * assay_random_normal(&random));
    assay_big_o_fit fit;
    assert_int_equal(assay_stats_fit_big_o(sizes, costs, 5, NULL, &fit), ASSAY_OK);
    unclear += fit.order == ASSAY_O_UNCLEAR;
    wrong += fit.order != ASSAY_O_UNCLEAR && fit.order != order;
  }
  assert_true(unclear > 300);
  assert_true(wrong < 50);
}

/* Pure noise around 0 must not be given an order more often than its evidence allows. */
static void noise_alone_has_no_order(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 10);
  int clear = 0;
  for (int trial = 0; trial < 1000; trial++) {
    double sizes[8], costs[8];
    size_t count = powers_of_two(sizes, 4, 11);
    for (size_t i = 0; i < count; i++) costs[i] = assay_random_normal(&random);
    assay_big_o_fit fit;
    assert_int_equal(assay_stats_fit_big_o(sizes, costs, count, NULL, &fit), ASSAY_OK);
    clear += fit.order != ASSAY_O_UNCLEAR;
  }
  assert_true(clear <= 10);
}

static void scale_and_order_of_points_do_not_matter(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 11);
  for (int trial = 0; trial < 300; trial++) {
    double sizes[10], costs[10], scaled[10], back_sizes[10], back_costs[10];
    size_t count = powers_of_two(sizes, 2, 11);
    int order = trial % ASSAY_O_UNCLEAR;
    double scale = ldexp(1, (int)assay_random_below(&random, 1600) - 900);
    for (size_t i = 0; i < count; i++) {
      costs[i] = form((assay_big_o)order, sizes[i]) * exp(0.1 * assay_random_normal(&random));
      scaled[i] = costs[i] * scale;
    }
    for (size_t i = 0; i < count; i++) back_sizes[i] = sizes[count - 1 - i], back_costs[i] = costs[count - 1 - i];
    assay_big_o_fit one, two, three;
    assert_int_equal(assay_stats_fit_big_o(sizes, costs, count, NULL, &one), ASSAY_OK);
    assert_int_equal(assay_stats_fit_big_o(sizes, scaled, count, NULL, &two), ASSAY_OK);
    assert_int_equal(assay_stats_fit_big_o(back_sizes, back_costs, count, NULL, &three), ASSAY_OK);
    assert_true(one.order == two.order && one.order == three.order);
    assert_near(two.rms_ratio, one.rms_ratio, 1e-14);
    assert_near(three.rms_ratio, one.rms_ratio, 1e-12);
    if (one.order != ASSAY_O_UNCLEAR) assert_near(two.coefficient / scale / one.coefficient, 1, 1e-14);
  }
  const double huge[] = {1e200, 1e250, 1e300}, costs[] = {1e-100, 1e-50, 1};
  assay_big_o_fit fit;
  assert_int_equal(assay_stats_fit_big_o(huge, costs, 3, NULL, &fit), ASSAY_OK);
  assert_true(isfinite(fit.rms_ratio));
}

static void refuse(const double *sizes, const double *costs, size_t count, const char *words) {
  assay_error err = {0};
  assay_big_o_fit fit = {ASSAY_O_N3, 7, 8};
  assert_int_equal(assay_stats_fit_big_o(sizes, costs, count, &err, &fit), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, words));
  assert_true(fit.order == ASSAY_O_N3 && fit.coefficient == 7 && fit.rms_ratio == 8);
}

static void bad_sweeps_are_refused_with_the_reason(void **state) {
  (void)state;
  const double ones[] = {1, 1, 1, 1, 1}, two_sizes[] = {1, 2, 1, 2, 1}, zero[] = {0, 1, 2, 3, 4}, nan_size[] = {1, NAN, 2, 3, 4};
  const double fine[] = {1, 2, 3, 4, 5}, endless[] = {1, 2, INFINITY, 4, 5};
  refuse(fine, ones, 2, "3 different sizes");
  refuse(fine, ones, 0, "3 different sizes");
  refuse(ones, ones, 5, "has 1");
  refuse(two_sizes, ones, 5, "has 2");
  refuse(zero, ones, 5, "positive");
  refuse(nan_size, ones, 5, "positive");
  refuse(fine, endless, 5, "size 3");
}

static void orders_have_names(void **state) {
  (void)state;
  assert_string_equal(assay_big_o_text(ASSAY_O_1), "O(1)");
  assert_string_equal(assay_big_o_text(ASSAY_O_N_LOG_N), "O(n log n)");
  assert_string_equal(assay_big_o_text(ASSAY_O_N3), "O(n^3)");
  assert_string_equal(assay_big_o_text(ASSAY_O_UNCLEAR), "unclear");
  assert_string_equal(assay_big_o_text((assay_big_o)99), "unclear");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_order_is_found_exactly),
      cmocka_unit_test(every_order_is_found_under_noise),
      cmocka_unit_test(a_constant_overhead_does_not_hide_linear_growth),
      cmocka_unit_test(what_cannot_be_told_apart_is_unclear),
      cmocka_unit_test(a_narrow_sweep_is_seldom_given_the_wrong_order),
      cmocka_unit_test(noise_alone_has_no_order),
      cmocka_unit_test(scale_and_order_of_points_do_not_matter),
      cmocka_unit_test(bad_sweeps_are_refused_with_the_reason),
      cmocka_unit_test(orders_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
