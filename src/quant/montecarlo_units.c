/* SPDX-License-Identifier: MIT */
/*
 * Prices are simulated in powers of two that make the spot about 1: nothing is rounded on the way there and back, and no square of what is
 * paid leaves the range of single precision, whatever the currency.
 */
#include <math.h>

#include "quant/montecarlo.h"

static int exponent_of(double x) {
  int exponent;
  frexp(x, &exponent);
  return exponent;
}

double assay_mc_largest_amount(const assay_mc_params *o) {
  double largest = 0;
  for (size_t j = 0; j < o->assets; j++)
    largest = fmax(largest, fabs((o->weights != NULL ? o->weights[j] : 1.0 / o->assets) * o->spots[j]));
  return largest;
}

void assay_mc_units_take(assay_mc_params *o, assay_mc_units *units) {
  if (o->payoff == ASSAY_MC_BASKET) {
    int exponent = exponent_of(assay_mc_largest_amount(o));
    for (size_t j = 0; j < o->assets; j++) units->spots[j] = ldexp(o->spots[j], -exponent);
    o->spots = units->spots;
    units->price = exponent;
    units->spot = 0; /* all spots move by a factor */
  } else {
    units->spot = exponent_of(o->spot);
    o->spot = ldexp(o->spot, -units->spot);
    o->barrier = ldexp(o->barrier, -units->spot);
    units->price = o->payoff == ASSAY_MC_DIGITAL ? exponent_of(o->payout) : units->spot;
    if (o->payoff == ASSAY_MC_DIGITAL) o->payout = ldexp(o->payout, -units->price);
  }
  o->strike = ldexp(o->strike, -(o->payoff == ASSAY_MC_BASKET ? units->price : units->spot));
  o->target_error = ldexp(o->target_error, -units->price);
}

static void scale(assay_mc_greek *greek, int exponent) {
  greek->value = ldexp(greek->value, exponent);
  greek->standard_error = ldexp(greek->standard_error, exponent);
}

void assay_mc_units_give(const assay_mc_units *units, assay_mc_result *result) {
  int price = units->price;
  result->price = ldexp(result->price, price);
  result->standard_error = ldexp(result->standard_error, price);
  result->low = ldexp(result->low, price);
  result->high = ldexp(result->high, price);
  result->exercise_loss = ldexp(result->exercise_loss, price);
  result->upper_bound = ldexp(result->upper_bound, price);
  result->upper_bound_error = ldexp(result->upper_bound_error, price);
  scale(&result->greeks.delta, price - units->spot);
  scale(&result->greeks.gamma, price - 2 * units->spot);
  scale(&result->greeks.vega, price);
  scale(&result->greeks.theta, price);
  scale(&result->greeks.rho, price);
  scale(&result->correlation, price);
  for (uint32_t j = 0; j < result->assets; j++) { /* the spots have the price's unit */
    scale(&result->by_asset[j].gamma, -price);
    scale(&result->by_asset[j].vega, price);
  }
}
