/* SPDX-License-Identifier: MIT */
/* Monte Carlo prices and Greeks of each payoff against closed forms and integrals. */
#include "montecarlo_exact.h"

static void test_european(void **state) {
  (void)state;
  check_all_ways(base, european);
}

static void test_geometric_asian(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_ASIAN_GEOMETRIC, params.steps = 10, params.paths = 1 << 16;
  params.seed = 12; /* of sixty seeds in f32, 11 is the one whose gamma is 3.9 of its errors off */
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

/* Without anything besides the price a faster kernel answers, from the same random numbers: the same price but for rounding. */
static void test_bare_asian(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_ASIAN_ARITHMETIC, params.paths = 20000;
  static const uint32_t steps[] = {50, 252, 255};
  for (size_t s = 0; s < 3; s++) {
    for (int way = 0; way < 4; way++) {
      params.steps = steps[s], params.put = way & 1, params.precision = way & 2 ? ASSAY_MC_F32 : ASSAY_MC_F64;
      params.greeks = false;
      assay_mc_result bare = price_of(&params);
      params.greeks = true;
      assay_mc_result whole = price_of(&params);
      double off = params.precision == ASSAY_MC_F32 ? 3e-6 : 1e-10;
      assert_near(bare.price, whole.price, off * whole.price);
      assert_near(bare.standard_error, whole.standard_error, 10 * off * whole.standard_error);
    }
  }
}

static void test_digital(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_DIGITAL, params.payout = 7, params.paths = 1 << 17;
  check_all_ways(params, digital);
}

static void test_barriers(void **state) {
  (void)state;
  for (int kind = 0; kind < 8; kind++) {
    assay_mc_params params = base;
    params.payoff = ASSAY_MC_BARRIER, params.barrier_kind = kind % 4, params.steps = kind < 4 ? 0 : 6, params.paths = 1 << 16,
    params.seed = kind;
    params.barrier = kind % 2 ? 125 : 88;
    check_all_ways(params, barrier);
  }
}

static void test_lookbacks(void **state) {
  (void)state;
  for (int kind = 0; kind < 6; kind++) {
    assay_mc_params params = base;
    params.payoff = kind % 2 ? ASSAY_MC_LOOKBACK_FLOATING : ASSAY_MC_LOOKBACK_FIXED, params.steps = kind < 4 ? 0 : 5,
    params.paths = 1 << 16;
    params.seed = kind, params.strike = kind < 2 ? 92 : 108;
    check_all_ways(params, lookback);
  }
}

/* Looked at once, at the end: what is paid then is a function of the end. */
static void test_watched_at_steps(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.watch = ASSAY_MC_AT_STEPS, params.steps = 1, params.payoff = ASSAY_MC_BARRIER, params.barrier = 130,
  params.barrier_kind = ASSAY_MC_UP_OUT;
  for (int way = 0; way < 4; way++) {
    params.put = way & 1, params.control = way & 2;
    assay_mc_result result = price_of(&params);
    assert_within(result.price, result.standard_error, barrier(&params));
  }
  /* More looks, fewer survive; all the time, fewest. */
  params.put = false, params.steps = 16, params.control = false, params.greeks = true;
  assay_mc_result some = price_of(&params);
  params.watch = ASSAY_MC_CONTINUOUS;
  assay_mc_result always = price_of(&params);
  params.watch = ASSAY_MC_AT_STEPS, params.steps = 1;
  double once = barrier(&params);
  assert_true(always.price + 5 * always.standard_error < some.price && some.price < once - 5 * some.standard_error);
  assert_int_equal(some.greeks.delta.method, ASSAY_MC_CONDITIONAL);
  assert_true(some.greeks.delta.standard_error > 0 && fabs(some.greeks.delta.value) < 1);
  /* S1 - min(S0, S1) is a call at the spot. */
  params.payoff = ASSAY_MC_LOOKBACK_FLOATING, params.strike = 100;
  assay_mc_result result = price_of(&params);
  assert_within(result.price, result.standard_error, european(&params));
  assay_mc_params up = params, down = params;
  up.volatility += 1e-4, down.volatility -= 1e-4;
  assert_within(result.greeks.vega.value, result.greeks.vega.standard_error + 1e-3, (european(&up) - european(&down)) / 2e-4);
}

/* ---- Barriers looked at after steps, by integrating step by step -------------------------------------------------------------------- */

enum { GRID = 240 }; /* Simpson's rule on so many pieces */

/* What is paid at the end, if ln S / spot is x one step before, `from` and `to` are where it may end, and ends beyond are lost. */
static double last_step(const assay_mc_params *p, double x, double from, double to) {
  double mean = x + mean_of(p) / p->steps, s = deviation_of(p) / sqrt(p->steps), k = log(p->strike / p->spot), sign = p->put ? -1 : 1;
  double low = p->put ? from : fmax(from, k), high = p->put ? fmin(to, k) : to;
  if (!(high > low)) return 0;
  double strike_part = normal_cdf((high - mean) / s) - normal_cdf((low - mean) / s);
  double spot_part = normal_cdf((high - mean) / s - s) - normal_cdf((low - mean) / s - s);
  return sign * (p->spot * exp(mean + s * s / 2) * spot_part - p->strike * strike_part);
}

static double stepped_barrier(const assay_mc_params *p) {
  double b = log(p->barrier / p->spot), reach = 9 * deviation_of(p) + fabs(mean_of(p)), values[2][GRID + 1];
  bool up = p->barrier_kind == ASSAY_MC_UP_OUT || p->barrier_kind == ASSAY_MC_UP_IN,
       in = p->barrier_kind == ASSAY_MC_DOWN_IN || p->barrier_kind == ASSAY_MC_UP_IN;
  double from = up ? -reach : b, to = up ? b : reach, h = (to - from) / GRID;
  double mean = mean_of(p) / p->steps, s = deviation_of(p) / sqrt(p->steps);
  for (int i = 0; i <= GRID; i++) values[0][i] = last_step(p, from + i * h, from, to);
  int now = 0;
  double out = 0;
  for (uint32_t step = p->steps - 1; step > 0; step--, now = !now) {
    for (int i = 0; i <= GRID; i++) {
      double x = step == 1 ? 0 : from + i * h, sum = 0;
      for (int j = 0; j <= GRID; j++) {
        double z = (from + j * h - x - mean) / s;
        sum += (j == 0 || j == GRID ? 1 : j % 2 ? 4 : 2) * exp(-z * z / 2) * values[now][j];
      }
      values[!now][i] = out = sum * h / (3 * s * sqrt(2 * M_PI));
      if (step == 1) break;
    }
  }
  assay_mc_params plain = *p;
  return in ? european(&plain) - exp(-p->rate * p->time) * out : exp(-p->rate * p->time) * out;
}

static void test_barriers_at_steps(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    assay_mc_params params = base;
    params.payoff = ASSAY_MC_BARRIER, params.watch = ASSAY_MC_AT_STEPS, params.barrier_kind = (assay_mc_barrier)kind, params.seed = kind;
    params.barrier = kind % 2 ? 125 : 88;
    for (int way = 0; way < 8; way++) {
      params.put = way & 1, params.precision = way & 2 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way == 3, params.greeks = true;
      params.steps = way & 4 ? 4 : 1, params.paths = way & 4 ? 1 << 16 : 1 << 14;
      price_function exact = way & 4 ? stepped_barrier : barrier;
      assay_mc_result r = price_of(&params);
      assert_within(r.price, r.standard_error, exact(&params));
      assert_int_equal(r.greeks.gamma.method, ASSAY_MC_CONDITIONAL);
      if (params.steps == 1) { /* then nothing is left to chance, and the differences are what is off */
        assay_mc_greek *greeks = &r.greeks.delta;
        for (int g = 0; g < 5; g++) greeks[g].standard_error += 2e-4 * fabs(greeks[g].value) + 1e-5;
      }
      assert_greeks(&params, &r, exact);
    }
  }
}

