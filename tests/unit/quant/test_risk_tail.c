/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/risk.h>
#include <assay/stats.h>

#include "base/random.h"
#include "test.h"

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The definitions, with a sort and long doubles. */
static assay_risk_tail obvious(const double *pnl, size_t count, double level) {
  double *losses = malloc(count * sizeof *losses);
  assert_non_null(losses);
  for (size_t i = 0; i < count; i++) losses[i] = 0.0 - pnl[i];
  qsort(losses, count, sizeof *losses, ascending);
  long double at = (long double)count * level;
  if (fabsl(at - roundl(at)) < 1e-9L) at = roundl(at);
  size_t rank = (size_t)ceill(at);
  if (rank == 0) rank = 1;
  long double sum = ((long double)rank - at) * losses[rank - 1];
  for (size_t i = rank; i < count; i++) sum += losses[i];
  assay_risk_tail tail = {.level = level, .var = losses[rank - 1]};
  tail.es = (double)(sum / ((long double)count - at));
  tail.var_linear = assay_stats_quantile_sorted(losses, count, level);
  free(losses);
  return tail;
}

static void compare(const double *pnl, size_t count, const double *levels, size_t level_count) {
  assay_risk_tail tails[ASSAY_RISK_MOST_LEVELS];
  assay_error err = {0};
  assert_ok(assay_risk_historical(pnl, count, levels, level_count, &err, tails), err);
  for (size_t i = 0; i < level_count; i++) {
    assay_risk_tail expected = obvious(pnl, count, levels[i]);
    assert_true(tails[i].level == levels[i]);
    assert_true(tails[i].var == expected.var);
    double scale = fmax(fabs(expected.es), fabs(expected.var));
    assert_near(tails[i].es, expected.es, 1e-15 * scale / (1 - levels[i]) + 1e-300); /* so does count * (1 - level) */
    assert_near(tails[i].var_linear, expected.var_linear, 1e-9 * scale + 1e-300);    /* count * level rounds */
    assert_true(tails[i].es >= tails[i].var);
  }
}

static void a_hundred_losses_by_hand(void **state) {
  (void)state;
  double pnl[100];
  for (int i = 0; i < 100; i++) pnl[i] = -(i + 1.0); /* losses 1 to 100 */
  const double levels[] = {0.95, 0.99, 0.955, 0.005};
  assay_risk_tail tails[4];
  assay_error err = {0};
  assert_ok(assay_risk_historical(pnl, 100, levels, 4, &err, tails), err);
  assert_near(tails[0].var, 95, 0);
  assert_near(tails[0].es, 98, 0); /* mean of 96 to 100 */
  assert_near(tails[0].var_linear, 95.05, 1e-12);
  assert_near(tails[1].var, 99, 0);
  assert_near(tails[1].es, 100, 0);
  assert_near(tails[2].var, 96, 0);
  assert_near(tails[2].es, (0.5 * 96 + 97 + 98 + 99 + 100) / 4.5, 1e-13);
  assert_near(tails[3].var, 1, 0);
}

static void random_scenarios_agree_with_a_sort(void **state) {
  (void)state;
  static double pnl[60000];
  const double levels[] = {0.99, 0.5, 0.95, 0.9, 0.999, 0.975, 0.01, 0.9999999};
  assay_random random;
  assay_random_init(&random, 5);
  for (size_t count = 1; count <= 60000; count = count * 3 + 1) {
    for (int kind = 0; kind < 4; kind++) {
      for (size_t i = 0; i < count; i++) {
        double z = assay_random_normal(&random);
        pnl[i] = kind == 0 ? z : kind == 1 ? floor(z) : kind == 2 ? z * exp(40 * assay_random_normal(&random)) : (double)i;
      }
      compare(pnl, count, levels, 8);
      compare(pnl, count, levels, 1);
    }
  }
}

/* A sample that meets only gains must not make the answer wrong. */
static void hostile_orders_agree_with_a_sort(void **state) {
  (void)state;
  enum { COUNT = 200000 };
  static double pnl[COUNT];
  const double levels[] = {0.99, 0.999};
  for (size_t i = 0; i < COUNT; i++) pnl[i] = i % 48 == 0 ? -1.0 - (double)i : 5; /* all losses on one beat */
  compare(pnl, COUNT, levels, 2);
  for (size_t i = 0; i < COUNT; i++) pnl[i] = 3;
  compare(pnl, COUNT, levels, 2);
  for (size_t i = 0; i < COUNT; i++) pnl[i] = i < COUNT / 2 ? -3 : 7;
  compare(pnl, COUNT, levels, 2);
}

/* Any order of the scenarios gives the same bits. */
static void order_does_not_matter(void **state) {
  (void)state;
  enum { COUNT = 100001, LEVELS = 3 };
  static double pnl[COUNT], shuffled[COUNT];
  static size_t order[COUNT];
  const double levels[LEVELS] = {0.95, 0.975, 0.9973};
  assay_random random;
  assay_random_init(&random, 11);
  for (size_t i = 0; i < COUNT; i++) {
    order[i] = i;
    pnl[i] = assay_random_normal(&random) * exp(5 * assay_random_normal(&random)) + 0.01;
  }
  assay_risk_tail first[LEVELS], again[LEVELS];
  assay_error err = {0};
  assert_ok(assay_risk_historical(pnl, COUNT, levels, LEVELS, &err, first), err);
  for (int turn = 0; turn < 5; turn++) {
    assay_random_shuffle(&random, order, COUNT);
    for (size_t i = 0; i < COUNT; i++) shuffled[i] = pnl[order[i]];
    assert_ok(assay_risk_historical(shuffled, COUNT, levels, LEVELS, &err, again), err);
    assert_memory_equal(first, again, sizeof first);
  }
}

