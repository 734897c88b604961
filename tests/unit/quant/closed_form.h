/* SPDX-License-Identifier: MIT */
/* The closed form in long double with the C library's functions: slow and obvious. */
#ifndef TEST_CLOSED_FORM_H
#define TEST_CLOSED_FORM_H

#include <assay/options.h>

#include <math.h>

static inline long double exact_cdf(long double x) { return 0.5L * erfcl(-x * 0.70710678118654752440084436210485L); }

/* Out of the money first, as far as that goes, then parity. */
static inline long double exact_price(assay_option_kind kind, long double spot, long double strike, long double time, long double rate,
                                      long double dividend, long double volatility) {
  long double s = spot * expl(-dividend * time), k = strike * expl(-rate * time), deviation = volatility * sqrtl(time);
  long double x = logl(spot / strike) + (rate - dividend) * time, d1 = x / deviation + deviation / 2, d2 = x / deviation - deviation / 2;
  long double outside = x <= 0 ? s * exact_cdf(d1) - k * exact_cdf(d2) : k * exact_cdf(-d2) - s * exact_cdf(-d1);
  if ((kind == ASSAY_OPTION_CALL) == (x <= 0)) return outside;
  return outside + (kind == ASSAY_OPTION_CALL ? s - k : k - s);
}

static inline long double exact_of(const assay_option *o) {
  return exact_price(o->kind, o->spot, o->strike, o->time, o->rate, o->dividend, o->volatility);
}

#endif
