/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/risk.h>
#include <assay/stats.h>

#include "kernels/kernel.h"
#include "kernels/risk/scenarios.h"
#include "test.h"

static const double covariance[] = {0.04, 0.012, -0.006, 0.012, 0.09, 0.0, -0.006, 0.0, 0.01};
static const double positions[] = {100, -40, 250}, mean[] = {0.01, 0.02, 0.005};
static const double levels[] = {0.95, 0.99};
enum { COUNT = 200000 };
static double pnl[COUNT], again[COUNT];

static void moments(double *mu, double *sigma) {
  *mu = *sigma = 0;
  for (int i = 0; i < 3; i++) {
    *mu += positions[i] * mean[i];
    for (int j = 0; j < 3; j++) *sigma += positions[i] * covariance[i * 3 + j] * positions[j];
  }
  *sigma = sqrt(*sigma);
}

/* A linear portfolio of normal returns has the normal's tails: within four standard errors. */
static void linear_normal_has_a_closed_form(void **state) {
  (void)state;
  const assay_risk_simulation s = {
      .assets = 3, .positions = positions, .mean = mean, .covariance = covariance, .scenarios = COUNT, .seed = 1};
  assay_risk_simulated tails[2];
  assay_risk_tail exact[2];
  assay_risk_moments m = {0};
  assay_error err = {0};
  moments(&m.mean, &m.stddev);
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, pnl, tails), err);
  assert_ok(assay_risk_normal(&m, levels, 2, &err, exact), err);
  for (int k = 0; k < 2; k++) {
    double width = tails[k].var_high - tails[k].var_low;
    assert_true(width > 0 && width < 0.05 * m.stddev);
    assert_near(tails[k].tail.var, exact[k].var, width);
    assert_near(tails[k].tail.es, exact[k].es, 4 * tails[k].es_error);
    assert_true(tails[k].var_low <= tails[k].tail.var && tails[k].tail.var <= tails[k].var_high);
  }
  assert_near(assay_stats_mean(pnl, COUNT), m.mean, 4 * m.stddev / sqrt(COUNT));
  assert_near(assay_stats_stddev(pnl, COUNT) / m.stddev, 1, 4 / sqrt(2.0 * COUNT));
}

/* The nonlinear way without a curvature draws the same normals, so it gives the same P&L up to rounding. */
static void revaluation_agrees_with_the_linear_form(void **state) {
  (void)state;
  const double none[3] = {0};
  assay_risk_simulation s = {
      .assets = 3, .positions = positions, .mean = mean, .covariance = covariance, .scenarios = 5000, .seed = 9, .degrees = 5};
  assay_risk_simulated tails[2];
  assay_error err = {0};
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, pnl, tails), err);
  s.gamma = none;
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, again, tails), err);
  for (int k = 0; k < 5000; k++) assert_near(again[k], pnl[k], 1e-11 * 100);
}

/* E[e^x - 1] and E[position r + gamma r^2 / 2] have closed forms too. */
static void curvature_and_logarithms(void **state) {
  (void)state;
  const double gamma[] = {500, 0, -300};
  assay_risk_simulation s = {
      .assets = 3, .positions = positions, .mean = mean, .covariance = covariance, .gamma = gamma, .scenarios = COUNT, .seed = 3};
  assay_risk_simulated tails[2];
  assay_error err = {0};
  double expected = 0;
  for (int i = 0; i < 3; i++) expected += positions[i] * mean[i] + gamma[i] / 2 * (covariance[4 * i] + mean[i] * mean[i]);
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, pnl, tails), err);
  assert_near(assay_stats_mean(pnl, COUNT), expected, 4 * assay_stats_stddev(pnl, COUNT) / sqrt(COUNT));
  s.gamma = NULL;
  s.log_returns = true;
  expected = 0;
  for (int i = 0; i < 3; i++) expected += positions[i] * (exp(mean[i] + covariance[4 * i] / 2) - 1);
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, pnl, tails), err);
  assert_near(assay_stats_mean(pnl, COUNT), expected, 4 * assay_stats_stddev(pnl, COUNT) / sqrt(COUNT));
}

