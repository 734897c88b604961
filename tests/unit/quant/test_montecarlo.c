/* SPDX-License-Identifier: MIT */
/* Monte Carlo against closed forms, against itself on every instruction set, and against bad input. */
#include <math.h>

#include <assay/montecarlo.h>

#include "closed_form.h"
#include "kernels/kernel.h"
#include "kernels/montecarlo/european.h"
#include "kernels/montecarlo/path.h"
#include "test.h"

static const assay_mc_params base = {
    .spot = 100, .strike = 105, .time = 0.75, .rate = 0.05, .dividend = 0.02, .volatility = 0.25, .paths = 1 << 18, .seed = 11};

static assay_mc_result price_of(const assay_mc_params *params) {
  assay_error err = {0};
  assay_mc_result result;
  assert_ok(assay_mc_price(params, &err, &result), err);
  assert_true(result.standard_error >= 0 && result.low <= result.price && result.price <= result.high);
  return result;
}

/* Within three standard errors and a bit (several hundred comparisons are made, with fixed seeds). */
#define assert_within(value, error, expected) assert_near((value), (expected), 3.6 * (error) + 1e-9 * fabs(expected))

typedef double (*price_function)(const assay_mc_params *params);

/* All five Greeks of `exact` by differences. */
static void assert_greeks(const assay_mc_params *params, const assay_mc_result *result, price_function exact) {
  assay_mc_params up = *params, down = *params;
  double h = 1e-3 * params->spot;
  up.spot += h, down.spot -= h;
  double above = exact(&up), below = exact(&down), middle = exact(params);
  assert_within(result->greeks.delta.value, result->greeks.delta.standard_error, (above - below) / (2 * h));
  assert_within(result->greeks.gamma.value, result->greeks.gamma.standard_error, (above - 2 * middle + below) / (h * h));
  up = down = *params, up.volatility += 1e-5, down.volatility -= 1e-5;
  assert_within(result->greeks.vega.value, result->greeks.vega.standard_error, (exact(&up) - exact(&down)) / 2e-5);
  up = down = *params, up.time += 1e-5, down.time -= 1e-5;
  assert_within(result->greeks.theta.value, result->greeks.theta.standard_error, (exact(&down) - exact(&up)) / 2e-5);
  up = down = *params, up.rate += 1e-5, down.rate -= 1e-5;
  assert_within(result->greeks.rho.value, result->greeks.rho.standard_error, (exact(&up) - exact(&down)) / 2e-5);
}

static double european(const assay_mc_params *p) {
  return (double)exact_price(p->put ? ASSAY_OPTION_PUT : ASSAY_OPTION_CALL, p->spot, p->strike, p->time, p->rate, p->dividend,
                             p->volatility);
}

/* Kemna and Vorst 1990: the geometric average is lognormal. */
static double geometric_asian(const assay_mc_params *p) {
  long double n = p->steps, mean = (p->rate - p->dividend - p->volatility * p->volatility / 2) * p->time * (n + 1) / (2 * n);
  long double variance = (long double)p->volatility * p->volatility * p->time * (n + 1) * (2 * n + 1) / (6 * n * n);
  /* As a European whose yield makes its forward that of the average. */
  long double yield = p->rate - (mean + variance / 2) / p->time;
  return (double)exact_price(p->put ? ASSAY_OPTION_PUT : ASSAY_OPTION_CALL, p->spot, p->strike, p->time, p->rate, yield,
                             sqrtl(variance / p->time));
}

static void check_all_ways(assay_mc_params params, price_function exact) {
  for (int way = 0; way < 16; way++) {
    params.put = way & 1, params.antithetic = way & 2, params.control = way & 4, params.precision = way & 8 ? ASSAY_MC_F32 : ASSAY_MC_F64;
    params.greeks = true;
    assay_mc_result with = price_of(&params);
    assert_within(with.price, with.standard_error, exact(&params));
    assert_greeks(&params, &with, exact);
    params.greeks = false;
    assay_mc_result without = price_of(&params);
    assert_near(without.price, with.price, 1e-5 * with.price);
    assert_true(isnan(without.greeks.delta.value) && without.greeks.delta.method == ASSAY_MC_NO_METHOD);
  }
}

