/* SPDX-License-Identifier: MIT */
/* The closed form and its inverse, plainly, with the C library's functions. */
#include <float.h>

#include "quant/options.h"

static double normal_cdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }
static double normal_density(double x) { return 0.39894228040143267794 * exp(-0.5 * x * x); }

/* Beyond 50 deviations the density is 0 and the distribution 0 or 1 in doubles; bounding keeps products of d1 and d2 finite. */
static double bounded(double d) { return fmax(-50, fmin(50, d)); }

assay_closed_form assay_option_closed_form(const assay_option *option) {
  assay_discounted amounts = assay_option_discount(option);
  double root = sqrt(option->time), sigma = fmax(option->volatility, 1e-100), deviation = sigma * root;
  double moneyness = log(option->spot / option->strike) + (option->rate - option->dividend) * option->time;
  double d1 = bounded(moneyness / deviation + 0.5 * deviation), d2 = bounded(moneyness / deviation - 0.5 * deviation);
  bool call = option->kind == ASSAY_OPTION_CALL;
  double sign = call ? 1 : -1;

  /* The option of the two that is out of the money, then parity: the other way round, what is left of a difference of two large numbers
   * would be the price. */
  double other = moneyness <= 0 ? 1 : -1;
  double outside = other * (amounts.spot * normal_cdf(other * d1) - amounts.strike * normal_cdf(other * d2));
  if (outside < 0) outside = 0;
  double forward = sign * (amounts.spot - amounts.strike);

  assay_closed_form form;
  form.price = (call == (moneyness <= 0)) ? outside : outside + forward;
  double yield = amounts.spot / option->spot, density = normal_density(d1);
  double drift = 2 * (option->rate - option->dividend) * option->time;
  assay_option_greeks *g = &form.greeks;
  *g = (assay_option_greeks){.delta = sign * yield * normal_cdf(sign * d1)};
  double rest = sign * (option->dividend * amounts.spot * normal_cdf(sign * d1) - option->rate * amounts.strike * normal_cdf(sign * d2));
  g->theta = rest;
  g->rho = sign * option->time * amounts.strike * normal_cdf(sign * d2);
  g->charm = option->dividend * g->delta;
  if (density == 0) return form;
  g->gamma = yield * density / (option->spot * deviation);
  g->vega = amounts.spot * density * root;
  g->theta = rest - amounts.spot * density * sigma / (2 * root);
  g->vanna = -yield * density * d2 / sigma;
  g->volga = g->vega * d1 * d2 / sigma;
  g->charm -= yield * density * (drift - d2 * deviation) / (2 * option->time * deviation);
  return form;
}

static long double long_cdf(long double x) { return 0.5L * erfcl(-x * 0.70710678118654752440084436210485L); }

/* An out-of-the-money option's price over the geometric mean of the discounted amounts, from x = -|log(F/K)| and s = volatility sqrt(T). */
static long double normalised(long double x, long double s) {
  return expl(x / 2) * long_cdf(x / s + s / 2) - expl(-x / 2) * long_cdf(x / s - s / 2);
}

/* Halving the interval of log(s) until nothing is between. */
double assay_option_solve_volatility(const assay_option *option, double price) {
  assay_discounted amounts = assay_option_discount(option);
  double mean = sqrt(amounts.spot) * sqrt(amounts.strike);
  long double x = -fabsl(logl((long double)option->spot / option->strike) + ((long double)option->rate - option->dividend) * option->time);
  double intrinsic = option->kind == ASSAY_OPTION_CALL ? amounts.spot - amounts.strike : amounts.strike - amounts.spot;
  double target = (price - fmax(intrinsic, 0)) / mean;
  double low = 1e-160, high = 1e3;
  for (int step = 0; step < 200; step++) {
    double middle = sqrt(low) * sqrt(high);
    if (middle <= low || middle >= high) break;
    if (normalised(x, middle) < target)
      low = middle;
    else
      high = middle;
  }
  return sqrt(low) * sqrt(high) / sqrt(option->time);
}