static void extreme_scales(void **state) {
  (void)state;
  const double scales[] = {1e-310, 1e-200, 1e100, 1e300};
  double pnl[1000];
  const double levels[] = {0.9, 0.99};
  assay_random random;
  assay_random_init(&random, 3);
  for (size_t s = 0; s < 4; s++) {
    for (size_t i = 0; i < 1000; i++) pnl[i] = assay_random_normal(&random) * scales[s];
    assay_risk_tail tails[2];
    assay_error err = {0};
    assert_ok(assay_risk_historical(pnl, 1000, levels, 2, &err, tails), err);
    for (size_t k = 0; k < 2; k++) {
      assay_risk_tail expected = obvious(pnl, 1000, levels[k]);
      assert_true(tails[k].var == expected.var);
      assert_near(tails[k].es / scales[s], expected.es / scales[s], 1e-13);
    }
  }
}

static void assert_refused(const double *pnl, size_t count, const double *levels, size_t level_count, const char *says) {
  assay_risk_tail tails[2] = {{.var = 7}};
  assay_error err = {0};
  assert_int_equal(assay_risk_historical(pnl, count, levels, level_count, &err, tails), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, says));
  assert_true(tails[0].var == 7);
}

static void bad_input_is_named(void **state) {
  (void)state;
  static double pnl[50000];
  const double fine[] = {0.99}, high[] = {1}, low[] = {0}, nan_level[] = {NAN};
  assert_refused(pnl, 0, fine, 1, "no scenarios");
  assert_refused(pnl, 5, fine, 0, "0 levels");
  assert_refused(pnl, 5, high, 1, "level 0 is 1");
  assert_refused(pnl, 5, low, 1, "level 0 is 0");
  assert_refused(pnl, 5, nan_level, 1, "level 0");
  pnl[49000] = NAN;
  assert_refused(pnl, 50000, fine, 1, "scenario 49000 is nan");
  pnl[49000] = INFINITY;
  assert_refused(pnl, 50000, fine, 1, "scenario 49000 is inf");
}

/* E[loss | loss > q] and q of a normal, from tables: z 0.95 = 1.6448536, 0.99 = 2.3263479; ES 2.0627128, 2.6652142. */
static void normal_tails(void **state) {
  (void)state;
  const double levels[] = {0.95, 0.99};
  const assay_risk_moments moments = {.mean = 0.5, .stddev = 2};
  assay_risk_tail tails[2];
  assay_error err = {0};
  assert_ok(assay_risk_normal(&moments, levels, 2, &err, tails), err);
  assert_near(tails[0].var, 2 * 1.6448536269514722 - 0.5, 1e-10);
  assert_near(tails[0].es, 2 * 2.0627128075074257 - 0.5, 1e-10);
  assert_near(tails[1].var, 2 * 2.3263478740408408 - 0.5, 1e-10);
  assert_near(tails[1].es, 2 * 2.6652142203458053 - 0.5, 1e-10);
}

/* The closed form of ES against the integral of the corrected quantile over levels. */
static void cornish_fisher_integrates(void **state) {
  (void)state;
  const assay_risk_moments cases[] = {{0.1, 1.5, -0.4, 1.2}, {0, 1, 0, 0}, {-1, 0.1, 0.2, 0.5}, {0, 1, -0.7, 3}};
  for (size_t c = 0; c < 4; c++) {
    const double level = 0.96;
    assay_risk_tail tail, normal;
    assay_error err = {0};
    assert_ok(assay_risk_cornish_fisher(&cases[c], &level, 1, &err, &tail), err);
    enum { STEPS = 20000 };
    double sum = 0;
    for (int i = 0; i < STEPS; i++) {
      double at = 1 - (1 - level) * (i + 0.5) / STEPS; /* midpoints; the end is an integrable singularity */
      assay_risk_tail point;
      assert_ok(assay_risk_cornish_fisher(&cases[c], &at, 1, &err, &point), err);
      sum += point.var;
    }
    assert_near(tail.es, sum / STEPS, 4e-4 * cases[c].stddev);
    assert_ok(assay_risk_normal(&cases[c], &level, 1, &err, &normal), err);
    if (cases[c].skewness == 0) assert_near(tail.es, normal.es, 1e-14);
    if (cases[c].skewness < 0) assert_true(tail.var > normal.var);
  }
}

static void cornish_fisher_outside_its_range(void **state) {
  (void)state;
  const assay_risk_moments wild = {.stddev = 1, .skewness = 3, .excess_kurtosis = 1}, negative = {.stddev = -1}, not_finite = {.mean = NAN};
  const double level = 0.99;
  assay_risk_tail tail;
  assay_error err = {0};
  assert_int_equal(assay_risk_cornish_fisher(&wild, &level, 1, &err, &tail), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "not monotone"));
  assert_int_equal(assay_risk_normal(&negative, &level, 1, NULL, &tail), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_normal(&not_finite, &level, 1, NULL, &tail), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_hundred_losses_by_hand),
      cmocka_unit_test(random_scenarios_agree_with_a_sort),
      cmocka_unit_test(hostile_orders_agree_with_a_sort),
      cmocka_unit_test(order_does_not_matter),
      cmocka_unit_test(extreme_scales),
      cmocka_unit_test(bad_input_is_named),
      cmocka_unit_test(normal_tails),
      cmocka_unit_test(cornish_fisher_integrates),
      cmocka_unit_test(cornish_fisher_outside_its_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
