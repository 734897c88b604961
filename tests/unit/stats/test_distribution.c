/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/stats.h>

#include "base/random.h"
#include "test.h"

/* NIST/SEMATECH e-Handbook, table 1.3.6.7.2, upper critical values, three decimals. */
static void quantiles_agree_with_the_published_table(void **state) {
  (void)state;
  static const struct {
    double df, p, t;
  } table[] = {
      {1, 0.90, 3.078},         {1, 0.95, 6.314},         {1, 0.975, 12.706}, {1, 0.99, 31.821},   {1, 0.995, 63.657},
      {2, 0.975, 4.303},        {2, 0.995, 9.925},        {3, 0.975, 3.182},  {3, 0.995, 5.841},   {4, 0.975, 2.776},
      {4, 0.995, 4.604},        {5, 0.90, 1.476},         {5, 0.975, 2.571},  {5, 0.995, 4.032},   {9, 0.975, 2.262},
      {10, 0.95, 1.812},        {10, 0.975, 2.228},       {10, 0.995, 3.169}, {20, 0.975, 2.086},  {29, 0.975, 2.045},
      {30, 0.975, 2.042},       {30, 0.995, 2.750},       {60, 0.975, 2.000}, {100, 0.975, 1.984}, {INFINITY, 0.975, 1.960},
      {INFINITY, 0.995, 2.576}, {INFINITY, 0.999, 3.090},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    assert_near(assay_stats_t_quantile(table[i].p, table[i].df), table[i].t, 0.00051);
    assert_near(assay_stats_t_quantile(1 - table[i].p, table[i].df), -table[i].t, 0.00051);
  }
}

/* Many digits, as R prints them: qnorm(p), qt(0.975, df). */
static void quantiles_agree_to_many_digits(void **state) {
  (void)state;
  assert_near(assay_stats_normal_quantile(0.975), 1.959963984540054, 1e-14);
  assert_near(assay_stats_normal_quantile(0.995), 2.575829303548901, 1e-14);
  assert_near(assay_stats_normal_quantile(0.75), 0.6744897501960817, 1e-14);
  assert_near(assay_stats_normal_quantile(1e-10), -6.361340902404056, 1e-13);
  assert_near(assay_stats_t_quantile(0.975, 3), 3.182446305284263, 1e-11);
  assert_near(assay_stats_t_quantile(0.975, 10), 2.228138851964939, 1e-10);
  assert_near(assay_stats_t_quantile(0.975, 30), 2.042272456301238, 1e-10);
}

/* df = 1, 2 and 4 have closed forms (Shaw 2006). */
static void quantiles_agree_with_closed_forms(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 4);
  for (int trial = 0; trial < 2000; trial++) {
    double tail = exp(-30 * assay_random_unit(&random)) / 2; /* 5e-14 .. 0.5 */
    double p = tail;
    double one = -1 / tan(M_PI * p), alpha = 4 * p * (1 - p), two = -(1 - 2 * p) * sqrt(2 / alpha);
    double root = cos(acos(sqrt(alpha)) / 3) / sqrt(alpha), four = -2 * sqrt(root - 1);
    assert_near(assay_stats_t_quantile(p, 1) / one, 1, 1e-12);
    assert_near(assay_stats_t_quantile(p, 2) / two, 1, 1e-12);
    assert_near(assay_stats_t_quantile(p, 4), four, 1e-10 * fmax(1, -four)); /* the form itself cancels near p = 1/2 */
    assert_near(assay_stats_t_pvalue(one, 1) / (2 * p), 1, 1e-12);
    assert_near(assay_stats_t_pvalue(-two, 2) / (2 * p), 1, 1e-12);
  }
}

/* P(|T| <= t) of whole df as a finite sum (Abramowitz and Stegun 26.7.3 and 26.7.4): an answer that shares nothing with the continued
 * fraction. */