/* Student's t of 5 degrees with the same covariance: wider tails, the quantile from tables (2.015 at 95 %, 3.365 at 99 %). */
static void student_has_the_same_covariance_and_wider_tails(void **state) {
  (void)state;
  const assay_risk_simulation s = {
      .assets = 3, .positions = positions, .covariance = covariance, .degrees = 5, .scenarios = COUNT, .seed = 4};
  assay_risk_simulated tails[2];
  assay_error err = {0};
  double mu, sigma;
  moments(&mu, &sigma);
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, pnl, tails), err);
  double scale = sigma * sqrt(3.0 / 5);
  assert_near(tails[0].tail.var, 2.0150483726691575 * scale, tails[0].var_high - tails[0].var_low);
  assert_near(tails[1].tail.var, 3.3649299989072756 * scale, tails[1].var_high - tails[1].var_low);
}

/* All builds and devices simulate the same bits. */
static void every_build_has_the_same_bits(void **state) {
  (void)state;
  enum { ASSETS = 7, PADDED = 8, ITEMS = 2 * ASSAY_KERNEL_GROUP_SIZE };
  static double factor[PADDED * PADDED], lines[4 * PADDED], scratch[PADDED * ITEMS], first[ITEMS], other[ITEMS];
  for (int i = 0; i < ASSETS; i++) {
    lines[i] = 10 - i;
    lines[PADDED + i] = 0.01 * i;
    lines[2 * PADDED + i] = i;
    for (int k = 0; k <= i; k++) factor[i * PADDED + k] = 0.1 / (1 + i + k);
  }
  for (u32 form = 0; form < 8; form++) {
    const risk_scenarios_params p = {.assets = ASSETS,
                                     .padded = PADDED,
                                     .degrees = form & 1 ? 7 : 0,
                                     .linear = form >> 1 & 1,
                                     .log_returns = form >> 2,
                                     .first = 512,
                                     .key = random_key_make(5, form),
                                     .offset = 0.5};
    const assay_kernel *kernel = assay_kernel_find("risk_scenarios_f64");
    void *const buffers[] = {factor, lines, scratch, first}, *const others[] = {factor, lines, scratch, other};
    kernel->variants[0](&p, buffers, 0, 2);
    for (size_t index = 1, variant; (variant = assay_kernel_variant_usable(index)) != ASSAY_KERNEL_VARIANT_COUNT; index++) {
      kernel->variants[variant](&p, others, 0, 2);
      assert_memory_equal(first, other, sizeof first);
    }
  }
  assay_risk_simulation s = {
      .assets = 3, .positions = positions, .mean = mean, .covariance = covariance, .log_returns = true, .scenarios = 3000, .seed = 6};
  assay_risk_simulated here[2], there[2];
  assay_error err = {0};
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, pnl, here), err);
  const char *const devices[] = {"cpu", "opencl", "cuda"};
  for (int d = 0; d < 3; d++) {
    s.device = devices[d];
    assay_status status = assay_risk_monte_carlo(&s, levels, 2, NULL, again, there);
    if (status != ASSAY_OK && d > 0) continue; /* not here */
    assert_int_equal(status, ASSAY_OK);
    assert_memory_equal(pnl, again, 3000 * sizeof *pnl);
    assert_memory_equal(here, there, sizeof here);
  }
}

static void bad_input_is_named(void **state) {
  (void)state;
  const double indefinite[] = {1, 2, 2, 1}, with_nan[] = {1, NAN}, singular[] = {1, 1, 1, 1};
  assay_risk_simulation s = {.assets = 2, .positions = positions, .covariance = indefinite, .scenarios = 1000};
  assay_risk_simulated tails[2];
  assay_error err = {0};
  assert_int_equal(assay_risk_monte_carlo(&s, levels, 2, &err, NULL, tails), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "not positive semidefinite"));
  s.covariance = singular;
  assay_error_clear(&err);
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, NULL, tails), err);
  s.scenarios = 10000000000;
  assert_int_equal(assay_risk_monte_carlo(&s, levels, 2, NULL, NULL, tails), ASSAY_ERR_LIMIT);
  s.scenarios = 1000;
  s.degrees = 2;
  assert_int_equal(assay_risk_monte_carlo(&s, levels, 2, NULL, NULL, tails), ASSAY_ERR_INVALID);
  s.degrees = 0;
  s.positions = with_nan;
  assert_int_equal(assay_risk_monte_carlo(&s, levels, 2, NULL, NULL, tails), ASSAY_ERR_INVALID);
  s.assets = 0;
  assert_int_equal(assay_risk_monte_carlo(&s, levels, 2, NULL, NULL, tails), ASSAY_ERR_INVALID);
}

