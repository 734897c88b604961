/* SPDX-License-Identifier: MIT */
/* Monte Carlo against closed forms, against itself on every instruction set, and against bad input. */
#include <complex.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include <assay/montecarlo.h>
#include <assay/stats.h>

#include "closed_form.h"
#include "kernels/kernel.h"
#include "kernels/montecarlo/european.h"
#include "kernels/montecarlo/path.h"
#include "kernels/montecarlo/sobol.h"
#include "quant/montecarlo.h"
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
#define assert_within(value, error, expected) assert_near((value), (expected), 3.6 * (error) + 1e-9 * fabs(expected) + 1e-10)

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

/* ---- Prices by slow and obvious integration ----------------------------------------------------------------------------------------- */

typedef double (*integrand)(double x, const assay_mc_params *p);

/* Simpson's rule on 4000 pieces. */
static double integrate(integrand f, const assay_mc_params *p, double from, double to) {
  int n = 4000;
  double h = (to - from) / n, sum = 0;
  if (!(to > from)) return 0;
  for (int i = 0; i <= n; i++) sum += (i == 0 || i == n ? 1 : i % 2 ? 4 : 2) * f(from + i * h, p);
  return sum * h / 3;
}

static double mean_of(const assay_mc_params *p) { return (p->rate - p->dividend - p->volatility * p->volatility / 2) * p->time; }
static double deviation_of(const assay_mc_params *p) { return p->volatility * sqrt(p->time); }
static double normal_cdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }

static double density(double x, const assay_mc_params *p) {
  double z = (x - mean_of(p)) / deviation_of(p);
  return exp(-z * z / 2) / (deviation_of(p) * sqrt(2 * M_PI));
}
static double pays(double x, const assay_mc_params *p) {
  double in_money = p->spot * exp(x) - p->strike;
  return fmax(p->put ? -in_money : in_money, 0);
}
static double plain_part(double x, const assay_mc_params *p) { return pays(x, p) * density(x, p); }
/* Times the probability that the bridge to x did not touch the barrier. */
static double survived_part(double x, const assay_mc_params *p) {
  double b = log(p->barrier / p->spot), chance = 1 - exp(-2 * b * (b - x) / (p->volatility * p->volatility * p->time));
  return pays(x, p) * density(x, p) * (p->watch == ASSAY_MC_AT_STEPS ? 1 : chance);
}
static double barrier(const assay_mc_params *p) {
  double b = log(p->barrier / p->spot), k = log(p->strike / p->spot), low = mean_of(p) - 12 * deviation_of(p),
         high = mean_of(p) + 12 * deviation_of(p);
  bool up = p->barrier_kind == ASSAY_MC_UP_OUT || p->barrier_kind == ASSAY_MC_UP_IN,
       in = p->barrier_kind == ASSAY_MC_DOWN_IN || p->barrier_kind == ASSAY_MC_UP_IN;
  double from = up ? low : fmax(b, low), to = up ? fmin(b, high) : high, at = fmin(fmax(k, from), to);
  double out = integrate(survived_part, p, from, at) + integrate(survived_part, p, at, to);
  at = fmin(fmax(k, low), high);
  double plain = integrate(plain_part, p, low, at) + integrate(plain_part, p, at, high);
  return exp(-p->rate * p->time) * (in ? plain - out : out);
}

