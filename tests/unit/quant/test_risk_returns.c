/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/risk.h>
#include <assay/stats.h>

#include "base/random.h"
#include "test.h"

static void moments_by_hand(void **state) {
  (void)state;
  const double values[] = {2, 4, 4, 4, 5, 5, 7, 9}; /* m2 4, m3 5.25, m4 44.5 */
  assay_risk_moments moments;
  assay_error err = {0};
  assert_ok(assay_risk_get_moments(values, 8, &err, &moments), err);
  assert_near(moments.mean, 5, 0);
  assert_near(moments.stddev, sqrt(32.0 / 7), 1e-15);
  assert_near(moments.skewness, 5.25 / 8, 1e-14);
  assert_near(moments.excess_kurtosis, 44.5 / 16 - 3, 1e-14);
}

static void moments_of_shifted_and_scaled_values(void **state) {
  (void)state;
  const double scales[] = {1e-290, 1e-5, 1, 1e8, 1e290};
  double values[500], plain[500];
  assay_random random;
  assay_random_init(&random, 9);
  for (int i = 0; i < 500; i++) plain[i] = ldexp(floor(ldexp(exp(assay_random_normal(&random)), 20)), -20);
  assay_risk_moments first, moments;
  assay_error err = {0};
  assert_ok(assay_risk_get_moments(plain, 500, &err, &first), err);
  for (int s = 0; s < 5; s++) {
    for (int i = 0; i < 500; i++) values[i] = plain[i] * scales[s];
    assert_ok(assay_risk_get_moments(values, 500, &err, &moments), err);
    assert_near(moments.skewness, first.skewness, 1e-12);
    assert_near(moments.excess_kurtosis, first.excess_kurtosis, 1e-11);
    assert_near(moments.stddev / scales[s], first.stddev, 1e-13);
  }
  for (int i = 0; i < 500; i++) values[i] = plain[i] + 0x1p27; /* prices near 1e8: exact in doubles */
  assert_ok(assay_risk_get_moments(values, 500, &err, &moments), err);
  assert_near(moments.stddev, first.stddev, 1e-12);
  assert_near(moments.skewness, first.skewness, 1e-11);
  for (int i = 0; i < 500; i++) values[i] = 0.1;
  assert_ok(assay_risk_get_moments(values, 500, &err, &moments), err);
  assert_true(moments.stddev == 0 && moments.skewness == 0 && moments.excess_kurtosis == 0);
}

static void drawdown_by_hand(void **state) {
  (void)state;
  const double curve[] = {100, 120, 90, 110, 120, 130, 65, 80, 130, 140, 133};
  double series[11];
  assay_risk_drawdown found;
  assay_error err = {0};
  assert_ok(assay_risk_get_drawdown(curve, 11, &err, series, &found), err);
  assert_near(found.deepest, 0.5, 0);
  assert_int_equal(found.peak, 5);
  assert_int_equal(found.trough, 6);
  assert_int_equal(found.recovery, 8);
  assert_int_equal(found.longest, 3); /* 1 to 4 and 5 to 8 */
  assert_near(found.current, 0.05, 1e-15);
  assert_near(series[2], 0.25, 0);
  double sum = 0.25 + 10.0 / 120 + 0.5 + 50.0 / 130 + 0.05;
  assert_near(found.average, sum / 11, 1e-15);
  assert_ok(assay_risk_get_drawdown(curve, 8, &err, NULL, &found), err);
  assert_true(found.recovery == SIZE_MAX);
  assert_int_equal(found.longest, 3);
  assert_ok(assay_risk_get_drawdown(curve, 2, &err, NULL, &found), err);
  assert_true(found.deepest == 0 && found.longest == 0);
}

