/* SPDX-License-Identifier: MIT */
/* What every Monte Carlo price promises: its error, its target, its currency, its paths, its device, and what bad input is told. */
#include <sys/wait.h>
#include <unistd.h>

#include "montecarlo_exact.h"

/* What a child process gives whose default device runs out of memory at a launch: a process finds its devices once. */
static assay_mc_result price_with_failure(const assay_mc_params *params, int launch) {
  int ends[2];
  assay_mc_result result = {0};
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    char text[64];
    snprintf(text, sizeof text, "rank=1,launch_memory=%d", launch);
    setenv("ASSAY_DUMMY", text, 1);
    assay_status status = assay_mc_price(params, NULL, &result);
    ssize_t written = write(ends[1], &result, sizeof result);
    _exit(status != ASSAY_OK || written != (ssize_t)sizeof result);
  }
  close(ends[1]);
  ssize_t got = read(ends[0], &result, sizeof result);
  close(ends[0]);
  int status = 1;
  waitpid(child, &status, 0);
  assert_true(got == (ssize_t)sizeof result && status == 0);
  return result;
}

/* A device that fails at any launch, of whatever the price is made of, is named in the result, and the price is the same. */
static void test_fallback_is_told(void **state) {
  (void)state;
  assay_mc_params ways[4];
  assay_mc_result results[8];
  for (int way = 0; way < 4; way++) {
    assay_mc_params *params = &ways[way];
    *params = base;
    params->paths = 1 << 17, params->payoff = ASSAY_MC_ASIAN_ARITHMETIC, params->steps = 2, params->target_error = 1e-6; /* two batches */
    params->device = "auto";
    if (way == 1) params->payoff = ASSAY_MC_BARRIER, params->watch = ASSAY_MC_AT_STEPS, params->barrier = 80, params->greeks = true;
    if (way == 2) params->payoff = ASSAY_MC_AMERICAN, params->put = true;
    if (way == 3) params->sampling = ASSAY_MC_SOBOL;
    for (int launch = 1; launch <= 2; launch++) results[2 * way + launch - 1] = price_with_failure(params, launch);
  }
  for (int i = 0; i < 8; i++) {
    assay_mc_result usual = price_of(&ways[i / 2]);
    assert_string_equal(results[i].device, "cpu");
    if (strstr(results[i].reason, "dummy") == NULL) fail_msg("way %d: '%s' does not tell", i, results[i].reason);
    assert_true(results[i].price == usual.price && results[i].standard_error == usual.standard_error);
  }
}

/* A plain European has one step; who expects more would read what was never written. */
static void more_steps_than_there_are_is_refused(void **state) {
  (void)state;
  double values[2] = {0};
  assay_error err = {0};
  assay_mc_params params = {.spot = 100, .strike = 100, .time = 1, .volatility = 0.2, .steps = 252};
  assert_int_equal(assay_mc_paths(&params, 0, 1, &err, values), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "252 steps"));
  assert_true(values[0] == 0 && values[1] == 0);
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