static void test_european(void **state) {
  (void)state;
  check_all_ways(base, european);
}

static void test_geometric_asian(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_ASIAN_GEOMETRIC, params.steps = 10, params.paths = 1 << 16;
  check_all_ways(params, geometric_asian);
  params.steps = 13;
  check_all_ways(params, geometric_asian);
}

/* No closed form; but one average of one date is a European, and the control must agree with the plain mean and shrink the error. */
static void test_arithmetic_asian(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_ASIAN_ARITHMETIC, params.steps = 1, params.paths = 1 << 16;
  check_all_ways(params, european);
  params.steps = 50, params.greeks = true, params.strike = 100;
  assay_mc_result plain = price_of(&params);
  params.control = true;
  assay_mc_result controlled = price_of(&params);
  assert_within(plain.price, hypot(plain.standard_error, controlled.standard_error), controlled.price);
  assert_true(controlled.variance_ratio > 100);
  assert_true(controlled.standard_error < plain.standard_error / 10);
  /* Greeks by differences of controlled prices, whose own error is small. */
  assay_mc_params up = params, down = params;
  up.greeks = down.greeks = false;
  up.spot *= 1.01, down.spot *= 0.99;
  assay_mc_result above = price_of(&up), below = price_of(&down);
  assert_within(controlled.greeks.delta.value, controlled.greeks.delta.standard_error, (above.price - below.price) / 2);
  assert_within(controlled.greeks.gamma.value, controlled.greeks.gamma.standard_error, above.price - 2 * controlled.price + below.price);
  up = down = params, up.volatility *= 1.01, down.volatility *= 0.99;
  assert_within(controlled.greeks.vega.value, controlled.greeks.vega.standard_error,
                (price_of(&up).price - price_of(&down).price) / (0.02 * params.volatility));
  up = down = params, up.time *= 1.01, down.time *= 0.99;
  assert_within(controlled.greeks.theta.value, controlled.greeks.theta.standard_error,
                (price_of(&down).price - price_of(&up).price) / (0.02 * params.time));
}

/* Of 200 seeds about 190 intervals of 95 % hold the truth: with probability 0.9999 between 177 and 199. */
static void test_interval_covers(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.paths = 20000, params.greeks = true;
  double truth = european(&params), delta = 0;
  assay_mc_params up = params, down = params;
  up.spot += 0.1, down.spot -= 0.1, delta = (european(&up) - european(&down)) / 0.2;
  int covered = 0, deltas = 0;
  for (uint64_t seed = 0; seed < 200; seed++) {
    params.seed = seed, params.antithetic = seed % 3 == 1, params.control = seed % 3 == 2;
    assay_mc_result r = price_of(&params);
    covered += r.low <= truth && truth <= r.high;
    deltas += fabs(r.greeks.delta.value - delta) <= 1.96 * r.greeks.delta.standard_error;
  }
  assert_in_range(covered, 177, 199);
  assert_in_range(deltas, 173, 199);
}

static void test_target_error(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.paths = 0, params.target_error = 0.02;
  assay_mc_result result = price_of(&params), again = price_of(&params);
  assert_true(result.reached && result.standard_error <= 0.02 && result.paths > 1 << 16);
  assert_true(result.price == again.price && result.paths == again.paths);
  assert_within(result.price, result.standard_error, european(&params));
  params.paths = 1 << 17, params.target_error = 1e-6;
  result = price_of(&params);
  assert_true(!result.reached && result.paths == 1 << 17);
}

