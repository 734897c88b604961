/* SPDX-License-Identifier: MIT */
/* A caller may round as it likes, and flush denormals: the bits are the same, and its environment is its own again afterwards. */
#include <fenv.h>
#include <math.h>

#include <assay/indicators.h>
#include <assay/montecarlo.h>
#include <assay/options.h>
#include <assay/portfolio.h>
#include <assay/risk.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "test.h"

enum { ROWS = 500, MOST = 4 * ROWS };

typedef struct numbers {
  double values[MOST];
  size_t count;
} numbers;

static void keep(numbers *n, double value) {
  assert_true(n->count < MOST);
  n->values[n->count++] = value;
}

static void simulate(numbers *n) {
  assay_mc_params params = {.spot = 100, .strike = 105, .time = 0.75, .rate = 0.05, .volatility = 0.25, .paths = 1 << 14, .greeks = true};
  assay_mc_result r;
  double paths[3 * 4];
  for (int way = 0; way < 4; way++) {
    params.payoff = way == 1 ? ASSAY_MC_ASIAN_ARITHMETIC : way == 2 ? ASSAY_MC_AMERICAN : ASSAY_MC_EUROPEAN;
    params.steps = 3, params.control = way == 1, params.device = "cpu";
    if (way == 3) params.model = ASSAY_MC_HESTON, params.variance = params.long_variance = 0.04, params.reversion = 1;
    if (way == 3) params.variance_volatility = 0.3;
    assert_int_equal(assay_mc_price(&params, NULL, &r), ASSAY_OK);
    keep(n, r.price), keep(n, r.standard_error), keep(n, r.greeks.vega.value), keep(n, r.greeks.gamma.standard_error), keep(n, r.high);
  }
  assert_int_equal(assay_mc_paths(&params, 5, 3, NULL, paths), ASSAY_OK);
  for (size_t i = 0; i < 3 * 4; i++) keep(n, paths[i]);
}

static void price(numbers *n) {
  double strikes[64], prices[64], deltas[64], volatilities[64], value;
  for (int i = 0; i < 64; i++) strikes[i] = 60 + i;
  assay_options options = {.count = 64,
                           .spot = assay_option_all(100),
                           .strike = assay_option_each(strikes),
                           .time = assay_option_all(0.3),
                           .rate = assay_option_all(0.03),
                           .volatility = assay_option_all(0.2)};
  assay_options_out out = {.price = prices, .delta = deltas};
  size_t bad;
  assert_int_equal(assay_options_price(&options, &out, NULL, &bad), ASSAY_OK);
  assert_int_equal(assay_options_implied_volatility(&options, assay_option_each(prices), volatilities, NULL, NULL, &bad), ASSAY_OK);
  for (int i = 0; i < 64; i++) keep(n, prices[i]), keep(n, deltas[i]), keep(n, volatilities[i]);
  assay_option one = {.spot = 100, .strike = 117, .time = 0.3, .rate = 0.03, .volatility = 0.2};
  assay_option_greeks greeks;
  assert_int_equal(assay_option_price(&one, NULL, &value, &greeks), ASSAY_OK);
  keep(n, value), keep(n, greeks.delta), keep(n, greeks.charm);
  assert_int_equal(assay_option_implied_volatility(&one, prices[57], NULL, &value), ASSAY_OK);
  keep(n, value);
  assay_tree tree = {ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_AMERICAN, 51};
  assay_tree_greeks of_tree;
  assert_int_equal(assay_tree_price(&one, &tree, NULL, &value, &of_tree), ASSAY_OK);
  keep(n, value), keep(n, of_tree.vega);
}

