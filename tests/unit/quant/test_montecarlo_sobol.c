/* SPDX-License-Identifier: MIT */
/* Sobol points, the kernel that makes shocks of them, and the errors of prices from them. */
#include <assay/stats.h>

#include <assay/options.h>
#include "kernels/kernel.h"
#include "kernels/montecarlo/sobol.h"

#include "montecarlo_exact.h"
#include "quant/montecarlo.h"

/* Every coordinate of 2^k points has one in each of 2^k equal cells, scrambled or not; the first pair one in each cell of every shape. */
static void test_sobol_points(void **state) {
  (void)state;
  static uint32_t v[1024][32];
  assay_mc_sobol_directions(1024, v);
  for (uint32_t seed = 0; seed < 2; seed++) {
    for (int c = 0; c < 1024; c++) {
      bool seen[256] = {false};
      for (uint32_t i = 0; i < 256; i++) {
        uint32_t cell = assay_mc_sobol_word(v[c], i, seed * 77) >> 24;
        assert_false(seen[cell]);
        seen[cell] = true;
      }
    }
    for (int bits = 0; bits <= 8; bits++) {
      bool seen[256] = {false};
      for (uint32_t i = 0; i < 256; i++) {
        uint64_t x = assay_mc_sobol_word(v[0], i, seed * 5), y = assay_mc_sobol_word(v[1], i, seed * 9);
        size_t cell = (size_t)(x >> (32 - bits) << (8 - bits) | y >> (24 + bits));
        assert_false(seen[cell]);
        seen[cell] = true;
      }
    }
  }
}

/* Neighbours among the coordinates: of 4,096 points every box of volume 1/128 holds 32. */
static void test_neighbours_are_even(void **state) {
  (void)state;
  enum { POINTS = 4096, BITS = 7 };
  static uint32_t v[1024][32];
  static uint8_t leading[1024][POINTS];
  assay_mc_sobol_directions(1024, v);
  for (int c = 0; c < 1024; c++)
    for (uint32_t i = 0; i < POINTS; i++) leading[c][i] = (uint8_t)(assay_mc_sobol_word(v[c], i, 0) >> (32 - BITS));
  for (int c = 21; c < 1024; c++) {
    for (int bits = 0; bits <= BITS; bits++) {
      int held[1 << BITS] = {0};
      for (int i = 0; i < POINTS; i++) held[leading[c - 1][i] >> (BITS - bits) << (BITS - bits) | leading[c][i] >> bits]++;
      for (int box = 0; box < 1 << BITS; box++) {
        if (held[box] != POINTS >> BITS) fail_msg("coordinates %d and %d: %d points in a box", c - 1, c, held[box]);
      }
    }
  }
}

/* The kernel's shocks are those of the words above, point by point, on a bridge written out. */
static void test_sobol_kernel(void **state) {
  (void)state;
  enum { STEPS = 4, POINTS = 512, FIRST = 256, REST = POINTS - FIRST };
  static const u32 bridge[STEPS][3] = {{4, 0, 0}, {2, 0, 4}, {1, 0, 2}, {3, 2, 4}};
  static const double deviations[STEPS] = {2, 1, 0.70710678118654752440, 0.70710678118654752440};
  uint32_t v[STEPS + 1][32];
  u32 table[(STEPS + 1) * MC_SOBOL_ROW];
  float narrow[STEPS * MC_SOBOL_BRIDGE], narrow_rows[(STEPS + 1) * REST];
  double wide[STEPS * MC_SOBOL_BRIDGE], rows[(STEPS + 1) * REST];
  assay_mc_sobol_directions(STEPS + 1, v);
  for (u32 c = 0; c <= STEPS; c++) {
    for (u32 bit = 0; bit < 32; bit++) {
      u32 turned = 0;
      for (u32 k = 0; k < 32; k++) turned |= (v[c][bit] >> k & 1) << (31 - k);
      table[MC_SOBOL_ROW * c + bit] = turned;
    }
    table[MC_SOBOL_ROW * c + MC_SOBOL_SEED] = 77 * c + 5;
    if (c == STEPS) continue;
    for (u32 k = 0; k < 3; k++) table[MC_SOBOL_ROW * c + MC_SOBOL_AT + k] = bridge[c][k];
    wide[3 * c] = wide[3 * c + 1] = 0.5, wide[3 * c + 2] = deviations[c];
    for (u32 k = 0; k < 3; k++) narrow[3 * c + k] = (float)wide[3 * c + k];
  }
  mc_sobol_params p = {.stride = REST, .first = FIRST, .steps = STEPS, .coordinates = STEPS + 1, .bits = 9, .walks = 1};
  for (size_t i = 0, variant; (variant = assay_kernel_variant_usable(i)) < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    assay_kernel_find("mc_sobol_f64")->variants[variant](&p, (void *[]){table, wide, rows}, 0, 1);
    assay_kernel_find("mc_sobol_f32")->variants[variant](&p, (void *[]){table, narrow, narrow_rows}, 0, 1);
    for (u32 point = 0; point < REST; point++) {
      double w[STEPS + 1] = {0}, u[STEPS + 1];
      for (u32 c = 0; c <= STEPS; c++) u[c] = (assay_mc_sobol_word(v[c], FIRST + point, 77 * c + 5) + 0.5) * 0x1p-32;
      for (u32 c = 0; c < STEPS; c++) {
        double middle = c == 0 ? 0 : 0.5 * (w[bridge[c][1]] + w[bridge[c][2]]);
        w[bridge[c][0]] = middle + deviations[c] * assay_stats_normal_quantile(u[c]);
      }
      for (u32 s = 0; s < STEPS; s++) {
        assert_near(rows[s * REST + point], w[s + 1] - w[s], 1e-13);
        assert_near(narrow_rows[s * REST + point], w[s + 1] - w[s], 4e-6);
      }
      assert_true(rows[STEPS * REST + point] == u[STEPS]);
      assert_near(narrow_rows[STEPS * REST + point], u[STEPS], 0x1p-24);
    }
  }
}