/* P(maximum > S e^b), b >= 0, and P(minimum < S e^b), b <= 0, by reflection. */
static double beyond(double b, const assay_mc_params *p, double sign) {
  double m = sign * mean_of(p), s = deviation_of(p), c = sign * b;
  return normal_cdf((m - c) / s) + exp(2 * m * c / (s * s)) * normal_cdf((-c - m) / s);
}
static double above_part(double b, const assay_mc_params *p) { return beyond(b, p, 1) * p->spot * exp(b); }
static double below_part(double b, const assay_mc_params *p) { return beyond(b, p, -1) * p->spot * exp(b); }
static double lookback(const assay_mc_params *p) {
  double s = deviation_of(p), far = 14 * s + fabs(mean_of(p)), discount = exp(-p->rate * p->time),
         forward = p->spot * exp((p->rate - p->dividend) * p->time);
  double k = p->payoff == ASSAY_MC_LOOKBACK_FLOATING ? 0 : log(p->strike / p->spot);
  bool maximum = p->put == (p->payoff == ASSAY_MC_LOOKBACK_FLOATING);
  double strike = p->spot * exp(k);
  double excess = maximum ? integrate(above_part, p, fmax(k, 0), far) + fmax(p->spot - strike, 0)
                          : integrate(below_part, p, -far, fmin(k, 0)) + fmax(strike - p->spot, 0);
  if (p->payoff == ASSAY_MC_LOOKBACK_FIXED) return discount * excess;
  return discount * (maximum ? p->spot + excess - forward : forward - (p->spot - excess));
}

static double digital(const assay_mc_params *p) {
  double d = (log(p->spot / p->strike) + mean_of(p)) / deviation_of(p);
  return exp(-p->rate * p->time) * p->payout * normal_cdf(p->put ? -d : d);
}

/* Merton's series. */
static double merton(const assay_mc_params *p) {
  double k = exp(p->jump_mean + p->jump_volatility * p->jump_volatility / 2) - 1, intensity = p->jump_rate * (1 + k) * p->time,
         weight = exp(-intensity), sum = 0;
  for (int n = 0; n < 60; weight *= intensity / ++n) {
    double volatility = sqrt(p->volatility * p->volatility + n * p->jump_volatility * p->jump_volatility / p->time);
    double rate = p->rate - p->jump_rate * k + n * log(1 + k) / p->time;
    sum += weight * (double)exact_price(p->put, p->spot, p->strike, p->time, rate, p->dividend, volatility);
  }
  return sum;
}