/* A power of two in the currency changes nothing else, and no currency is out of range. */
static void test_currency(void **state) {
  (void)state;
  static const assay_mc_payoff payoffs[] = {ASSAY_MC_EUROPEAN, ASSAY_MC_ASIAN_ARITHMETIC, ASSAY_MC_BARRIER, ASSAY_MC_AMERICAN};
  for (int way = 0; way < 8; way++) {
    assay_mc_params params = base;
    params.payoff = payoffs[way / 2], params.precision = way % 2 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.paths = 1 << 14;
    params.greeks = true, params.put = true, params.barrier = 80, params.steps = 4, params.control = way / 2 < 3;
    assay_mc_result usual = price_of(&params);
    static const int exponents[] = {-1000, -90, 90, 1000};
    for (int k = 0; k < 4; k++) {
      int e = exponents[k];
      assay_mc_params moved = params;
      moved.spot = ldexp(params.spot, e), moved.strike = ldexp(params.strike, e), moved.barrier = ldexp(params.barrier, e);
      assay_mc_result r = price_of(&moved);
      assert_true(r.price == ldexp(usual.price, e) && r.standard_error == ldexp(usual.standard_error, e));
      assert_true(r.greeks.delta.value == usual.greeks.delta.value && r.greeks.gamma.value == ldexp(usual.greeks.gamma.value, -e));
      assert_true(r.greeks.vega.standard_error == ldexp(usual.greeks.vega.standard_error, e));
      if (params.payoff == ASSAY_MC_EUROPEAN) assert_true(r.control_coefficient == ldexp(usual.control_coefficient, e));
      if (params.payoff == ASSAY_MC_ASIAN_ARITHMETIC) assert_true(r.control_coefficient == usual.control_coefficient);
    }
  }
  double spots[] = {100, 95}, moved_spots[2], volatilities[] = {0.2, 0.3}, weights[] = {2, -1}, correlations[] = {1, 0.4, 0.4, 1};
  assay_mc_params basket = {.payoff = ASSAY_MC_BASKET,
                            .assets = 2,
                            .spots = spots,
                            .volatilities = volatilities,
                            .weights = weights,
                            .correlations = correlations,
                            .strike = 100,
                            .time = 1,
                            .paths = 1 << 14,
                            .greeks = true};
  assay_mc_result usual = price_of(&basket);
  for (int e = -90; e <= 90; e += 180) {
    assay_mc_params moved = basket;
    for (int j = 0; j < 2; j++) moved_spots[j] = ldexp(spots[j], e);
    moved.spots = moved_spots, moved.strike = ldexp(100, e);
    assay_mc_result r = price_of(&moved);
    assert_true(r.price == ldexp(usual.price, e) && r.greeks.gamma.value == ldexp(usual.greeks.gamma.value, e));
  }
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_DIGITAL, params.payout = 1e200, params.spot = 1e-290, params.strike = 1.05e-290;
  assert_within(price_of(&params).price / 1e200, price_of(&params).standard_error / 1e200, digital(&params) / 1e200);
  params.greeks = true; /* of delta 1e490 there is no number */
  assay_error err = {0};
  assay_mc_result r;
  assert_int_equal(assay_mc_price(&params, &err, &r), ASSAY_ERR_LIMIT);
  assert_non_null(strstr(err.message, "delta"));
}

/* Every number that was asked for is one, also where a score divides by nothing. */
static void test_no_number_is_none(void **state) {
  (void)state;
  static const double sets[][3] = {{0.04, 0.04, 1}, {0.04, 0.04, -1}, {0, 0.04, -0.5}, {0.04, 0, -0.5}};
  for (int set = 0; set < 4; set++) {
    for (int way = 0; way < 12; way++) {
      assay_mc_params params = base;
      params.model = ASSAY_MC_HESTON, params.variance = sets[set][0], params.long_variance = sets[set][1];
      params.correlation = sets[set][2], params.reversion = 1.5, params.variance_volatility = 0.5;
      params.paths = 1 << 14, params.greeks = true, params.steps = way / 4 == 0 ? 1 : way / 4 == 1 ? 2 : 16;
      params.payoff = way & 1 ? ASSAY_MC_DIGITAL : ASSAY_MC_EUROPEAN, params.precision = way & 2 ? ASSAY_MC_F32 : ASSAY_MC_F64;
      assay_mc_result r = price_of(&params);
      const assay_mc_greek *greeks = &r.greeks.delta;
      for (int g = 0; g < 5; g++) assert_true(isfinite(greeks[g].value) && isfinite(greeks[g].standard_error));
      assert_true(isfinite(r.price) && r.greeks.delta.standard_error > 0 && r.greeks.gamma.standard_error > 0);
      if (params.steps < 16 || (way & 1)) continue;
      assay_mc_params up = params, down = params;
      up.spot += 1, down.spot -= 1;
      assert_near(r.greeks.gamma.value, heston(&up) - 2 * heston(&params) + heston(&down), 4 * r.greeks.gamma.standard_error + 4e-3);
    }
  }
  /* So little moves that a bridge crosses a barrier with a probability that no number has. */
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_BARRIER, params.barrier = 90, params.rate = params.dividend = 0, params.time = 1, params.strike = 100;
  params.volatility = 1e-7, params.steps = 16, params.greeks = true, params.paths = 1 << 14;
  assay_mc_result r = price_of(&params);
  assert_within(r.greeks.gamma.value, r.greeks.gamma.standard_error, 1 / (100 * params.volatility * sqrt(2 * M_PI)));
  assert_near(r.greeks.delta.value, 0.5, 3.6 * r.greeks.delta.standard_error);
  static const double least[] = {0.99e-10, 1e-42, 1e-200, 1e-300};
  for (int i = 0; i < 4; i++) {
    params.volatility = least[i];
    assert_int_equal(assay_mc_price(&params, NULL, &r), ASSAY_ERR_INVALID);
  }
  params.volatility = 0.99e-7, params.precision = ASSAY_MC_F32;
  assert_int_equal(assay_mc_price(&params, NULL, &r), ASSAY_ERR_INVALID);
}

