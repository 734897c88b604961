/* SPDX-License-Identifier: MIT */
/* Monte Carlo of Merton's jumps and of Heston's variance against a series and an inversion; every model's Greeks against prices that have
 * moved. */
#include "montecarlo_exact.h"

static void test_merton(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.model = ASSAY_MC_MERTON, params.jump_rate = 1.5, params.jump_mean = -0.1, params.jump_volatility = 0.15, params.paths = 1 << 17;
  check_all_ways(params, merton);
  params.steps = 12;
  assay_mc_result result = price_of(&params);
  assert_within(result.price, result.standard_error, merton(&params));
  params.jump_rate = 0;
  result = price_of(&params);
  assert_within(result.price, result.standard_error, european(&params));
}

static void test_heston(void **state) {
  (void)state;
  static const double sets[][5] = {{0.04, 0.06, 1.5, 0.4, -0.7}, {0.09, 0.04, 0.5, 1.0, -0.9}, {0.02, 0.05, 3, 0.6, 0.3}};
  for (int set = 0; set < 3; set++) {
    assay_mc_params params = base;
    params.model = ASSAY_MC_HESTON, params.volatility = 0, params.variance = sets[set][0], params.long_variance = sets[set][1];
    params.reversion = sets[set][2], params.variance_volatility = sets[set][3], params.correlation = sets[set][4];
    params.paths = 1 << 15, params.steps = 48;
    for (int way = 0; way < 8; way++) {
      params.put = way & 1, params.precision = way & 2 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.control = way & 4, params.antithetic = way & 4,
      params.seed = way;
      params.greeks = way == 0;
      assay_mc_result result = price_of(&params);
      /* The scheme's own error at 48 steps is below 0.01. */
      assert_near(result.price, heston(&params), 3.6 * result.standard_error + 0.01);
      if (params.greeks) {
        assay_mc_params up = params, down = params;
        up.spot += 0.1, down.spot -= 0.1;
        double above = heston(&up), below = heston(&down), middle = heston(&params);
        assert_near(result.greeks.delta.value, (above - below) / 0.2, 3.6 * result.greeks.delta.standard_error + 1e-3);
        assert_near(result.greeks.gamma.value, (above - 2 * middle + below) / 0.01, 3.6 * result.greeks.gamma.standard_error + 1e-3);
        up = down = params, up.rate += 1e-4, down.rate -= 1e-4;
        assert_near(result.greeks.rho.value, (heston(&up) - heston(&down)) / 2e-4, 3.6 * result.greeks.rho.standard_error + 0.1);
        double root = sqrt(params.variance);
        up = down = params, up.variance = (root + 1e-3) * (root + 1e-3), down.variance = (root - 1e-3) * (root - 1e-3);
        assert_near(result.greeks.vega.value, (heston(&up) - heston(&down)) / 2e-3, 3.6 * result.greeks.vega.standard_error + 0.1);
        up = down = params, up.time += 1e-3, down.time -= 1e-3;
        assert_near(result.greeks.theta.value, (heston(&down) - heston(&up)) / 2e-3, 3.6 * result.greeks.theta.standard_error + 0.02);
      }
    }
  }
}

/* A variance that is 0 now, or in the long run; shocks that are those of the variance; hardly any or no spread of the variance. */
static void test_heston_at_its_limits(void **state) {
  (void)state;
  static const double sets[][5] = {{0.04, 0, 1.5, 0.5, -0.5},   {0.04, 1e-8, 1.5, 0.5, -0.5}, {0, 0.04, 1.5, 0.5, -0.5},
                                   {0.04, 0.04, 1.5, 0.5, 1},   {0.04, 0.04, 1.5, 0.5, -1},   {0.04, 0.04, 1.5, 1e-6, -0.5},
                                   {0.04, 0.04, 1.5, 1e-200, 0}};
  for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
    assay_mc_params params = base;
    params.model = ASSAY_MC_HESTON, params.volatility = 0, params.variance = sets[set][0], params.long_variance = sets[set][1];
    params.reversion = sets[set][2], params.variance_volatility = sets[set][3], params.correlation = sets[set][4];
    params.paths = 1 << 15, params.steps = 48;
    assay_mc_params smooth = params;
    smooth.variance_volatility = fmax(params.variance_volatility, 1e-3); /* less is nothing to the price, but not to the inversion */
    double exact = heston(&smooth);
    for (int precision = 0; precision < (params.variance_volatility < 1e-3 ? 1 : 2); precision++) {
      params.precision = precision == 0 ? ASSAY_MC_F64 : ASSAY_MC_F32;
      assay_mc_result result = price_of(&params);
      assert_near(result.price, exact, 3.6 * result.standard_error + 0.015);
    }
  }
}