/* Much smaller errors than pseudo-random paths, and honest ones. */
static void test_sobol(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_ASIAN_GEOMETRIC, params.steps = 12, params.paths = 1 << 15, params.greeks = true;
  assay_mc_result pseudo = price_of(&params);
  params.sampling = ASSAY_MC_SOBOL;
  int covered = 0;
  for (int way = 0; way < 12; way++) {
    params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.put = way & 2, params.seed = way;
    assay_mc_result r = price_of(&params);
    assert_true(r.standard_error < pseudo.standard_error / 5 && r.replicates == 16);
    assert_near(r.price, geometric_asian(&params), 5 * r.standard_error);
    covered += r.low <= geometric_asian(&params) && geometric_asian(&params) <= r.high;
    assert_true(r.greeks.delta.standard_error < pseudo.greeks.delta.standard_error);
  }
  assert_true(covered >= 9);
  params.payoff = ASSAY_MC_LOOKBACK_FIXED, params.put = false, params.steps = 0;
  assay_mc_result r = price_of(&params);
  assert_near(r.price, lookback(&params), 5 * r.standard_error);
}

/* The same rule of exercise on better paths; Greeks of other models are differences of such prices. */
static void test_sobol_with_early_exercise(void **state) {
  (void)state;
  for (int way = 0; way < 12; way++) {
    assay_mc_params params = base;
    params.payoff = ASSAY_MC_AMERICAN, params.put = true, params.steps = 20, params.paths = 1 << 15, params.seed = (uint64_t)way;
    params.model = (assay_mc_model)(way % 3), params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way & 4;
    params.jump_rate = 1.5, params.jump_mean = -0.1, params.jump_volatility = 0.15;
    params.variance = 0.04, params.long_variance = 0.06, params.reversion = 1.5, params.variance_volatility = 0.4;
    params.correlation = -0.7, params.greeks = way < 6;
    assay_mc_result pseudo = price_of(&params);
    params.sampling = ASSAY_MC_SOBOL;
    assay_mc_result r = price_of(&params);
    assert_true(r.replicates == 16 && r.standard_error < 0.8 * pseudo.standard_error);
    assert_near(r.price, pseudo.price, 4 * hypot(r.standard_error, pseudo.standard_error));
    const assay_mc_greek *greeks = &r.greeks.delta, *others = &pseudo.greeks.delta;
    for (int g = 0; g < 5 && params.greeks; g++)
      assert_near(greeks[g].value, others[g].value, 5 * hypot(greeks[g].standard_error, others[g].standard_error) + 1e-9);
  }
  assay_mc_params params = base;
  assay_mc_result r;
  assay_error err = {0};
  params.payoff = ASSAY_MC_AMERICAN, params.sampling = ASSAY_MC_SOBOL, params.control = true;
  assert_int_equal(assay_mc_price(&params, &err, &r), ASSAY_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "leave `control` out, or `sampling`"));
  params.control = false, params.steps = 600;
  assert_int_equal(assay_mc_price(&params, NULL, &r), ASSAY_ERR_LIMIT);
}

/* Both ways, and points the better one: `share` of the error. */
static void assert_points_help(assay_mc_params params, double exact, double off, double share) {
  for (int way = 0; way < 4; way++) {
    params.sampling = ASSAY_MC_PSEUDO, params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way & 2;
    params.greeks = true, params.seed = (uint64_t)way;
    assay_mc_result pseudo = price_of(&params);
    params.sampling = ASSAY_MC_SOBOL;
    assay_mc_result r = price_of(&params);
    if (!(r.standard_error < share * pseudo.standard_error)) fail_msg("an error of %g beside %g", r.standard_error, pseudo.standard_error);
    assert_near(r.price, exact, 5 * r.standard_error + off);
    const assay_mc_greek *greeks = &r.greeks.delta, *others = &pseudo.greeks.delta;
    for (int g = 0; g < 5; g++)
      assert_near(greeks[g].value, others[g].value, 5 * hypot(greeks[g].standard_error, others[g].standard_error) + 1e-9);
  }
}

