/* SPDX-License-Identifier: MIT */
/* Monte Carlo of baskets and spreads: against Margrabe's formula, against prices that have moved, and bad correlations. */
#include "montecarlo_exact.h"

static void test_basket(void **state) {
  (void)state;
  double spots[] = {100, 95}, volatilities[] = {0.2, 0.3}, weights[] = {1, -1}, correlations[] = {1, 0.4, 0.4, 1};
  assay_mc_params params = basket_of(2, spots, volatilities, weights, correlations);
  params.rate = 0.05, params.paths = 1 << 17, params.seed = 3, params.greeks = true;
  for (int way = 0; way < 8; way++) {
    params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way & 2, params.control = way & 4;
    assay_mc_result r = price_of(&params);
    double exact = margrabe(spots, volatilities, 0.4, 1);
    assert_within(r.price, r.standard_error, exact);
    assert_within(r.greeks.delta.value, r.greeks.delta.standard_error, exact);
    assert_near(r.greeks.gamma.value, 0, 3.6 * r.greeks.gamma.standard_error + 1e-5 * exact);
    double up[] = {0.201, 0.301}, down[] = {0.199, 0.299};
    assert_within(r.greeks.vega.value, r.greeks.vega.standard_error, (margrabe(spots, up, 0.4, 1) - margrabe(spots, down, 0.4, 1)) / 0.002);
    assert_within(r.greeks.theta.value, r.greeks.theta.standard_error + 1e-3,
                  (margrabe(spots, volatilities, 0.4, 0.999) - margrabe(spots, volatilities, 0.4, 1.001)) / 0.002);
    assert_near(r.greeks.rho.value, 0, 3.6 * r.greeks.rho.standard_error + 1e-6);
  }
  /* By asset: differences of the closed form. */
  for (int way = 0; way < 8; way++) {
    params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way & 2, params.control = way & 4;
    assay_mc_result r = price_of(&params);
    assert_int_equal(r.assets, 2);
    for (int j = 0; j < 2; j++) {
      double up[] = {100, 95}, down[] = {100, 95}, exact = margrabe(spots, volatilities, 0.4, 1);
      up[j] += 0.1, down[j] -= 0.1;
      double above = margrabe(up, volatilities, 0.4, 1), below = margrabe(down, volatilities, 0.4, 1);
      const assay_mc_asset *asset = &r.by_asset[j];
      assert_within(asset->delta.value, asset->delta.standard_error, (above - below) / 0.2);
      assert_within(asset->gamma.value, asset->gamma.standard_error, (above - 2 * exact + below) / 0.01);
      double wild[] = {0.2, 0.3}, calm[] = {0.2, 0.3};
      wild[j] += 1e-4, calm[j] -= 1e-4;
      assert_within(asset->vega.value, asset->vega.standard_error, (margrabe(spots, wild, 0.4, 1) - margrabe(spots, calm, 0.4, 1)) / 2e-4);
    }
    assert_within(r.correlation.value, r.correlation.standard_error,
                  (margrabe(spots, volatilities, 0.4001, 1) - margrabe(spots, volatilities, 0.3999, 1)) / 2e-4);
    /* What all assets do together is the sum of what each does. */
    double sum = r.by_asset[0].delta.value * spots[0] + r.by_asset[1].delta.value * spots[1];
    assert_near(r.greeks.delta.value, sum, 1e-9 * fabs(sum));
    assert_near(r.greeks.vega.value, r.by_asset[0].vega.value + r.by_asset[1].vega.value, 1e-9 * r.greeks.vega.value);
  }
  /* Twenty assets that move as one are one. */
  double many[20], same[20], all[400];
  for (int i = 0; i < 400; i++) all[i] = 1, many[i % 20] = 100, same[i % 20] = 0.25;
  assay_mc_params one = base;
  one.dividend = 0;
  params = basket_of(20, many, same, NULL, all);
  params.put = true, params.strike = 105, params.time = 0.75, params.rate = 0.05, params.paths = 1 << 17;
  assay_mc_result r = price_of(&params);
  one.put = true;
  assert_within(r.price, r.standard_error, european(&one));
}