static double inside_by_finite_sum(double t, int df) {
  double theta = atan(t / sqrt(df)), c = cos(theta), term = df % 2 ? c : 1, total = 0;
  for (int k = df % 2 ? 1 : 0; k <= df - 2; k += 2) {
    total += term;
    term *= c * c * (k + 1) / (k + 2);
  }
  return df % 2 ? 2 / M_PI * (theta + sin(theta) * total) : sin(theta) * total;
}

static void pvalues_agree_with_finite_sums(void **state) {
  (void)state;
  for (int df = 1; df <= 400; df += df < 40 ? 1 : 37)
    for (double t = 0.001; t < 12; t *= 1.3) assert_near(assay_stats_t_pvalue(t, df), 1 - inside_by_finite_sum(t, df), 1e-13);
  assert_near(assay_stats_t_pvalue(-1.5, 7), assay_stats_t_pvalue(1.5, 7), 0);
}

static void quantile_and_pvalue_are_inverse(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 5);
  const double fixed[] = {0.5, 1, 3, 29, 9999, 10001, 1e9, INFINITY};
  for (int trial = 0; trial < 3000; trial++) {
    double df = trial % 2 ? fixed[trial / 2 % 8] : exp(14 * assay_random_unit(&random) - 1);
    double p = exp(-50 * assay_random_unit(&random)) / 2;
    double t = assay_stats_t_quantile(p, df);
    assert_true(t < 0);
    assert_near(assay_stats_t_pvalue(t, df) / (2 * p), 1, 1e-10);
    if (p > 1e-8) assert_near(assay_stats_t_quantile(1 - p, df) / t, -1, 1e-7); /* 1 - p itself is rounded */
  }
}

static void many_degrees_of_freedom_join_the_normal_without_a_step(void **state) {
  (void)state;
  for (double t = 0.1; t < 36; t += 0.37) {
    double below = assay_stats_t_pvalue(t, 1e4 * (1 - 1e-12)), above = assay_stats_t_pvalue(t, 1e4);
    assert_near(below / above, 1, 1e-10);
    assert_near(assay_stats_t_pvalue(t, 1e15) / erfc(t / sqrt(2)), 1, 1e-9);
  }
}

static void edges(void **state) {
  (void)state;
  assert_near(assay_stats_t_quantile(0.5, 3), 0, 0);
  assert_near(assay_stats_t_quantile(0.5 + 1e-12, 2) / 2.8284271247461903e-12, 1, 1e-4); /* 0.5 + 1e-12 is rounded */
  assert_near(assay_stats_t_quantile(1e-300, 1) * M_PI * 1e-300, -1, 1e-12);
  assert_near(assay_stats_normal_quantile(1e-300), -37.0471, 1e-4);
  assert_near(assay_stats_t_pvalue(0, 3), 1, 0);
  assert_near(assay_stats_t_pvalue(INFINITY, 3), 0, 0);
  assert_near(assay_stats_t_pvalue(1e200, 1) / (2 / M_PI * 1e-200), 1, 1e-10);
  assert_near(assay_stats_t_pvalue(1e200, INFINITY), 0, 0);
  assert_true(isnan(assay_stats_t_quantile(0, 3)) && isnan(assay_stats_t_quantile(1, 3)) && isnan(assay_stats_t_quantile(NAN, 3)));
  assert_true(isnan(assay_stats_t_quantile(0.9, 0)) && isnan(assay_stats_t_quantile(0.9, -1)) && isnan(assay_stats_t_quantile(0.9, NAN)));
  assert_true(isnan(assay_stats_t_pvalue(NAN, 3)) && isnan(assay_stats_t_pvalue(1, 0)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quantiles_agree_with_the_published_table),
      cmocka_unit_test(quantiles_agree_to_many_digits),
      cmocka_unit_test(quantiles_agree_with_closed_forms),
      cmocka_unit_test(pvalues_agree_with_finite_sums),
      cmocka_unit_test(quantile_and_pvalue_are_inverse),
      cmocka_unit_test(many_degrees_of_freedom_join_the_normal_without_a_step),
      cmocka_unit_test(edges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