static void test_sobol_of_other_models(void **state) {
  (void)state;
  assay_mc_params params = base, jumps, spreads;
  params.paths = 1 << 15;
  jumps = spreads = params;
  jumps.model = ASSAY_MC_MERTON, jumps.jump_rate = 1.5, jumps.jump_mean = -0.1, jumps.jump_volatility = 0.15;
  assert_points_help(jumps, merton(&jumps), 0, 0.5);
  spreads.model = ASSAY_MC_HESTON, spreads.variance = 0.04, spreads.long_variance = 0.06, spreads.reversion = 1.5;
  spreads.variance_volatility = 0.4, spreads.correlation = -0.7, spreads.steps = 48;
  assert_points_help(spreads, heston(&spreads), 0.01, 0.8); /* of the scheme's own error */
  /* Where its variance often rests at 0. */
  spreads.variance = 0.09, spreads.long_variance = 0.04, spreads.reversion = 0.5, spreads.variance_volatility = 1,
  spreads.correlation = -0.9;
  assert_points_help(spreads, heston(&spreads), 0.01, 0.8);
  jumps.payoff = ASSAY_MC_ASIAN_ARITHMETIC, jumps.sampling = ASSAY_MC_SOBOL, jumps.steps = 342;
  assay_mc_result r;
  assert_int_equal(assay_mc_price(&jumps, NULL, &r), ASSAY_ERR_LIMIT);
  spreads.time = 12, spreads.steps = 0, spreads.sampling = ASSAY_MC_SOBOL, spreads.paths = 1 << 13;
  assert_int_equal(price_of(&spreads).steps, 512);
}

/* Margrabe's exchange of two assets, with Greeks by asset; and as many assets as there may be. */
static void test_sobol_of_baskets(void **state) {
  (void)state;
  double spots[64] = {100, 95}, volatilities[64] = {0.2, 0.3}, weights[] = {1, -1};
  double correlations[64 * 64] = {1, 0.4, 0.4, 1}, higher[] = {100.1, 95}, lower[] = {99.9, 95};
  double exact = margrabe(spots, volatilities, 0.4, 1);
  double up = margrabe(higher, volatilities, 0.4, 1), down = margrabe(lower, volatilities, 0.4, 1);
  assay_mc_params params = basket_of(2, spots, volatilities, weights, correlations);
  params.rate = 0.03, params.paths = 1 << 15;
  assert_points_help(params, exact, 0, 0.1);
  params.greeks = true, params.sampling = ASSAY_MC_SOBOL;
  assay_mc_result r = price_of(&params);
  assert_near(r.by_asset[0].delta.value, (up - down) / 0.2, 5 * r.by_asset[0].delta.standard_error + 1e-6);
  assert_near(r.by_asset[0].gamma.value, (up - 2 * exact + down) / 0.01, 5 * r.by_asset[0].gamma.standard_error + 1e-6);
  params.assets = 64, params.weights = NULL, params.strike = 100, params.paths = 1 << 14;
  for (int i = 0; i < 64 * 64; i++) correlations[i] = i / 64 == i % 64 ? 1 : 0.3;
  for (int i = 0; i < 64; i++) spots[i] = 90 + i / 3.0, volatilities[i] = 0.15 + 0.003 * i;
  r = price_of(&params);
  params.sampling = ASSAY_MC_PSEUDO, params.control = true, params.paths = 1 << 17;
  assay_mc_result pseudo = price_of(&params);
  assert_near(r.price, pseudo.price, 5 * hypot(r.standard_error, pseudo.standard_error));
  assert_int_equal(r.assets, 64);
  double sum = 0, expected = 0;
  for (int j = 0; j < 64; j++) sum += r.by_asset[j].vega.value, expected += pseudo.by_asset[j].vega.value;
  assert_near(sum, r.greeks.vega.value, 1e-9 * sum);
  assert_near(sum, expected, 5 * hypot(r.greeks.vega.standard_error, pseudo.greeks.vega.standard_error));
}

/* As many as were simulated: replicates of one size. */
static void test_sobol_paths_are_counted(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.sampling = ASSAY_MC_SOBOL, params.paths = 1001;
  assert_int_equal(price_of(&params).paths, 1008);
  params.antithetic = true;
  assert_int_equal(price_of(&params).paths, 1024);
}

