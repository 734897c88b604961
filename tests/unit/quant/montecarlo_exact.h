/* SPDX-License-Identifier: MIT */
/* What the tests of Monte Carlo share: a usual option, prices by closed forms, series and slow integrals, and what it is to agree. */
#ifndef TEST_MONTECARLO_EXACT_H
#define TEST_MONTECARLO_EXACT_H

#include <complex.h>
#include <math.h>

#include <assay/montecarlo.h>

#include "closed_form.h"
#include "test.h"

static const assay_mc_params base = {
    .spot = 100, .strike = 105, .time = 0.75, .rate = 0.05, .dividend = 0.02, .volatility = 0.25, .paths = 1 << 18, .seed = 11};

static inline assay_mc_result price_of(const assay_mc_params *params) {
  assay_error err = {0};
  assay_mc_result result;
  assert_ok(assay_mc_price(params, &err, &result), err);
  assert_true(result.standard_error >= 0 && result.low <= result.price && result.price <= result.high);
  return result;
}

/* A basket of a year over arrays that the test keeps: what it is worth is for the caller to say. */
static inline assay_mc_params basket_of(uint32_t assets, const double *spots, const double *volatilities, const double *weights,
                                        const double *correlations) {
  return (assay_mc_params){.payoff = ASSAY_MC_BASKET,
                           .assets = assets,
                           .spots = spots,
                           .volatilities = volatilities,
                           .weights = weights,
                           .correlations = correlations,
                           .time = 1};
}

/* Within three standard errors and a bit (several hundred comparisons are made, with fixed seeds). */
#define assert_within(value, error, expected) assert_near((value), (expected), 3.6 * (error) + 1e-9 * fabs(expected) + 1e-10)

typedef double (*price_function)(const assay_mc_params *params);