/* Every kernel of paths gives the same sums from every instruction set, for odd numbers of samples, steps and groups. */
static void test_same_bits(void **state) {
  (void)state;
  static const char *const names[] = {"mc_asian", "mc_asian_greeks"};
  static double sums[2][16 * 5];
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    for (unsigned bits = 32; bits <= 64; bits += 32) {
      for (unsigned way = 0; way < 16; way++) {
        char name[64];
        snprintf(name, sizeof name, "%s_f%u", names[k], bits);
        const assay_kernel *kernel = assay_kernel_find(name);
        mc_path_params p = {.samples = 2011,
                            .draws = 2,
                            .groups = 5,
                            .steps = 7,
                            .key = random_key_make(1, 2),
                            .antithetic = way & 1,
                            .kind = way >> 1 & 3,
                            .drift = 0.01,
                            .width = 0.1,
                            .scale = way & 8 ? 100 : -100,
                            .shift = way & 8 ? -95 : 105,
                            .mean = 0.0485,
                            .deviation = 0.1834,
                            .barrier = way & 2 ? 0.3 : -0.3,
                            .bridge = 288.5};
        size_t variant;
        for (size_t v = 0; (variant = assay_kernel_variant_usable(v)) < ASSAY_KERNEL_VARIANT_COUNT; v++) {
          double *to = sums[v > 0];
          memset(to, 0, sizeof sums[0]);
          void *buffers[] = {to, to};
          /* From the middle first: groups do not depend on each other. */
          kernel->variants[variant](&p, buffers, 2, 5);
          kernel->variants[variant](&p, buffers, 0, 2);
          if (v > 0 && memcmp(sums[0], sums[1], sizeof sums[0]) != 0) {
            fail_msg("%s differs on %s from the reference (way %u)", name, assay_kernel_variant_text(variant), way);
          }
        }
        assert_true(sums[0][0] > 0 && isfinite(sums[0][0]));
      }
    }
  }
}

static void test_bad_input(void **state) {
  (void)state;
  static const struct {
    size_t at;
    double value;
    assay_status status;
    const char *says;
  } cases[] = {
#define CASE(field, value, says) {offsetof(assay_mc_params, field), value, ASSAY_ERR_INVALID, says}
      CASE(volatility, -0.2, "volatility"),
      CASE(volatility, NAN, "volatility"),
      CASE(volatility, 0, "volatility"),
      CASE(volatility, INFINITY, "volatility"),
      CASE(time, 0, "time"),
      CASE(time, -1, "time"),
      CASE(time, NAN, "time"),
      CASE(spot, 0, "spot"),
      CASE(spot, -1, "spot"),
      CASE(spot, NAN, "spot"),
      CASE(strike, 0, "strike"),
      CASE(strike, NAN, "strike"),
      CASE(rate, NAN, "rate"),
      CASE(rate, 1e9, "rate"),
      CASE(dividend, INFINITY, "dividend"),
      CASE(volatility, 100, "e^83"),
      CASE(time, 1e9, "e^"),
      CASE(level, 1, "level"),
      CASE(level, -0.5, "level"),
      CASE(level, NAN, "level"),
      CASE(target_error, -1, "target"),
      CASE(target_error, NAN, "target"),
      CASE(strike, 1e300, "strike"),
#undef CASE
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_mc_params params = base;
    memcpy((char *)&params + cases[i].at, &cases[i].value, sizeof(double));
    assay_error err = {0};
    assay_mc_result result = {.price = -7};
    assert_int_equal(assay_mc_price(&params, &err, &result), cases[i].status);
    if (strstr(err.message, cases[i].says) == NULL) fail_msg("case %zu: '%s' does not say '%s'", i, err.message, cases[i].says);
    assert_true(result.price == -7);
  }
  assay_mc_params params = base;
  assay_mc_result result;
  params.paths = 2000000000000;
  assert_int_equal(assay_mc_price(&params, NULL, &result), ASSAY_ERR_LIMIT);
  params = base, params.steps = 1 << 20, params.payoff = ASSAY_MC_ASIAN_ARITHMETIC;
  assert_int_equal(assay_mc_price(&params, NULL, &result), ASSAY_ERR_LIMIT);
  params = base, params.paths = 3;
  assert_int_equal(assay_mc_price(&params, NULL, &result), ASSAY_ERR_INVALID);
  params = base, params.paths = 1000, params.greeks = true;
  assert_int_equal(assay_mc_price(&params, NULL, &result), ASSAY_ERR_INVALID);
  params = base, params.device = "abacus";
  assert_int_not_equal(assay_mc_price(&params, NULL, &result), ASSAY_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_european),        cmocka_unit_test(test_geometric_asian), cmocka_unit_test(test_arithmetic_asian),
      cmocka_unit_test(test_interval_covers), cmocka_unit_test(test_target_error),    cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_bad_input),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