/* All replicates of a digital may count the same, and the count is off all the same: intervals hold the price as often as they should. */
static void test_sobol_digitals(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_DIGITAL, params.payout = 1, params.sampling = ASSAY_MC_SOBOL, params.paths = 1 << 12;
  int covered = 0;
  for (int way = 0; way < 400; way++) {
    params.strike = 60 + 0.2 * way, params.put = way & 1, params.seed = way;
    assay_mc_result r = price_of(&params);
    covered += r.low <= digital(&params) && digital(&params) <= r.high;
  }
  assert_in_range(covered, 368, 396);
}

/* So do the Greeks of one step: most of them are sums over the paths that pay. */
static void test_sobol_greeks(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.sampling = ASSAY_MC_SOBOL, params.paths = 1 << 14, params.greeks = true;
  int covered[5] = {0};
  for (int way = 0; way < 100; way++) {
    params.strike = 70 + 0.7 * way, params.put = way & 1, params.seed = way;
    assay_option option = {.kind = params.put,
                           .spot = params.spot,
                           .strike = params.strike,
                           .time = params.time,
                           .rate = params.rate,
                           .dividend = params.dividend,
                           .volatility = params.volatility};
    assay_option_greeks exact;
    double price;
    assert_int_equal(assay_option_price(&option, NULL, &price, &exact), ASSAY_OK);
    const assay_mc_greeks g = price_of(&params).greeks;
    const assay_mc_greek found[] = {g.delta, g.gamma, g.vega, g.theta, g.rho};
    const double right[] = {exact.delta, exact.gamma, exact.vega, exact.theta, exact.rho};
    for (int k = 0; k < 5; k++) covered[k] += fabs(found[k].value - right[k]) <= 2.131 * found[k].standard_error; /* 95 % of Student's 15 */
  }
  for (int k = 0; k < 5; k++) assert_true(covered[k] >= 88);
}

/* Nearly nothing is random: replicates differ in their last places only, and that is what their error is made of. Its square would be lost
 * in the square of a price. */
static void test_sobol_hardly_random(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.sampling = ASSAY_MC_SOBOL, params.paths = 1 << 14, params.strike = 70;
  for (int way = 0; way < 40; way++) {
    params.volatility = pow(10, -4 - way % 6), params.put = way & 1, params.strike = way & 1 ? 130 : 70, params.seed = way;
    assay_mc_result r = price_of(&params);
    double off = fabs(r.price - european(&params)), least = 1e-14 * params.spot; /* of rounding */
    if (off > 6 * r.standard_error) fail_msg("volatility %g: off by %g, error %g", params.volatility, off, r.standard_error);
    assert_true(r.standard_error < 1e-3 * params.volatility * params.spot + 10 * least);
  }
}

/* The same of a basket's Greeks by asset: a discounted price to come is worth what it is now. */
static void test_sobol_basket_hardly_random(void **state) {
  (void)state;
  const double spots[] = {100, 80}, volatilities[] = {1e-6, 2e-6}, weights[] = {0.7, 0.3}, correlations[] = {1, 0.4, 0.4, 1};
  assay_mc_params params = basket_of(2, spots, volatilities, weights, correlations);
  params.strike = 60, params.rate = 0.03, params.paths = 1 << 14, params.sampling = ASSAY_MC_SOBOL, params.greeks = true;
  for (params.seed = 0; params.seed < 10; params.seed++) {
    assay_mc_result r = price_of(&params);
    for (int i = 0; i < 2; i++) {
      const assay_mc_greek *delta = &r.by_asset[i].delta;
      double off = fabs(delta->value - weights[i]);
      if (off > 6 * delta->standard_error) fail_msg("delta of asset %d: off by %g, error %g", i, off, delta->standard_error);
      assert_true(delta->standard_error < 1e-3 * volatilities[i]);
    }
  }
}

/* A target is looked for without saying how many paths it may take. */
static void test_sobol_target(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.sampling = ASSAY_MC_SOBOL, params.paths = 0, params.target_error = 1e-3;
  assay_mc_result r = price_of(&params);
  assert_true(r.reached && r.standard_error <= 1e-3);
  assert_near(r.price, european(&params), 5 * r.standard_error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sobol_points),
      cmocka_unit_test(test_neighbours_are_even),
      cmocka_unit_test(test_sobol_kernel),
      cmocka_unit_test(test_sobol),
      cmocka_unit_test(test_sobol_paths_are_counted),
      cmocka_unit_test(test_sobol_digitals),
      cmocka_unit_test(test_sobol_greeks),
      cmocka_unit_test(test_sobol_hardly_random),
      cmocka_unit_test(test_sobol_basket_hardly_random),
      cmocka_unit_test(test_sobol_target),
      cmocka_unit_test(test_sobol_of_other_models),
      cmocka_unit_test(test_sobol_of_baskets),
      cmocka_unit_test(test_sobol_with_early_exercise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