static void test_greeks_by_moving(void **state) {
  (void)state;
  static const assay_mc_payoff payoffs[] = {ASSAY_MC_EUROPEAN,        ASSAY_MC_DIGITAL,        ASSAY_MC_ASIAN_ARITHMETIC,
                                            ASSAY_MC_ASIAN_GEOMETRIC, ASSAY_MC_LOOKBACK_FIXED, ASSAY_MC_LOOKBACK_FLOATING,
                                            ASSAY_MC_BARRIER};
  for (int way = 0; way < 21; way++) {
    assay_mc_params params = base;
    params.payoff = payoffs[way % 7], params.model = (assay_mc_model)(way / 7), params.watch = ASSAY_MC_AT_STEPS, params.steps = 5;
    params.paths = 1 << 14, params.payout = 10, params.barrier = 85, params.greeks = true, params.put = way % 2;
    if (params.put) params.barrier = 120, params.barrier_kind = ASSAY_MC_UP_IN;
    params.jump_rate = 1.5, params.jump_mean = -0.1, params.jump_volatility = 0.15;
    params.variance = 0.05, params.long_variance = 0.06, params.reversion = 1.5, params.variance_volatility = 0.3,
    params.correlation = -0.6;
    double own[5][SEEDS], moved[5][SEEDS];
    for (int seed = 0; seed < SEEDS; seed++) {
      params.seed = (uint64_t)seed;
      assay_mc_result r = price_of(&params), a, b;
      const assay_mc_greek *greeks = &r.greeks.delta;
      for (int g = 0; g < 5; g++) own[g][seed] = greeks[g].value;
      assay_mc_params up = params, down = params;
      up.spot *= 1.005, down.spot *= 0.995, a = price_of(&up), b = price_of(&down);
      moved[0][seed] = (a.price - b.price) / (0.01 * params.spot);
      moved[1][seed] = (a.greeks.delta.value - b.greeks.delta.value) / (0.01 * params.spot);
      up.greeks = down.greeks = false;
      up.spot = down.spot = params.spot;
      if (params.model == ASSAY_MC_HESTON) {
        double root = sqrt(params.variance);
        up.variance = (root + 0.002) * (root + 0.002), down.variance = (root - 0.002) * (root - 0.002);
      } else {
        up.volatility += 0.002, down.volatility -= 0.002;
      }
      moved[2][seed] = (price_of(&up).price - price_of(&down).price) / 0.004;
      up.variance = down.variance = params.variance, up.volatility = down.volatility = params.volatility;
      up.time *= 1.005, down.time *= 0.995;
      moved[3][seed] = (price_of(&down).price - price_of(&up).price) / (0.01 * params.time);
      up.time = down.time = params.time, up.rate += 1e-3, down.rate -= 1e-3;
      moved[4][seed] = (price_of(&up).price - price_of(&down).price) / 2e-3;
    }
    static const char *const names[] = {"delta", "gamma", "vega", "theta", "rho"};
    for (int g = 0; g < 5; g++) {
      char what[64];
      snprintf(what, sizeof what, "%s of payoff %d, model %d", names[g], (int)params.payoff, (int)params.model);
      assert_same_mean(what, own[g], moved[g], 0.01);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_merton),
      cmocka_unit_test(test_heston),
      cmocka_unit_test(test_heston_at_its_limits),
      cmocka_unit_test(test_greeks_by_moving),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