static void drawdown_agrees_with_all_pairs(void **state) {
  (void)state;
  double curve[200];
  assay_random random;
  assay_random_init(&random, 21);
  for (int turn = 0; turn < 50; turn++) {
    double log_value = 0, deepest = 0;
    for (int i = 0; i < 200; i++) curve[i] = exp(log_value += 0.1 * assay_random_normal(&random));
    for (int i = 0; i < 200; i++) {
      for (int j = i; j < 200; j++) deepest = fmax(deepest, (curve[i] - curve[j]) / curve[i]);
    }
    assay_risk_drawdown found;
    assay_error err = {0};
    assert_ok(assay_risk_get_drawdown(curve, 200, &err, NULL, &found), err);
    assert_true(found.deepest == deepest);
    assert_true((curve[found.peak] - curve[found.trough]) / curve[found.peak] == deepest);
    if (found.recovery != SIZE_MAX) {
      assert_true(curve[found.recovery] >= curve[found.peak]);
      for (size_t i = found.trough; i < found.recovery; i++) assert_true(curve[i] < curve[found.peak]);
    }
  }
}

static void performance_by_hand(void **state) {
  (void)state;
  const double returns[] = {0.10, -0.05, 0.02, -0.10, 0.08};
  const assay_risk_performance_options options = {.periods_per_year = 12, .risk_free = 0.001};
  assay_risk_performance p;
  assay_error err = {0};
  assert_ok(assay_risk_get_performance(returns, 5, &options, &err, &p), err);
  double total = 1.10 * 0.95 * 1.02 * 0.90 * 1.08, mean = 0.05 / 5;
  double deviation = assay_stats_stddev(returns, 5), downside = sqrt((0.0025 + 0.01) / 5);
  assert_near(p.total, total - 1, 1e-15);
  assert_near(p.annual_return, pow(total, 12.0 / 5) - 1, 1e-14);
  assert_near(p.volatility, deviation * sqrt(12), 1e-15);
  assert_near(p.sharpe, (mean - 0.001) / deviation * sqrt(12), 1e-13);
  assert_near(p.sortino, mean / downside * sqrt(12), 1e-13);
  assert_near(p.drawdown.deepest, 1 - 0.95 * 1.02 * 0.90, 1e-15);
  assert_near(p.calmar, p.annual_return / p.drawdown.deepest, 1e-15);
  assert_null(p.undefined);
}

static void ratios_without_a_value_are_named(void **state) {
  (void)state;
  const double flat[] = {0.01, 0.01, 0.01}, up[] = {0.01, 0.02, 0.03}, ruined[] = {0.1, -1};
  assay_risk_performance p;
  assay_error err = {0};
  assert_ok(assay_risk_get_performance(flat, 3, NULL, &err, &p), err);
  assert_true(isnan(p.sharpe) && isnan(p.sortino) && isnan(p.calmar));
  assert_non_null(strstr(p.undefined, "Sharpe"));
  assert_ok(assay_risk_get_performance(up, 3, NULL, &err, &p), err);
  assert_true(isfinite(p.sharpe) && isnan(p.sortino));
  assert_string_equal(p.undefined, "Sortino: no return is below the target; Calmar: the curve never falls");
  assert_int_equal(assay_risk_get_performance(ruined, 2, NULL, &err, &p), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "return 1 is -1"));
}

/* The stated standard error is the spread of the estimate over many samples. */
static void error_of_sharpe_holds(void **state) {
  (void)state;
  enum { SAMPLES = 400, COUNT = 250 };
  double ratios[SAMPLES], errors = 0, returns[COUNT];
  assay_random random;
  assay_random_init(&random, 77);
  for (int s = 0; s < SAMPLES; s++) {
    for (int i = 0; i < COUNT; i++) returns[i] = 0.01 * (0.5 + assay_random_normal(&random));
    assay_risk_performance p;
    assay_error err = {0};
    assert_ok(assay_risk_get_performance(returns, COUNT, NULL, &err, &p), err);
    ratios[s] = p.sharpe;
    errors += p.sharpe_error / SAMPLES;
  }
  assert_near(assay_stats_stddev(ratios, SAMPLES) / errors, 1, 0.12);
}