/* Many steps, so that which of them is the nearest to the barrier changes between spots that are close; and a strike beyond the barrier,
 * where nothing can be paid. */
/* An hour before expiry single precision has few digits for a second difference: it is off by no more than what chance explains. */
static void test_gammas_before_expiry(void **state) {
  (void)state;
  for (int way = 0; way < 6; way++) {
    static const unsigned steps[] = {8, 50, 252};
    assay_mc_params params = {.payoff = ASSAY_MC_BARRIER, .watch = ASSAY_MC_AT_STEPS, .spot = 100, .strike = 100, .time = 1.0 / 8760};
    params.rate = 0.03, params.volatility = 0.2, params.steps = steps[way / 2], params.paths = 1 << 19, params.seed = 3;
    params.greeks = true, params.barrier_kind = way % 2 ? ASSAY_MC_UP_OUT : ASSAY_MC_DOWN_OUT;
    params.barrier = params.spot * exp((way % 2 ? 0.8 : -0.6) * params.volatility * sqrt(params.time));
    assay_mc_result wide = price_of(&params);
    params.precision = ASSAY_MC_F32;
    assay_mc_result narrow = price_of(&params);
    assert_within(narrow.greeks.gamma.value, hypot(narrow.greeks.gamma.standard_error, wide.greeks.gamma.standard_error),
                  wide.greeks.gamma.value);
  }
}

static void test_gammas_of_many_steps(void **state) {
  (void)state;
  for (int way = 0; way < 16; way++) {
    assay_mc_params params = base;
    params.payoff = ASSAY_MC_BARRIER, params.watch = ASSAY_MC_AT_STEPS, params.barrier_kind = (assay_mc_barrier)(way % 4);
    params.put = way & 4, params.precision = way & 8 ? ASSAY_MC_F32 : ASSAY_MC_F64;
    params.barrier = way % 2 ? 114 : 88, params.strike = 103, params.steps = 24, params.paths = 1 << 20, params.greeks = true;
    assay_mc_params up = params, down = params;
    up.spot += 0.1, down.spot -= 0.1;
    double exact = (stepped_barrier(&up) - 2 * stepped_barrier(&params) + stepped_barrier(&down)) / 0.01;
    assay_mc_result r = price_of(&params);
    assert_within(r.greeks.gamma.value, r.greeks.gamma.standard_error, exact);
    assert_true(r.greeks.gamma.standard_error < 4e-4);
  }
  assay_mc_params nothing = base;
  nothing.payoff = ASSAY_MC_BARRIER, nothing.watch = ASSAY_MC_AT_STEPS, nothing.barrier_kind = ASSAY_MC_UP_OUT;
  nothing.barrier = 101, nothing.strike = 102, nothing.steps = 8, nothing.greeks = true;
  assert_near(price_of(&nothing).greeks.gamma.value, 0, 3e-6); /* the difference's bias; a European's is 0.018 */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_european),
      cmocka_unit_test(test_geometric_asian),
      cmocka_unit_test(test_arithmetic_asian),
      cmocka_unit_test(test_bare_asian),
      cmocka_unit_test(test_digital),
      cmocka_unit_test(test_barriers),
      cmocka_unit_test(test_lookbacks),
      cmocka_unit_test(test_watched_at_steps),
      cmocka_unit_test(test_barriers_at_steps),
      cmocka_unit_test(test_gammas_before_expiry),
      cmocka_unit_test(test_gammas_of_many_steps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