static void indicate(numbers *n) {
  static const char *const names[] = {"ema", "rsi"};
  static double close[ROWS], walk; /* made once, as usual */
  double out[ROWS];
  for (int i = 0; walk == 0 || close[ROWS - 1] == 0; i++) close[i] = walk = (i == 0 ? 100 : walk) * (i * 7919 % 13 < 6 ? 1.0103 : 0.9911);
  for (int k = 0; k < 2; k++) {
    assay_indicator_data data = {.rows = ROWS, .series = 1};
    data.values[ASSAY_INDICATOR_CLOSE] = close;
    double *outputs[8] = {out};
    assert_int_equal(assay_indicator_run(assay_indicator_find(names[k]), NULL, &data, NULL, NULL, outputs), ASSAY_OK);
    for (int i = ROWS / 2; i < ROWS; i++) keep(n, out[i]);
  }
}

static void take_risks(numbers *n) {
  enum { PERIODS = 40, ASSETS = 3 };
  static double returns[PERIODS * ASSETS]; /* made once, as usual */
  for (int i = returns[0] != 0 ? PERIODS * ASSETS : 0; i < PERIODS * ASSETS; i++) returns[i] = 0.01 * (i * 7919 % 17 - 8.1);
  static const double positions[ASSETS] = {100, 50, -20}, levels[] = {0.95, 0.99};
  double covariance[ASSETS * ASSETS], weights[ASSETS];
  assert_int_equal(assay_risk_covariance(returns, PERIODS, ASSETS, NULL, NULL, covariance, NULL), ASSAY_OK);
  for (int i = 0; i < ASSETS * ASSETS; i++) keep(n, covariance[i]);
  assay_risk_simulation simulation = {
      .assets = ASSETS, .positions = positions, .covariance = covariance, .degrees = 5, .scenarios = 2000, .seed = 3};
  for (int way = 0; way < 2; way++) {
    assay_risk_simulated tails[2];
    simulation.device = way == 0 ? NULL : "cpu";
    assert_int_equal(assay_risk_monte_carlo(&simulation, levels, 2, NULL, NULL, tails), ASSAY_OK);
    keep(n, tails[0].tail.var), keep(n, tails[1].tail.es), keep(n, tails[1].es_error);
  }
  assay_risk_moments moments;
  assert_int_equal(assay_risk_get_moments(returns, PERIODS, NULL, &moments), ASSAY_OK);
  keep(n, moments.mean), keep(n, moments.stddev);
  assay_portfolio_problem problem = {.assets = ASSETS, .covariance = covariance};
  assert_int_equal(assay_portfolio_minimum_variance(&problem, NULL, weights, NULL), ASSAY_OK);
  for (int i = 0; i < ASSETS; i++) keep(n, weights[i]);
}

static void work_out(numbers *n) {
  take_risks(n);
  simulate(n);
  price(n);
  indicate(n);
}

static void test_rounding_of_the_caller(void **state) {
  (void)state;
  static numbers usual, other;
  work_out(&usual);
  static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
    other.count = 0;
    fesetround(modes[m]);
    work_out(&other);
    int after = fegetround();
    fesetround(FE_TONEAREST);
    assert_int_equal(after, modes[m]);
    assert_int_equal(other.count, usual.count);
    for (size_t i = 0; i < usual.count; i++)
      if (memcmp(&other.values[i], &usual.values[i], sizeof(double)) != 0)
        fail_msg("mode %zu, number %zu is %a, usually %a", m, i, other.values[i], usual.values[i]);
  }
}

/* Bits that a program has set for its own arithmetic's speed, or to be stopped at a NaN. */
static void test_flags_of_the_caller(void **state) {
  (void)state;
#if defined(__x86_64__)
  static numbers usual, other;
  work_out(&usual);
  unsigned before = _mm_getcsr(), flushing = (before | 0x8040u) & ~(1u << 7 | 1u << 9); /* FTZ, DAZ; invalid and by-zero trap */
  _mm_setcsr(flushing & ~0x3fu);
  work_out(&other);
  unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  assert_int_equal(after & ~0x3fu, flushing & ~0x3fu);
  assert_memory_equal(other.values, usual.values, usual.count * sizeof *usual.values);
#else
  skip();
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rounding_of_the_caller), cmocka_unit_test(test_flags_of_the_caller)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
