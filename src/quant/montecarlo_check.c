/* SPDX-License-Identifier: MIT */
/* What Monte Carlo refuses, and why. */
#include <math.h>

#include "quant/montecarlo.h"

#define REFUSE(...) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, __VA_ARGS__)

static bool positive(double x) { return x > 0 && isfinite(x); }

static assay_status check_choices(const assay_mc_params *o, assay_error *err) {
  if ((unsigned)o->model > ASSAY_MC_HESTON) REFUSE("model %d is none: GBM, Merton and Heston are 0 to 2", (int)o->model);
  if ((unsigned)o->payoff > ASSAY_MC_BASKET) REFUSE("payoff %d is none of the assay_mc_payoff", (int)o->payoff);
  if ((unsigned)o->barrier_kind > ASSAY_MC_UP_IN) REFUSE("barrier kind %d is none of the assay_mc_barrier", (int)o->barrier_kind);
  if ((unsigned)o->watch > ASSAY_MC_AT_STEPS) REFUSE("watch %d is neither continuous nor at steps", (int)o->watch);
  if ((unsigned)o->precision > ASSAY_MC_F32) REFUSE("precision %d is neither f64 nor f32", (int)o->precision);
  if ((unsigned)o->sampling > ASSAY_MC_SOBOL) REFUSE("sampling %d is neither pseudo-random nor Sobol", (int)o->sampling);
  return ASSAY_OK;
}

static assay_status check_market(const assay_mc_params *o, assay_error *err) {
  if (!positive(o->time)) REFUSE("the time is %g years: it must be positive and finite", o->time);
  if (!isfinite(o->rate)) REFUSE("the rate is %g: it must be a finite number", o->rate);
  if (fabs(o->rate * o->time) > 100)
    REFUSE("the rate %g over %g years discounts by e^%g: at most e^100 is taken", o->rate, o->time, o->rate * o->time);
  if (o->payoff == ASSAY_MC_BASKET) return assay_mc_check_basket(o, err);
  if (!positive(o->spot)) REFUSE("the spot is %g: it must be positive and finite", o->spot);
  if (!isfinite(o->dividend)) REFUSE("the dividend yield is %g: it must be a finite number", o->dividend);
  if (o->model == ASSAY_MC_HESTON) return ASSAY_OK;
  if (!positive(o->volatility)) {
    REFUSE("the volatility is %g: it must be positive and finite%s", o->volatility,
           o->volatility == 0 ? " (without it nothing is random, and assay_option_price is exact)" : "");
  }
  return ASSAY_OK;
}

static assay_status check_payoff(const assay_mc_params *o, assay_error *err) {
  if (o->payoff == ASSAY_MC_BASKET) {
    if (!isfinite(o->strike)) REFUSE("the strike is %g: it must be a finite number", o->strike);
  } else if (o->payoff != ASSAY_MC_LOOKBACK_FLOATING && !positive(o->strike)) {
    REFUSE("the strike is %g: it must be positive and finite", o->strike);
  }
  if (o->payoff != ASSAY_MC_BASKET && o->payoff != ASSAY_MC_LOOKBACK_FLOATING && fabs(log(o->strike / o->spot)) > 80) {
    REFUSE("the strike %g is %g times the spot: more than e^80 apart is not taken", o->strike, o->strike / o->spot);
  }
  if (o->payoff == ASSAY_MC_DIGITAL && !positive(o->payout)) REFUSE("the payout is %g: it must be positive and finite", o->payout);
  if (o->payoff == ASSAY_MC_BARRIER) {
    if (!positive(o->barrier)) REFUSE("the barrier is %g: it must be positive and finite", o->barrier);
    bool up = o->barrier_kind == ASSAY_MC_UP_OUT || o->barrier_kind == ASSAY_MC_UP_IN;
    if (up ? o->spot >= o->barrier : o->spot <= o->barrier) {
      REFUSE("the spot %g is at or beyond the %s barrier %g already: then it is a European option (in) or nothing (out)", o->spot,
             up ? "upper" : "lower", o->barrier);
    }
    if (fabs(log(o->barrier / o->spot)) > 80)
      REFUSE("the barrier %g is %g times the spot: more than e^80 apart is not taken", o->barrier, o->barrier / o->spot);
  }
  return ASSAY_OK;
}

static assay_status check_bound(const assay_mc_params *o, assay_error *err) {
  if (o->upper_bound && o->payoff != ASSAY_MC_AMERICAN)
    REFUSE("an upper bound is of American options, whose price is a lower one: leave `upper_bound` out");
  if (o->exercise_loss && o->payoff != ASSAY_MC_AMERICAN)
    REFUSE("only American options have a rule of exercise that can miss something: leave `exercise_loss` out");
  return ASSAY_OK;
}