/* Five assets, a put: prices, and derivatives of derivatives, that have moved. */
static void test_basket_by_moving(void **state) {
  (void)state;
  enum { N = 5 };
  double spots[N] = {100, 90, 110, 95, 105}, volatilities[N] = {0.2, 0.3, 0.25, 0.15, 0.35}, correlations[N * N], own[7][SEEDS],
         moved[7][SEEDS];
  double weights[N] = {0.3, 0.2, -0.1, 0.4, 0.2};
  for (int i = 0; i < N * N; i++) correlations[i] = i / N == i % N ? 1 : 0.2 + 0.05 * (i / N + i % N) / 2.0;
  assay_mc_params params = basket_of(N, spots, volatilities, weights, correlations);
  params.put = true, params.strike = 100, params.time = 0.75, params.rate = 0.05, params.paths = 1 << 15, params.greeks = true;
  for (int seed = 0; seed < SEEDS; seed++) {
    params.seed = (uint64_t)seed;
    assay_mc_result r = price_of(&params), a, b;
    own[0][seed] = r.by_asset[3].delta.value, own[1][seed] = r.by_asset[3].gamma.value, own[2][seed] = r.by_asset[3].vega.value;
    own[3][seed] = r.correlation.value, own[4][seed] = r.greeks.theta.value, own[5][seed] = r.greeks.rho.value;
    own[6][seed] = r.greeks.gamma.value;
    spots[3] *= 1.005, a = price_of(&params), spots[3] *= 0.995 / 1.005, b = price_of(&params), spots[3] = 95;
    moved[0][seed] = (a.price - b.price) / 0.95, moved[1][seed] = (a.by_asset[3].delta.value - b.by_asset[3].delta.value) / 0.95;
    volatilities[3] = 0.152, a = price_of(&params), volatilities[3] = 0.148, b = price_of(&params), volatilities[3] = 0.15;
    moved[2][seed] = (a.price - b.price) / 0.004;
    for (int i = 0; i < N * N; i++) correlations[i] += i / N == i % N ? 0 : 0.005;
    a = price_of(&params);
    for (int i = 0; i < N * N; i++) correlations[i] -= i / N == i % N ? 0 : 0.01;
    b = price_of(&params);
    for (int i = 0; i < N * N; i++) correlations[i] += i / N == i % N ? 0 : 0.005;
    moved[3][seed] = (a.price - b.price) / 0.01;
    assay_mc_params up = params, down = params;
    up.time *= 1.005, down.time *= 0.995;
    moved[4][seed] = (price_of(&down).price - price_of(&up).price) / (0.01 * params.time);
    up = down = params, up.rate += 1e-3, down.rate -= 1e-3;
    moved[5][seed] = (price_of(&up).price - price_of(&down).price) / 2e-3;
    for (int j = 0; j < N; j++) spots[j] *= 1.005;
    a = price_of(&params);
    for (int j = 0; j < N; j++) spots[j] *= 0.995 / 1.005;
    b = price_of(&params);
    for (int j = 0; j < N; j++) spots[j] /= 0.995;
    moved[6][seed] = (a.greeks.delta.value / 1.005 - b.greeks.delta.value / 0.995) / 0.01;
  }
  static const char *const names[] = {"delta", "gamma", "vega", "correlation", "theta", "rho", "all gammas"};
  for (int g = 0; g < 7; g++) assert_same_mean(names[g], own[g], moved[g], 0.01);
  /* Without an inverse of the correlations there are no scores; what needs none is there. */
  for (int i = 0; i < N * N; i++) correlations[i] = 1;
  assay_mc_result r = price_of(&params);
  assert_true(isnan(r.by_asset[1].gamma.value) && r.by_asset[1].gamma.method == ASSAY_MC_NO_METHOD && isnan(r.correlation.value));
  assert_true(isfinite(r.by_asset[1].delta.value) && isfinite(r.greeks.gamma.value));
  assert_int_equal(r.greeks.gamma.method, ASSAY_MC_SAME_NUMBERS);
}

static void test_bad_correlations(void **state) {
  (void)state;
  double spots[] = {100, 95, 90}, volatilities[] = {0.2, 0.3, 0.1}, c[] = {1, 0.9, 0.9, 0.9, 1, -0.9, 0.9, -0.9, 1};
  assay_mc_params params = basket_of(3, spots, volatilities, NULL, c);
  params.strike = 95;
  assay_error err = {0};
  assay_mc_result result;
  assert_int_equal(assay_mc_price(&params, &err, &result), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "row 2"));
  static const struct {
    int at;
    double value;
  } cases[] = {{1, 0.8}, {0, 0.5}, {5, NAN}, {3, 2}};
  for (size_t i = 0; i < 4; i++) {
    double bad[] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    bad[cases[i].at] = cases[i].value;
    params.correlations = bad;
    assay_error_clear(&err);
    assert_int_equal(assay_mc_price(&params, &err, &result), ASSAY_ERR_INVALID);
    assert_non_null(strstr(err.message, "correlations["));
  }
  params.correlations = c, c[2] = c[5] = c[6] = c[7] = 0, volatilities[1] = -1;
  assert_int_equal(assay_mc_price(&params, NULL, &result), ASSAY_ERR_INVALID);
  params.assets = 0;
  assert_int_equal(assay_mc_price(&params, NULL, &result), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_basket),
      cmocka_unit_test(test_basket_by_moving),
      cmocka_unit_test(test_bad_correlations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
