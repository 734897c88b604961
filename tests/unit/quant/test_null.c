/* SPDX-License-Identifier: MIT */
/* Who forgets an argument is told which: no public function of finance may crash on NULL. */
#include <assay/crossover.h>
#include <assay/device.h>
#include <assay/quant.h>

#include <string.h>

#include "test.h"

static assay_error err;

/* INVALID, with the word that says what is missing. */
#define assert_needs(call, word)                \
  do {                                          \
    err = (assay_error){0};                     \
    assert_int_equal(call, ASSAY_ERR_INVALID);  \
    assert_non_null(strstr(err.message, word)); \
  } while (0)

static void options_and_trees(void **state) {
  (void)state;
  const assay_option option = {.spot = 100, .strike = 110, .time = 0.25, .rate = 0.05, .volatility = 0.2};
  const assay_options options = {.count = 2};
  const assay_options_out out = {0};
  const assay_tree tree = {.steps = 10};
  double price;
  assert_needs(assay_option_price(NULL, &err, &price, NULL), "an option");
  assert_needs(assay_option_price(&option, &err, NULL, NULL), "a place for the price");
  assert_needs(assay_option_implied_volatility(NULL, 1, &err, &price), "an option");
  assert_needs(assay_option_implied_volatility(&option, 1, &err, NULL), "a place for the volatility");
  assert_needs(assay_options_price(NULL, &out, &err, NULL), "options");
  assert_needs(assay_options_price(&options, NULL, &err, NULL), "places");
  assert_needs(assay_options_implied_volatility(NULL, assay_option_all(1), &price, NULL, &err, NULL), "options");
  assert_needs(assay_options_implied_volatility(&options, assay_option_all(1), NULL, NULL, &err, NULL), "a place");
  assert_needs(assay_tree_price(NULL, &tree, &err, &price, NULL), "an option");
  assert_needs(assay_tree_price(&option, NULL, &err, &price, NULL), "a tree");
  assert_needs(assay_tree_price(&option, &tree, &err, NULL, NULL), "a place for the price");
}

static void simulations(void **state) {
  (void)state;
  const assay_mc_params params = {.spot = 100, .strike = 110, .time = 0.25, .rate = 0.05, .volatility = 0.2, .paths = 20000};
  assay_mc_result result;
  double value;
  assert_needs(assay_mc_price(NULL, &err, &result), "parameters");
  assert_needs(assay_mc_price(&params, &err, NULL), "a place for its result");
  assert_needs(assay_mc_paths(NULL, 0, 1, &err, &value), "parameters");
  assert_needs(assay_mc_paths(&params, 0, 1, &err, NULL), "a place for the paths");
}

static void risks(void **state) {
  (void)state;
  const double values[] = {0.01, -0.02, 0.03}, covariance[] = {1}, level = 0.99;
  const assay_risk_moments moments = {.stddev = 1};
  assay_risk_moments found;
  assay_risk_drawdown drawdown;
  assay_risk_beta beta;
  assay_risk_tail tail;
  assert_needs(assay_risk_get_moments(NULL, 3, &err, &found), "no array");
  assert_needs(assay_risk_get_moments(values, 3, &err, NULL), "a place for the moments");
  assert_needs(assay_risk_get_drawdown(NULL, 3, &err, NULL, &drawdown), "no array");
  assert_needs(assay_risk_get_drawdown(values, 3, &err, NULL, NULL), "a place for the drawdown");
  assert_needs(assay_risk_get_performance(values, 3, NULL, &err, NULL), "the performance");
  assert_needs(assay_risk_get_beta(NULL, values, 3, &err, &beta), "the asset's return");
  assert_needs(assay_risk_get_beta(values, NULL, 3, &err, &beta), "the market's return");
  assert_needs(assay_risk_get_beta(values, values, 3, &err, NULL), "a place for beta");
  assert_needs(assay_risk_historical(values, 3, NULL, 1, &err, &tail), "the levels");
  assert_needs(assay_risk_historical(values, 3, &level, 1, &err, NULL), "the tails");
  assert_needs(assay_risk_normal(NULL, &level, 1, &err, &tail), "no moments");
  assert_needs(assay_risk_normal(&moments, &level, 1, &err, NULL), "the tails");
  assert_needs(assay_risk_cornish_fisher(NULL, &level, 1, &err, &tail), "no moments");
  assert_needs(assay_risk_cornish_fisher(&moments, &level, 1, &err, NULL), "the tails");
  assert_needs(assay_risk_get_stress(values, 1, covariance, NULL, 1, &err, NULL), "the scenarios");
}

static void indicators_and_devices(void **state) {
  (void)state;
  size_t rows;
  assay_perf_report report;
  assert_needs(assay_indicator_warmup(NULL, NULL, &err, &rows), "an indicator");
  assert_needs(assay_indicator_warmup(assay_indicator_find("rsi"), NULL, &err, NULL), "a place for the rows");
  assert_null(assay_device_get_info(NULL));
  assert_false(assay_device_supports(NULL, "gemm_f32"));
  assert_false(assay_perf_get(NULL, 0, &report));
  assert_needs(assay_device_default(&err, NULL), "a place for the device");
  assert_needs(assay_crossover_measure(NULL, &err, NULL), "a place for what it finds");
  assert_false(assay_device_is_exact(NULL));
  assert_int_equal(assay_device_memory_classes(NULL, NULL, 0) + assay_device_memory_labels(NULL, NULL, 0), 0);
  assert_int_equal(assay_device_memory_advise(NULL, NULL, 0), 0);
  assert_int_equal(assay_device_trim(NULL, 0) + assay_device_defragment(NULL), 0);
  assay_device_set_memory_limit(NULL, 1);
  assay_memory_stats stats;
  assay_device_memory(NULL, &stats);
  assert_int_equal(stats.live_bytes, 0);
  assay_device_health health;
  assay_device_get_health(NULL, &health);
  assert_non_null(strstr(health.cause, "no device"));
  assert_int_equal(assay_buffer_bytes(NULL), 0);
  assert_null(assay_buffer_host(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(options_and_trees), cmocka_unit_test(simulations), cmocka_unit_test(risks),
                                     cmocka_unit_test(indicators_and_devices)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