static assay_status check_model(const assay_mc_params *o, assay_error *err) {
  if (o->model == ASSAY_MC_MERTON) {
    if (!(o->jump_rate >= 0) || !isfinite(o->jump_rate)) REFUSE("the jump rate is %g a year: it must be 0 or more", o->jump_rate);
    if (!isfinite(o->jump_mean)) REFUSE("the mean of the jumps is %g: it must be a finite number", o->jump_mean);
    if (!(o->jump_volatility >= 0) || !isfinite(o->jump_volatility))
      REFUSE("the volatility of the jumps is %g: it must be 0 or more", o->jump_volatility);
    double each = o->jump_rate * o->time / o->steps;
    if (each > 16)
      REFUSE("%g jumps are expected in each step: at most 16 are taken, so use at least %.0f steps", each,
             ceil(o->jump_rate * o->time / 16));
  }
  if (o->model == ASSAY_MC_HESTON) {
    if (!(o->variance >= 0) || !isfinite(o->variance)) REFUSE("the variance is %g: it must be 0 or more", o->variance);
    if (!(o->long_variance >= 0) || !isfinite(o->long_variance))
      REFUSE("the long-run variance is %g: it must be 0 or more", o->long_variance);
    if (o->variance == 0 && o->long_variance == 0) REFUSE("the variance is 0 now and in the long run: nothing is random");
    if (!positive(o->reversion)) REFUSE("the speed of reversion is %g a year: it must be positive", o->reversion);
    if (!positive(o->variance_volatility)) REFUSE("the volatility of the variance is %g: it must be positive", o->variance_volatility);
    if (!(fabs(o->correlation) <= 1)) REFUSE("the correlation is %g: it must lie within -1 and 1", o->correlation);
    if (!(assay_mc_heston_rounding(o) < 1e-3)) {
      bool single = o->precision == ASSAY_MC_F32;
      REFUSE("the volatility of the variance is %g: the scheme divides by it, and %s rounds too coarsely for that; take %sa larger one",
             o->variance_volatility, single ? "f32" : "f64", single ? "f64 or " : "");
    }
  }
  return ASSAY_OK;
}

double assay_mc_least_deviation(const assay_mc_params *o) { return o->precision == ASSAY_MC_F32 ? 1e-7 : 1e-10; }

/*
 * What a step adds to the logarithm is a difference of terms of variance rho / xi (1 + kappa dt / 2) each (Andersen 2008, (33)), whose
 * rounding adds up over the steps; measured, it moves the price by about that share of the spot.
 */
double assay_mc_heston_rounding(const assay_mc_params *o) {
  double unit = o->precision == ASSAY_MC_F32 ? 0x1p-24 : 0x1p-53;
  return o->steps * unit * (1 + o->reversion * o->time / o->steps / 2) * fmax(o->variance, o->long_variance) * fabs(o->correlation) /
         o->variance_volatility;
}

/* The logarithm of every price that is simulated must stay a power of two that single precision has. */
static assay_status check_range(const assay_mc_params *o, assay_error *err) {
  if (o->payoff == ASSAY_MC_BASKET) return ASSAY_OK;
  double deviation = o->volatility * sqrt(o->time), mean = (o->rate - o->dividend) * o->time - deviation * deviation / 2;
  if (o->model == ASSAY_MC_HESTON) {
    double most = fmax(o->variance, o->long_variance);
    deviation = sqrt(most * o->time) * (1 + o->variance_volatility * sqrt(o->time));
    mean = (o->rate - o->dividend) * o->time - most * o->time / 2;
  }
  if (o->model == ASSAY_MC_MERTON) {
    double jumps = o->jump_rate * o->time;
    deviation += sqrt(jumps * (o->jump_mean * o->jump_mean + o->jump_volatility * o->jump_volatility));
    mean -= jumps * (exp(o->jump_mean + o->jump_volatility * o->jump_volatility / 2) - 1 - o->jump_mean);
  }
  if (o->model != ASSAY_MC_HESTON && o->volatility * sqrt(o->time) < assay_mc_least_deviation(o)) {
    REFUSE("the volatility %g over %g years moves the price by a share of %g: below %g that is lost in %s's rounding", o->volatility,
           o->time, o->volatility * sqrt(o->time), assay_mc_least_deviation(o), o->precision == ASSAY_MC_F32 ? "f32" : "f64");
  }
  double reach = fabs(mean) + 9 * deviation;
  if (!(reach < 83)) {
    REFUSE("prices may be e^%.3g times the spot: time, volatility and rates must keep that below e^83 (|mean| %.3g, deviation %.3g)", reach,
           mean, deviation);
  }
  return ASSAY_OK;
}

static assay_status check_work(const assay_mc_params *o, assay_error *err) {
  if (o->paths > ASSAY_MC_MAX_PATHS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%llu paths: at most 1e12 are taken in one call", (unsigned long long)o->paths);
  if (o->paths < 2 * ASSAY_MC_GROUP)
    REFUSE("%llu paths: a standard error needs at least %d", (unsigned long long)o->paths, 2 * ASSAY_MC_GROUP);
  if (o->greeks && o->paths < ASSAY_MC_GREEKS_MIN_PATHS)
    REFUSE("%llu paths: the Greeks' standard errors need at least %d", (unsigned long long)o->paths, ASSAY_MC_GREEKS_MIN_PATHS);
  if (o->steps > ASSAY_MC_MAX_STEPS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%u steps: at most %d are taken", o->steps, ASSAY_MC_MAX_STEPS);
  double work = (double)o->paths * o->steps;
  if (work > 1e15)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%g paths of %u steps are %g steps in all: at most 1e15 are taken in one call",
                      (double)o->paths, o->steps, work);
  if (!(o->level > 0 && o->level < 1)) REFUSE("the level of the interval is %g: it must lie between 0 and 1, as 0.95 does", o->level);
  if (!(o->target_error >= 0) || !isfinite(o->target_error))
    REFUSE("the target error is %g: it must be positive, or 0 for none", o->target_error);
  return ASSAY_OK;
}

assay_status assay_mc_check(const assay_mc_params *o, assay_error *err) {
  static assay_status (*const checks[])(const assay_mc_params *, assay_error *) = {check_choices, check_market, check_payoff, check_bound,
                                                                                   check_model,   check_range,  check_work};
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    assay_status status = checks[i](o, err);
    if (status != ASSAY_OK) return status;
  }
  return ASSAY_OK;
}