static void what_overflows_is_refused(void **state) {
  (void)state;
  assay_risk_moments moments;
  assay_risk_beta beta;
  assay_error err = {0};
  const double huge[] = {1.7e308, -1.7e308, 1.7e308}, asset[] = {1e300, -1e300, 1e300, 0}, market[] = {1e-300, 2e-300, 1e-300, 0};
  assert_int_equal(assay_risk_get_moments(huge, 3, &err, &moments), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "overflows"));
  err = (assay_error){0};
  assert_int_equal(assay_risk_get_beta(asset, market, 4, &err, &beta), ASSAY_ERR_INVALID);
  assert_string_equal(err.message, "the asset varies so much more than the market that beta overflows");
  assert_ok(assay_risk_get_beta(market, market, 4, &err, &beta), err); /* small is not too large */
}

static void beta_of_a_line(void **state) {
  (void)state;
  double market[300], asset[300];
  assay_random random;
  assay_random_init(&random, 4);
  for (int i = 0; i < 300; i++) {
    market[i] = 0.01 * assay_random_normal(&random);
    asset[i] = 0.002 - 1.5 * market[i];
  }
  assay_risk_beta beta;
  assay_error err = {0};
  assert_ok(assay_risk_get_beta(asset, market, 300, &err, &beta), err);
  assert_near(beta.beta, -1.5, 1e-13);
  assert_near(beta.alpha, 0.002, 1e-15);
  assert_near(beta.correlation, -1, 1e-14);
  assert_near(beta.residual, 0, 1e-15);
  /* Normal equations with noise. */
  double sx = 0, sy = 0, sxx = 0, sxy = 0, rss = 0;
  for (int i = 0; i < 300; i++) asset[i] += 0.005 * assay_random_normal(&random);
  for (int i = 0; i < 300; i++) sx += market[i], sy += asset[i], sxx += market[i] * market[i], sxy += market[i] * asset[i];
  double slope = (300 * sxy - sx * sy) / (300 * sxx - sx * sx), level = (sy - slope * sx) / 300;
  for (int i = 0; i < 300; i++) rss += pow(asset[i] - level - slope * market[i], 2);
  assert_ok(assay_risk_get_beta(asset, market, 300, &err, &beta), err);
  assert_near(beta.beta, slope, 1e-12);
  assert_near(beta.alpha, level, 1e-14);
  assert_near(beta.residual, sqrt(rss / 298), 1e-14);
  assert_near(beta.beta_error, sqrt(rss / 298 / (sxx - sx * sx / 300)), 1e-12);
  assert_near(beta.alpha_error, sqrt(rss / 298 * (1.0 / 300 + sx / 300 * sx / 300 / (sxx - sx * sx / 300))), 1e-12);
}

static void bad_input_is_a_status(void **state) {
  (void)state;
  const double with_nan[] = {1, NAN, 3}, negative[] = {1, -2, 3}, flat[] = {1, 1, 1};
  assay_risk_moments moments;
  assay_risk_drawdown drawdown;
  assay_risk_performance performance;
  assay_risk_beta beta;
  assay_error err = {0};
  assert_int_equal(assay_risk_get_moments(with_nan, 3, &err, &moments), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "value 1 is nan"));
  assert_int_equal(assay_risk_get_moments(flat, 1, NULL, &moments), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_drawdown(with_nan, 3, NULL, NULL, &drawdown), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_drawdown(negative, 3, NULL, NULL, &drawdown), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_drawdown(negative, 0, NULL, NULL, &drawdown), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_performance(with_nan, 3, NULL, NULL, &performance), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_beta(negative, flat, 3, NULL, &beta), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_beta(with_nan, negative, 3, NULL, &beta), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(moments_by_hand),       cmocka_unit_test(moments_of_shifted_and_scaled_values),
      cmocka_unit_test(drawdown_by_hand),      cmocka_unit_test(drawdown_agrees_with_all_pairs),
      cmocka_unit_test(performance_by_hand),   cmocka_unit_test(ratios_without_a_value_are_named),
      cmocka_unit_test(error_of_sharpe_holds), cmocka_unit_test(what_overflows_is_refused),
      cmocka_unit_test(beta_of_a_line),        cmocka_unit_test(bad_input_is_a_status),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