/* An asset's own scale decides what is nothing for it, not the largest variance of another. */
static void quiet_assets_keep_their_risk(void **state) {
  (void)state;
  const double uneven[] = {1e-4, 0, 0, 1e-18}, held[] = {0, 1e9}, huge[] = {1e200, 1e200}, half[] = {1, 0.5, 0.5, 1};
  assay_risk_simulation s = {.assets = 2, .positions = held, .covariance = uneven, .scenarios = COUNT};
  assay_risk_simulated tails[2];
  assay_error err = {0};
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, NULL, tails), err);
  assert_near(tails[1].tail.var, 2.326, 0.03);
  s.positions = huge;
  s.covariance = half;
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, NULL, tails), err);
  assert_near(tails[1].es_error / tails[1].tail.es, 0.005, 0.003);
}

static void what_answered_is_told(void **state) {
  (void)state;
  assay_risk_where where = {.device = "nobody"};
  assay_risk_simulation s = {.assets = 3, .positions = positions, .covariance = covariance, .scenarios = 1000, .where = &where};
  assay_risk_covariance_options options = {.device = "cpu"};
  assay_risk_covariance_info info;
  assay_risk_simulated tails[2];
  double matrix[4];
  assay_error err = {0};
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, NULL, tails), err);
  assert_string_equal(where.device, "cpu");
  assert_non_null(strstr(where.reason, "calling thread"));
  s.device = options.device;
  assert_ok(assay_risk_monte_carlo(&s, levels, 2, &err, NULL, tails), err);
  assert_string_equal(where.device, "cpu");
  assert_null(strstr(where.reason, "calling thread"));
  assert_ok(assay_risk_covariance(positions, 1, 2, &(assay_risk_covariance_options){.zero_mean = true}, &err, matrix, &info), err);
  assert_non_null(strstr(info.where.reason, "calling thread"));
  options.zero_mean = true;
  assert_ok(assay_risk_covariance(positions, 1, 2, &options, &err, matrix, &info), err);
  assert_string_equal(info.where.device, "cpu");
}

static void no_array_is_a_status(void **state) {
  (void)state;
  assay_risk_simulation s = {.assets = 3, .positions = positions, .scenarios = 1000};
  assay_risk_simulated tails[2];
  double w[9];
  assert_int_equal(assay_risk_monte_carlo(&s, levels, 2, NULL, NULL, tails), ASSAY_ERR_INVALID);
  s.covariance = covariance;
  assert_int_equal(assay_risk_monte_carlo(&s, NULL, 2, NULL, NULL, tails), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_monte_carlo(&s, levels, 2, NULL, NULL, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_monte_carlo(NULL, levels, 2, NULL, NULL, tails), ASSAY_ERR_INVALID);
  s.positions = NULL;
  assert_int_equal(assay_risk_monte_carlo(&s, levels, 2, NULL, NULL, tails), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_historical(NULL, 5, levels, 2, NULL, &tails[0].tail), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_historical(positions, 3, NULL, 2, NULL, &tails[0].tail), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_covariance(NULL, 5, 2, NULL, NULL, w, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_covariance(covariance, 3, 2, NULL, NULL, NULL, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_nearest_correlation(NULL, 3, NULL, NULL, w, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_eigen(NULL, 3, NULL, w, NULL), ASSAY_ERR_INVALID);
  assay_risk_drawdown drawdown;
  assay_risk_performance performance;
  assay_risk_beta beta;
  assay_risk_stress stress;
  assert_int_equal(assay_risk_get_drawdown(NULL, 3, NULL, NULL, &drawdown), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_performance(NULL, 3, NULL, NULL, &performance), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_beta(NULL, positions, 3, NULL, &beta), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_stress(NULL, 3, NULL, NULL, 0, NULL, &stress), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_stress(positions, 3, NULL, NULL, 1, NULL, &stress), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_stress(positions, 3, NULL, &(assay_risk_scenario){.count = 1}, 1, NULL, &stress), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear_normal_has_a_closed_form),
      cmocka_unit_test(revaluation_agrees_with_the_linear_form),
      cmocka_unit_test(curvature_and_logarithms),
      cmocka_unit_test(student_has_the_same_covariance_and_wider_tails),
      cmocka_unit_test(every_build_has_the_same_bits),
      cmocka_unit_test(bad_input_is_named),
      cmocka_unit_test(quiet_assets_keep_their_risk),
      cmocka_unit_test(what_answered_is_told),
      cmocka_unit_test(no_array_is_a_status),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
