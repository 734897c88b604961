/* SPDX-License-Identifier: MIT */
/* Monte Carlo of American options against trees. */
#include <assay/options.h>

#include "montecarlo_exact.h"

/* A lower bound, and not far below the tree. */
static void test_american(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_AMERICAN, params.put = true, params.greeks = true, params.paths = 1 << 17, params.steps = 50;
  assay_option option = {
      .kind = ASSAY_OPTION_PUT, .spot = 100, .strike = 105, .time = 0.75, .rate = 0.05, .dividend = 0.02, .volatility = 0.25};
  assay_tree tree = {ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_AMERICAN, 1001};
  assay_tree_greeks greeks;
  assay_error err = {0};
  double price;
  assert_ok(assay_tree_price(&option, &tree, &err, &price, &greeks), err);
  for (int way = 0; way < 4; way++) {
    params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way & 2;
    assay_mc_result result = price_of(&params);
    assert_true(result.price < price + 3.6 * result.standard_error);
    assert_true(result.price > 0.995 * price - 3.6 * result.standard_error);
    assert_true(result.price > european(&params) + 3.6 * result.standard_error);
    /* Errors hold what the differences leave open; the rest is that 50 dates are not all the time. */
    assert_near(result.greeks.delta.value, greeks.delta, 3.6 * result.greeks.delta.standard_error + 0.002);
    assert_near(result.greeks.gamma.value, greeks.gamma, 3.6 * result.greeks.gamma.standard_error + 5e-4);
    assert_near(result.greeks.vega.value, greeks.vega, 3.6 * result.greeks.vega.standard_error + 0.1);
    assert_near(result.greeks.theta.value, greeks.theta, 3.6 * result.greeks.theta.standard_error + 0.05);
    assert_near(result.greeks.rho.value, greeks.rho, 3.6 * result.greeks.rho.standard_error + 0.4);
    assert_int_equal(result.greeks.delta.method, ASSAY_MC_SAME_NUMBERS);
    assert_true(result.greeks.delta.standard_error < 0.01 && result.greeks.rho.standard_error < 2);
  }
  /* A call without dividends is not exercised early. */
  params.put = false, params.dividend = 0, params.precision = ASSAY_MC_F64;
  assay_mc_result call = price_of(&params);
  assert_near(call.price, european(&params), 3.6 * call.standard_error + 0.005 * call.price);
  /* So deep in the money that waiting only loses interest. */
  params.put = true, params.strike = 300;
  assay_mc_result deep = price_of(&params);
  assert_true(deep.price == 200 && deep.standard_error == 0 && deep.greeks.delta.value == -1);
  params.control = true;
  assert_int_equal(assay_mc_price(&params, NULL, &deep), ASSAY_ERR_UNSUPPORTED);
}

/* A binomial tree (Cox, Ross and Rubinstein) of an option that may be exercised on `dates` dates, and now. */
static double tree_on_dates(const assay_mc_params *p, int dates, int between) {
  static double value[8192];
  int n = dates * between;
  double dt = p->time / n, up = exp(p->volatility * sqrt(dt)), chance = (exp((p->rate - p->dividend) * dt) - 1 / up) / (up - 1 / up);
  double discount = exp(-p->rate * dt), sign = p->put ? -1 : 1;
  for (int i = 0; i <= n; i++) value[i] = fmax(sign * (p->spot * pow(up, 2 * i - n) - p->strike), 0);
  for (int step = n - 1; step >= 0; step--) {
    double price = p->spot * pow(up, -step);
    for (int i = 0; i <= step; i++, price *= up * up) {
      value[i] = discount * (chance * value[i + 1] + (1 - chance) * value[i]);
      if (step % between == 0) value[i] = fmax(value[i], sign * (price - p->strike));
    }
  }
  return value[0];
}

/* The rule of exercise gives too little, the martingale too much, and not by far. */
static void test_bounds(void **state) {
  (void)state;
  static const double ways[][6] = {/* strike, time, rate, dividend, volatility, put */
                                   {100, 1, 0.05, 0, 0.2, 1},      {80, 1, 0.05, 0, 0.2, 1},      {120, 1, 0.05, 0, 0.2, 1},
                                   {100, 0.25, 0.08, 0, 0.3, 1},   {110, 2, 0.03, 0.06, 0.25, 1}, {100, 1, 0.1, 0, 0.5, 1},
                                   {100, 0.5, 0.02, 0.08, 0.3, 0}, {150, 1, 0.05, 0, 0.2, 1}};
  for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
    const double *w = ways[way];
    assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = w[5] > 0, .spot = 100, .strike = w[0], .time = w[1], .rate = w[2]};
    params.dividend = w[3], params.volatility = w[4], params.paths = 1 << 16, params.steps = 20, params.upper_bound = true;
    params.precision = way % 2 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.seed = way;
    assay_mc_result r = price_of(&params);
    double exact = tree_on_dates(&params, 20, 100), off = 2e-4 * exact; /* of the tree */
    assert_true(r.price <= exact + off + 3.6 * r.standard_error);
    assert_true(r.upper_bound >= exact - off - 3.6 * r.upper_bound_error);
    assert_true(r.upper_bound - r.price >= -3.6 * hypot(r.standard_error, r.upper_bound_error));
    assert_true(r.upper_bound <= 1.01 * exact + 3.6 * r.upper_bound_error && r.upper_bound_error < 0.002 * exact + 1e-9);
    assert_true(r.upper_bound - r.price <= 0.02 * exact + 3.6 * r.standard_error);
    params.upper_bound = false;
    assay_mc_result alone = price_of(&params);
    assert_true(alone.price == r.price && isnan(alone.upper_bound) && isnan(alone.upper_bound_error));
  }
  assay_mc_params params = base;
  assay_mc_result r;
  params.upper_bound = true;
  assert_int_equal(assay_mc_price(&params, NULL, &r), ASSAY_ERR_INVALID);
}

/* An American option's paths are those of any payoff; no rule of exercise has to be found for them. */
static void test_paths_of_an_american(void **state) {
  (void)state;
  double of_american[4 * 3], of_asian[4 * 3];
  assay_error err = {0};
  assay_mc_params params = base;
  params.steps = 3, params.payoff = ASSAY_MC_AMERICAN;
  assert_ok(assay_mc_paths(&params, 0, 3, &err, of_american), err);
  params.payoff = ASSAY_MC_ASIAN_ARITHMETIC;
  assert_ok(assay_mc_paths(&params, 0, 3, &err, of_asian), err);
  assert_memory_equal(of_american, of_asian, sizeof of_asian);
  params.payoff = ASSAY_MC_AMERICAN, params.model = ASSAY_MC_MERTON;
  assert_int_equal(assay_mc_paths(&params, 0, 3, &err, of_american), ASSAY_ERR_UNSUPPORTED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_american),
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_paths_of_an_american),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