/* Heston by Gil-Pelaez inversion, with the characteristic function in the form that stays on one branch (Albrecher et al. 2007). */
static double complex heston_characteristic(double complex u, const assay_mc_params *p) {
  double kappa = p->reversion, xi = p->variance_volatility;
  double complex a = kappa - p->correlation * xi * I * u, d = csqrt(a * a + xi * xi * (I * u + u * u)), g = (a - d) / (a + d),
                 e = cexp(-d * p->time);
  double complex c = kappa * p->long_variance / (xi * xi) * ((a - d) * p->time - 2 * clog((1 - g * e) / (1 - g)));
  return cexp(I * u * (log(p->spot) + (p->rate - p->dividend) * p->time) + c + p->variance / (xi * xi) * (a - d) * (1 - e) / (1 - g * e));
}
static double heston(const assay_mc_params *p) {
  double k = log(p->strike), h = 0.02, sum1 = 0, sum2 = 0, forward = p->spot * exp((p->rate - p->dividend) * p->time);
  for (int i = 0; i < 20000; i++) {
    double u = (i + 0.5) * h;
    sum1 += creal(cexp(-I * u * k) * heston_characteristic(u - I, p) / (I * u * forward)) * h;
    sum2 += creal(cexp(-I * u * k) * heston_characteristic(u, p) / (I * u)) * h;
  }
  double p1 = 0.5 + sum1 / M_PI, p2 = 0.5 + sum2 / M_PI, call = exp(-p->rate * p->time) * (forward * p1 - p->strike * p2);
  return p->put ? call - exp(-p->rate * p->time) * (forward - p->strike) : call;
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

/* ---- Greeks against prices that have moved ------------------------------------------------------------------------------------------- */

enum { SEEDS = 6 };

/* Mean of a few and its standard error. */
static void assert_same_mean(const char *what, const double own[SEEDS], const double moved[SEEDS], double slack) {
  double mean = 0, square = 0, size = 0;
  for (int i = 0; i < SEEDS; i++) mean += (own[i] - moved[i]) / SEEDS, size += moved[i] / SEEDS;
  for (int i = 0; i < SEEDS; i++) square += (own[i] - moved[i] - mean) * (own[i] - moved[i] - mean);
  double error = sqrt(square / (SEEDS * (SEEDS - 1)));
  if (!(fabs(mean) <= 6 * error + slack * fabs(size))) fail_msg("%s: off by %g +- %g of %g", what, mean, error, size); /* t of five */
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

/* Margrabe 1978: the option to exchange one asset for another is a European on their ratio. */
static double margrabe(const double *spots, const double *volatilities, double correlation, double time) {
  double v =
      sqrt(volatilities[0] * volatilities[0] + volatilities[1] * volatilities[1] - 2 * correlation * volatilities[0] * volatilities[1]);
  return (double)exact_price(ASSAY_OPTION_CALL, spots[0], spots[1], time, 0, 0, v);
}

static void test_basket(void **state) {
  (void)state;
  double spots[] = {100, 95}, volatilities[] = {0.2, 0.3}, weights[] = {1, -1}, correlations[] = {1, 0.4, 0.4, 1};
  assay_mc_params params = {.payoff = ASSAY_MC_BASKET,
                            .assets = 2,
                            .spots = spots,
                            .volatilities = volatilities,
                            .weights = weights,
                            .correlations = correlations,
                            .strike = 0,
                            .time = 1,
                            .rate = 0.05,
                            .paths = 1 << 17,
                            .seed = 3,
                            .greeks = true};
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
  params = (assay_mc_params){.payoff = ASSAY_MC_BASKET,
                             .put = true,
                             .assets = 20,
                             .spots = many,
                             .volatilities = same,
                             .correlations = all,
                             .strike = 105,
                             .time = 0.75,
                             .rate = 0.05,
                             .paths = 1 << 17};
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
  assay_mc_params params = {.payoff = ASSAY_MC_BASKET, .put = true, .assets = N, .spots = spots, .volatilities = volatilities};
  params.weights = weights, params.correlations = correlations, params.strike = 100, params.time = 0.75, params.rate = 0.05;
  params.paths = 1 << 15, params.greeks = true;
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
  assay_mc_params params = {
      .payoff = ASSAY_MC_BASKET, .assets = 3, .spots = spots, .volatilities = volatilities, .correlations = c, .strike = 95, .time = 1};
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

/* As many as were simulated: replicates of one size. */
static void test_sobol_paths_are_counted(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.sampling = ASSAY_MC_SOBOL, params.paths = 1001;
  assert_int_equal(price_of(&params).paths, 1008);
  params.antithetic = true;
  assert_int_equal(price_of(&params).paths, 1024);
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

static mc_path_params some_paths(unsigned way, bool walk) {
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
                      .root_steps = sqrt(7),
                      .barrier = way & 2 ? 0.3 : -0.3,
                      .bridge = 288.5,
                      .level = way & 8 ? -0.074 : 0.0704,
                      .bump = 0.01,
                      .by_dt = {-0.15, 0.01, 0.002, 0.0003, 0.05, -0.05, 0.04, 0.01},
                      .payout = 1};
  if (!walk) return p;
  static const u32 kinds[] = {MC_WALK_END,
                              MC_WALK_DIGITAL,
                              MC_WALK_ARITHMETIC | MC_WALK_AVERAGE,
                              MC_WALK_GEOMETRIC,
                              MC_WALK_BARRIER | MC_WALK_UP,
                              MC_WALK_BARRIER | MC_WALK_IN,
                              MC_WALK_LOOKBACK,
                              MC_WALK_LOOKBACK | MC_WALK_UP,
                              MC_WALK_LOOKBACK | MC_WALK_FLOATING};
  p.walk_model = way % 3, p.kind = kinds[way / 3 % 9];
  if (p.walk_model == MC_WALK_MERTON)
    p.model[0] = 0.2, p.model[1] = exp(-0.2), p.model[3] = 0.2, p.model[4] = 1.4, p.model[5] = 1, p.jumps = 12;
  if (p.walk_model == MC_WALK_HESTON) {
    static const double model[8] = {0.04, 0.86, 0.0215, 0.0001, 0.35, -0.45, 0.03, 0.006};
    memcpy(p.model, model, sizeof model);
    if (way & 4) p.model[3] = p.model[7] = 0; /* a variance that comes to rest at 0 */
  }
  return p;
}

/* Every kernel of paths gives the same sums from every instruction set, for odd numbers of samples, steps and groups. */
static void test_same_bits(void **state) {
  (void)state;
  static const char *const names[] = {"mc_asian",    "mc_asian_greeks",    "mc_barrier", "mc_barrier_greeks", "mc_basket",
                                      "mc_lookback", "mc_lookback_greeks", "mc_walk",    "mc_walk_greeks",    "mc_basket_greeks"};
  static double sums[2][40 * 5], rules64[7][MC_BASKET_ROW]; /* as rules, and as terms of a basket, they need not make sense */
  static float rules32[7][MC_BASKET_ROW];
  for (int step = 0; step < 7; step++) {
    for (int k = 0; k < MC_BASKET_ROW; k++) rules64[step][k] = k == 0 ? 14 : 0.1 + 0.01 * k, rules32[step][k] = (float)rules64[step][k];
  }
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    for (unsigned bits = 32, paid = 0; bits <= 64; bits += 32, paid = 0) {
      bool walk = strncmp(names[k], "mc_walk", 7) == 0;
      for (unsigned way = 0; way < (walk ? 54 : 16); way++) {
        char name[64];
        snprintf(name, sizeof name, "%s_f%u", names[k], bits);
        const assay_kernel *kernel = assay_kernel_find(name);
        mc_path_params p = some_paths(way, walk);
        size_t variant;
        for (size_t v = 0; (variant = assay_kernel_variant_usable(v)) < ASSAY_KERNEL_VARIANT_COUNT; v++) {
          double *to = sums[v > 0];
          memset(to, 0, sizeof sums[0]);
          void *buffers[] = {to, bits == 32 ? (void *)rules32 : (void *)rules64};
          /* From the middle first: groups do not depend on each other. */
          kernel->variants[variant](&p, buffers, 2, 5);
          kernel->variants[variant](&p, buffers, 0, 2);
          if (v > 0 && memcmp(sums[0], sums[1], sizeof sums[0]) != 0) {
            fail_msg("%s differs on %s from the reference (way %u)", name, assay_kernel_variant_text(variant), way);
          }
        }
        assert_true(sums[0][0] >= 0);
        for (size_t i = 0; i < sizeof sums[0] / sizeof *sums[0]; i++) assert_true(isfinite(sums[0][i]));
        paid += sums[0][0] > 0;
      }
      assert_true(paid >= 8);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fallback_is_told), /* first: before this process has found its devices */
      cmocka_unit_test(more_steps_than_there_are_is_refused),
      cmocka_unit_test(test_european),
      cmocka_unit_test(test_geometric_asian),
      cmocka_unit_test(test_arithmetic_asian),
      cmocka_unit_test(test_bare_asian),
      cmocka_unit_test(test_interval_covers),
      cmocka_unit_test(test_target_error),
      cmocka_unit_test(test_sobol_paths_are_counted),
      cmocka_unit_test(test_paths_of_an_american),
      cmocka_unit_test(test_currency),
      cmocka_unit_test(test_no_number_is_none),
      cmocka_unit_test(test_unseen_payments),
      cmocka_unit_test(test_rounding_is_an_error),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_bad_input),
      cmocka_unit_test(test_digital),
      cmocka_unit_test(test_barriers),
      cmocka_unit_test(test_lookbacks),
      cmocka_unit_test(test_watched_at_steps),
      cmocka_unit_test(test_barriers_at_steps),
      cmocka_unit_test(test_greeks_by_moving),
      cmocka_unit_test(test_merton),
      cmocka_unit_test(test_heston),
      cmocka_unit_test(test_heston_at_its_limits),
      cmocka_unit_test(test_american),
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_sobol_points),
      cmocka_unit_test(test_sobol_kernel),
      cmocka_unit_test(test_sobol),
      cmocka_unit_test(test_basket),
      cmocka_unit_test(test_basket_by_moving),
      cmocka_unit_test(test_bad_correlations),
      cmocka_unit_test(test_paths),
      cmocka_unit_test(test_many_paths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