/* Where nothing was paid, or always, the error is that of what was not seen; and a target is not reached on nothing. */
static void test_unseen_payments(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.rate = params.dividend = 0, params.time = 1, params.volatility = 0.2, params.strike = 100 * exp(1.0);
  params.paths = 1 << 20, params.target_error = 1e-9;
  assay_mc_result r = price_of(&params);
  double exact = european(&params);
  assert_true(!r.reached && r.paths == 1 << 20 && r.low <= exact && exact <= r.high);
  params.target_error = 1e-3;
  assert_true(price_of(&params).reached);
  /* A few payments are no better: of 4.2 deviations the first batch has about one. */
  params.strike = 100 * exp(0.2 * 4.2), params.target_error = 2e-5;
  exact = european(&params);
  for (params.seed = 0; params.seed < 8; params.seed++) {
    r = price_of(&params);
    assert_false(r.reached);
    assert_true(r.low <= exact && exact <= r.high);
  }
  params.payoff = ASSAY_MC_DIGITAL, params.payout = 7, params.strike = 100 * exp(-1.0), params.target_error = 1e-6;
  r = price_of(&params);
  assert_true(!r.reached && r.low <= digital(&params) && digital(&params) <= r.high && r.standard_error > 0);
}

/* Nor is a Greek 0 for certain because nothing was paid. */
static void test_greeks_of_unseen_payments(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.strike = 100 * exp(3.0), params.greeks = true, params.paths = 1 << 16;
  const assay_mc_greeks g = price_of(&params).greeks;
  assert_true(g.delta.standard_error > 0 && g.gamma.standard_error > 0 && g.vega.standard_error > 0 && g.theta.standard_error > 0);
  assert_true(g.rho.standard_error > 0 && g.delta.standard_error < 1e-3);
  params.strike = 100 * exp(-3.0); /* which pays always */
  assert_true(price_of(&params).greeks.rho.standard_error > 1e-5);
}

/* A control that is the payoff on every path seen says nothing of those that were not: a put deep in the money, a barrier far away. */
static void test_unseen_beside_a_control(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.rate = params.dividend = 0, params.time = 1, params.volatility = 0.4, params.paths = 1 << 16, params.control = true;
  for (int way = 0; way < 16; way++) {
    params.put = way & 1, params.antithetic = way & 2, params.precision = way & 4 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.seed = way;
    params.strike = 100 * exp((params.put ? 1 : -1) * 0.4 * 4.3);
    assay_mc_result r = price_of(&params);
    double exact = european(&params);
    assert_true(r.low <= exact && exact <= r.high && r.standard_error < 0.04);
  }
  params.put = false, params.antithetic = false, params.precision = ASSAY_MC_F64;
  params.strike = 90; /* where the other one pays often, the control is as good as it was */
  assert_true(price_of(&params).standard_error < 0.06);
  params.payoff = ASSAY_MC_BARRIER, params.watch = ASSAY_MC_AT_STEPS, params.steps = 2, params.barrier = 100 * exp(-0.4 * 4.6);
  for (params.seed = 0; params.seed < 4; params.seed++) {
    assert_true(price_of(&params).standard_error >= 100 * 1.7 / (1 << 16));
  }
  params.barrier = 80;
  assert_true(price_of(&params).standard_error < 0.06);
}

/* What single precision rounds is part of the error, and a target below it is refused. */
static void test_rounding_is_an_error(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.precision = ASSAY_MC_F32, params.strike = 50, params.rate = params.dividend = 0, params.time = 1;
  static const assay_mc_payoff payoffs[] = {ASSAY_MC_EUROPEAN, ASSAY_MC_ASIAN_ARITHMETIC, ASSAY_MC_ASIAN_GEOMETRIC,
                                            ASSAY_MC_LOOKBACK_FIXED};
  for (int way = 0; way < 24; way++) {
    params.payoff = payoffs[way % 4], params.steps = way / 4 % 2 ? 252 : 16, params.watch = ASSAY_MC_AT_STEPS;
    params.volatility = way < 8 ? 1e-7 : way < 16 ? 1e-6 : 1e-5, params.paths = 1 << 15;
    assay_mc_result r = price_of(&params);
    double reached = params.payoff == ASSAY_MC_LOOKBACK_FIXED ? 80 * params.volatility : 0; /* the mean of the maximum */
    assert_near(r.price, 50 + reached, 3 * r.standard_error + 1.5 * reached);
    assert_true(r.standard_error < 1e-4);
  }
  /* A control whose spread is rounding has no coefficient to multiply that rounding by. */
  assay_mc_params still = {
      .spot = 100, .strike = 5e-6, .time = 0.468776, .rate = 0.00433713, .dividend = 0.00947277, .volatility = 1.3173e-6};
  still.paths = 16384, still.precision = ASSAY_MC_F32, still.antithetic = still.control = true;
  for (still.seed = 5350; still.seed < 5370; still.seed++) {
    assert_within(price_of(&still).price, price_of(&still).standard_error, european(&still));
  }
  params.payoff = ASSAY_MC_EUROPEAN, params.volatility = 1e-4, params.target_error = 1e-6, params.paths = 0;
  assay_error err = {0};
  assay_mc_result r;
  assert_int_equal(assay_mc_price(&params, &err, &r), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "f64"));
  params.precision = ASSAY_MC_F64;
  r = price_of(&params);
  assert_true(r.reached);
  assert_within(r.price, r.standard_error, 50.0);
  /* Heston's scheme divides by the volatility of the variance. */
  params = base, params.model = ASSAY_MC_HESTON, params.variance = params.long_variance = 0.04, params.reversion = 1.5;
  params.correlation = 0.88, params.variance_volatility = 1.8e-4, params.precision = ASSAY_MC_F32, params.time = 46, params.steps = 3;
  params.reversion = 2.77, params.long_variance = 0.18;
  assert_int_equal(assay_mc_price(&params, NULL, &r), ASSAY_ERR_INVALID);
  params.correlation = -0.5, params.variance_volatility = 1e-5, params.time = 1, params.steps = 0;
  assay_error_clear(&err);
  assert_int_equal(assay_mc_price(&params, &err, &r), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "volatility of the variance"));
}

