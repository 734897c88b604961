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
  mc_sobol_params p = {.stride = REST, .first = FIRST, .steps = STEPS, .coordinates = STEPS + 1, .bits = 9};
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
  params.model = ASSAY_MC_MERTON, params.payoff = ASSAY_MC_EUROPEAN;
  assert_int_equal(assay_mc_price(&params, NULL, &r), ASSAY_ERR_UNSUPPORTED);
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
      cmocka_unit_test(test_sobol_points),   cmocka_unit_test(test_sobol_kernel),
      cmocka_unit_test(test_sobol),          cmocka_unit_test(test_sobol_paths_are_counted),
      cmocka_unit_test(test_sobol_digitals), cmocka_unit_test(test_sobol_greeks),
      cmocka_unit_test(test_sobol_target),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