/* All five Greeks of `exact` by differences. */
static inline void assert_greeks(const assay_mc_params *params, const assay_mc_result *result, price_function exact) {
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

static inline double european(const assay_mc_params *p) {
  return (double)exact_price(p->put ? ASSAY_OPTION_PUT : ASSAY_OPTION_CALL, p->spot, p->strike, p->time, p->rate, p->dividend,
                             p->volatility);
}

/* Margrabe 1978: the option to exchange one asset for another is a European on their ratio. */
static inline double margrabe(const double *spots, const double *volatilities, double correlation, double time) {
  double v =
      sqrt(volatilities[0] * volatilities[0] + volatilities[1] * volatilities[1] - 2 * correlation * volatilities[0] * volatilities[1]);
  return (double)exact_price(ASSAY_OPTION_CALL, spots[0], spots[1], time, 0, 0, v);
}

/* Kemna and Vorst 1990: the geometric average is lognormal. */
static inline double geometric_asian(const assay_mc_params *p) {
  long double n = p->steps, mean = (p->rate - p->dividend - p->volatility * p->volatility / 2) * p->time * (n + 1) / (2 * n);
  long double variance = (long double)p->volatility * p->volatility * p->time * (n + 1) * (2 * n + 1) / (6 * n * n);
  /* As a European whose yield makes its forward that of the average. */
  long double yield = p->rate - (mean + variance / 2) / p->time;
  return (double)exact_price(p->put ? ASSAY_OPTION_PUT : ASSAY_OPTION_CALL, p->spot, p->strike, p->time, p->rate, yield,
                             sqrtl(variance / p->time));
}

static inline void check_all_ways(assay_mc_params params, price_function exact) {
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

typedef double (*integrand)(double x, const assay_mc_params *p);

/* Simpson's rule on 4000 pieces. */
static inline double integrate(integrand f, const assay_mc_params *p, double from, double to) {
  int n = 4000;
  double h = (to - from) / n, sum = 0;
  if (!(to > from)) return 0;
  for (int i = 0; i <= n; i++) sum += (i == 0 || i == n ? 1 : i % 2 ? 4 : 2) * f(from + i * h, p);
  return sum * h / 3;
}

static inline double mean_of(const assay_mc_params *p) { return (p->rate - p->dividend - p->volatility * p->volatility / 2) * p->time; }
static inline double deviation_of(const assay_mc_params *p) { return p->volatility * sqrt(p->time); }
static inline double normal_cdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }

static inline double density(double x, const assay_mc_params *p) {
  double z = (x - mean_of(p)) / deviation_of(p);
  return exp(-z * z / 2) / (deviation_of(p) * sqrt(2 * M_PI));
}
static inline double pays(double x, const assay_mc_params *p) {
  double in_money = p->spot * exp(x) - p->strike;
  return fmax(p->put ? -in_money : in_money, 0);
}
static inline double plain_part(double x, const assay_mc_params *p) { return pays(x, p) * density(x, p); }
/* Times the probability that the bridge to x did not touch the barrier. */
static inline double survived_part(double x, const assay_mc_params *p) {
  double b = log(p->barrier / p->spot), chance = 1 - exp(-2 * b * (b - x) / (p->volatility * p->volatility * p->time));
  return pays(x, p) * density(x, p) * (p->watch == ASSAY_MC_AT_STEPS ? 1 : chance);
}
static inline double barrier(const assay_mc_params *p) {
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
static inline double beyond(double b, const assay_mc_params *p, double sign) {
  double m = sign * mean_of(p), s = deviation_of(p), c = sign * b;
  return normal_cdf((m - c) / s) + exp(2 * m * c / (s * s)) * normal_cdf((-c - m) / s);
}
static inline double above_part(double b, const assay_mc_params *p) { return beyond(b, p, 1) * p->spot * exp(b); }
static inline double below_part(double b, const assay_mc_params *p) { return beyond(b, p, -1) * p->spot * exp(b); }
static inline double lookback(const assay_mc_params *p) {
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

static inline double digital(const assay_mc_params *p) {
  double d = (log(p->spot / p->strike) + mean_of(p)) / deviation_of(p);
  return exp(-p->rate * p->time) * p->payout * normal_cdf(p->put ? -d : d);
}

/* Merton's series. */
static inline double merton(const assay_mc_params *p) {
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
static inline double complex heston_characteristic(double complex u, const assay_mc_params *p) {
  double kappa = p->reversion, xi = p->variance_volatility;
  double complex a = kappa - p->correlation * xi * I * u, d = csqrt(a * a + xi * xi * (I * u + u * u)), g = (a - d) / (a + d),
                 e = cexp(-d * p->time);
  double complex c = kappa * p->long_variance / (xi * xi) * ((a - d) * p->time - 2 * clog((1 - g * e) / (1 - g)));
  return cexp(I * u * (log(p->spot) + (p->rate - p->dividend) * p->time) + c + p->variance / (xi * xi) * (a - d) * (1 - e) / (1 - g * e));
}
static inline double heston(const assay_mc_params *p) {
  double k = log(p->strike), h = 0.02, sum1 = 0, sum2 = 0, forward = p->spot * exp((p->rate - p->dividend) * p->time);
  for (int i = 0; i < 20000; i++) {
    double u = (i + 0.5) * h;
    sum1 += creal(cexp(-I * u * k) * heston_characteristic(u - I, p) / (I * u * forward)) * h;
    sum2 += creal(cexp(-I * u * k) * heston_characteristic(u, p) / (I * u)) * h;
  }
  double p1 = 0.5 + sum1 / M_PI, p2 = 0.5 + sum2 / M_PI, call = exp(-p->rate * p->time) * (forward * p1 - p->strike * p2);
  return p->put ? call - exp(-p->rate * p->time) * (forward - p->strike) : call;
}

enum { SEEDS = 6 };

/* Mean of a few and its standard error. */
static inline void assert_same_mean(const char *what, const double own[SEEDS], const double moved[SEEDS], double slack) {
  double mean = 0, square = 0, size = 0;
  for (int i = 0; i < SEEDS; i++) mean += (own[i] - moved[i]) / SEEDS, size += moved[i] / SEEDS;
  for (int i = 0; i < SEEDS; i++) square += (own[i] - moved[i] - mean) * (own[i] - moved[i] - mean);
  double error = sqrt(square / (SEEDS * (SEEDS - 1)));
  if (!(fabs(mean) <= 6 * error + slack * fabs(size))) fail_msg("%s: off by %g +- %g of %g", what, mean, error, size); /* t of five */
}

#endif