/* The paths that are shown are those that were priced. */
static void test_paths(void **state) {
  (void)state;
  enum { COUNT = 1024, STEPS = 5 };
  static double values[(STEPS + 1) * COUNT], part[(STEPS + 1) * 3];
  assay_error err = {0};
  for (int way = 0; way < 16; way++) {
    assay_mc_params params = base;
    params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way & 2, params.paths = COUNT;
    params.payoff = way & 4 ? ASSAY_MC_EUROPEAN : ASSAY_MC_ASIAN_ARITHMETIC, params.steps = way & 4 ? 1 : STEPS;
    if (way & 8) params.model = ASSAY_MC_MERTON, params.jump_rate = 2, params.jump_volatility = 0.1;
    size_t steps = params.steps;
    assert_ok(assay_mc_paths(&params, 0, COUNT, &err, values), err);
    double sum = 0;
    for (size_t i = 0; i < COUNT; i++) {
      double mean = 0;
      for (size_t s = 1; s <= steps; s++) mean += values[s * COUNT + i] / (double)steps;
      assert_true(values[i] == 100);
      sum += fmax(mean - params.strike, 0);
    }
    assay_mc_result result = price_of(&params);
    assert_near(exp(-params.rate * params.time) * sum / COUNT, result.price, (way & 1 ? 1e-5 : 1e-12) * result.price);
    assert_ok(assay_mc_paths(&params, 301, 3, &err, part), err);
    for (size_t s = 0; s <= steps; s++) assert_memory_equal(&part[s * 3], &values[s * COUNT + 301], sizeof(double[3]));
  }
}

/* Also where an item draws several times. */
static void test_many_paths(void **state) {
  (void)state;
  enum { COUNT = 1 << 22 };
  assay_mc_params params = base;
  params.precision = ASSAY_MC_F32, params.paths = COUNT;
  double *values = malloc(2 * COUNT * sizeof *values), sum = 0;
  assay_error err = {0};
  assert_ok(assay_mc_paths(&params, 0, COUNT, &err, values), err);
  for (size_t i = 0; i < COUNT; i++) sum += fmax(values[COUNT + i] - params.strike, 0);
  assert_near(exp(-params.rate * params.time) * sum / COUNT, price_of(&params).price, 1e-5);
  double last[2 * 5];
  assert_ok(assay_mc_paths(&params, COUNT - 7, 5, &err, last), err);
  assert_memory_equal(&last[5], &values[2 * COUNT - 7], 5 * sizeof *last);
  free(values);
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
      cmocka_unit_test(test_fallback_is_told), /* first: before this process has found its devices */
      cmocka_unit_test(more_steps_than_there_are_is_refused),
      cmocka_unit_test(test_interval_covers),
      cmocka_unit_test(test_target_error),
      cmocka_unit_test(test_currency),
      cmocka_unit_test(test_no_number_is_none),
      cmocka_unit_test(test_unseen_payments),
      cmocka_unit_test(test_unseen_beside_a_control),
      cmocka_unit_test(test_greeks_of_unseen_payments),
      cmocka_unit_test(test_rounding_is_an_error),
      cmocka_unit_test(test_paths),
      cmocka_unit_test(test_many_paths),
      cmocka_unit_test(test_bad_input),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
