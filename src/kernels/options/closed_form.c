/* SPDX-License-Identifier: MIT */
/*
 * Black-Scholes-Merton in lanes. Discounted amounts F = S e^(-qT) and K' = K e^(-rT), x = ln(F / K'), s = sigma sqrt(T).
 *
 * Of the call and the put at a strike, the one out of the money costs
 *     A cdf(u) - B cdf(-v),  A = min(F, K'), B = max(F, K'), u = s/2 - |x|/s, v = s/2 + |x|/s,
 * and A n(u) = B n(v) = F n(d1) with the normal density n. So one exponential serves both distributions: with Mills' ratio M,
 *     cdf(-v) B = A n(u) M(v),  cdf(u) A = A n(u) M(-u) for u <= 0, A - A n(u) M(u) else.
 * The other one follows from parity. That way nothing cancels but M(-u) - M(v), which is what makes the price small when s is.
 *
 * Three phases with little between them: a processor that looks some 300 instructions ahead then has several options in flight, where one
 * long chain from the logarithm to the last Greek would make it wait.
 */
#include "kernels/options/lanes.h"

#if REAL_BITS == 64

/* Between the phases, an array each. */
enum { FORWARD, STRIKE, X, ROOT, PER_S, DENSITY, NEAR_PART, FAR_PART, BETWEEN };
#define PUT(quantity, value) STORE(between, (quantity)*BETWEEN_SIZE + i, (value))
#define GET(quantity) LOAD(between, (quantity)*BETWEEN_SIZE + i)
#define IN(quantity) LOAD(in.at[quantity], i)

/* A volatility of 0 is one that is next to nothing: the limits come out. */
FUNCTION R option_sigma(option_in in, u32 i) { return MAX(ALL(1e-100), IN(OPTION_VOLATILITY)); }

/* x is NaN where the option is out of range. */
FUNCTION void option_moneyness(option_in in, LOCAL_POINTER real *between, u32 i, u32 no_dividends) {
  R spot = IN(OPTION_SPOT), strike = IN(OPTION_STRIKE), time = IN(OPTION_TIME), volatility = IN(OPTION_VOLATILITY);
  R root = SQRT(time), s = option_sigma(in, i) * root;
  R rate_time = IN(OPTION_RATE) * time, dividend_time = IN(OPTION_DIVIDEND) * time;
  M fine = option_in_range(spot, strike, time, rate_time, dividend_time) & (volatility >= 0.0) & (s <= OPTION_LARGEST);
  PUT(X, SELECT(fine, option_log_ratio(spot, strike) + (rate_time - dividend_time), OPTION_NAN));
  PUT(FORWARD, no_dividends ? spot : spot * r_exp_plain(-dividend_time));
  PUT(STRIKE, strike * r_exp_plain(-rate_time));
  PUT(ROOT, root);
  PUT(PER_S, ALL(1.0) / s);
}

FUNCTION void option_distribution(option_in in, LOCAL_POINTER real *between, u32 i) {
  R x = GET(X), z = r_abs(x) * GET(PER_S), halved = 0.5 * (option_sigma(in, i) * GET(ROOT)), u = halved - z;
  R near = r_abs(u), near_bounded = MIN(ALL(R_NORMAL_LIMIT), near);
  R bell = SELECT(near > R_NORMAL_LIMIT, ALL(0), r_exp_plain(-0.5 * (near_bounded * near_bounded)));
  R least = SELECT(x <= 0.0, GET(FORWARD), GET(STRIKE)), density = least * bell * 0.3989422804014326779; /* F n(d1) */
  R near_above, near_below, far_above, far_below, slope;
  r_mills_parts(near_bounded, &near_above, &slope, &near_below);
  r_mills_parts(MIN(ALL(1e15), halved + z), &far_above, &slope, &far_below);
  R near_part = density * (near_above / near_below);
  PUT(DENSITY, density);
  PUT(NEAR_PART, SELECT(u > 0.0, least - near_part, near_part)); /* A cdf(u) */
  PUT(FAR_PART, density * (far_above / far_below));              /* B cdf(-v) */
}

FUNCTION void option_results(option_in in, LOCAL_POINTER real *between, u32 i, u32 outputs, GLOBAL real *out) {
  R x = GET(X), forward = GET(FORWARD), strike = GET(STRIKE), near_part = GET(NEAR_PART), far_part = GET(FAR_PART);
  R sign = IN(OPTION_SIGN); /* NaN where it is neither a call nor a put */
  M fine = (x == x) & (sign == sign), call_outside = x <= 0.0, outside = (sign > 0.0) == call_outside;
#define OUT(quantity, value) STORE(out, (quantity)*GROUP_SIZE + i, SELECT(fine, (value), OPTION_NAN))
  R parity = SELECT(outside, ALL(0), sign * (forward - strike));
  OUT(OPTION_PRICE, MAX(near_part - far_part, ALL(0)) + parity);
  if (outputs == OPTION_PRICE_OUTPUTS) return;

  /* F cdf(+-d1) and K' cdf(+-d2), the sign being the option's. */
  R spot_part = SELECT(call_outside, near_part, far_part), strike_part = SELECT(call_outside, far_part, near_part);
  spot_part = SELECT(outside, spot_part, forward - spot_part);
  strike_part = SELECT(outside, strike_part, strike - strike_part);
  R per_s = GET(PER_S), root = GET(ROOT), density = GET(DENSITY), per_spot = ALL(1.0) / IN(OPTION_SPOT);
  R per_root = option_sigma(in, i) * per_s, density_per_spot = density * per_spot, vega = density * root;
  R delta = sign * spot_part * per_spot, decay = density * IN(OPTION_VOLATILITY) * (0.5 * per_root);
  OUT(OPTION_DELTA, delta);
  OUT(OPTION_GAMMA, density_per_spot * per_s * per_spot);
  OUT(OPTION_VEGA, vega);
  OUT(OPTION_THETA, FMA(sign, FMA(IN(OPTION_DIVIDEND), spot_part, -(IN(OPTION_RATE) * strike_part)), -decay));
  OUT(OPTION_RHO, sign * IN(OPTION_TIME) * strike_part);
  if (outputs == OPTION_GREEKS_OUTPUTS) return;

  R z = r_abs(x) * per_s, halved = 0.5 * (option_sigma(in, i) * root), u = halved - z, v = halved + z;
  R d1 = SELECT(call_outside, u, v), d2 = SELECT(call_outside, -v, -u), per_sigma = root * per_s;
  R drift = (IN(OPTION_RATE) - IN(OPTION_DIVIDEND)) * IN(OPTION_TIME);
  R fade = density_per_spot * per_root * per_root * FMA(drift, per_s, -0.5 * d2);
  OUT(OPTION_VANNA, -(density_per_spot * d2 * per_sigma));
  OUT(OPTION_VOLGA, vega * d1 * d2 * per_sigma);
  OUT(OPTION_CHARM, FMA(IN(OPTION_DIVIDEND), delta, -fade));
#undef OUT
}

#define OPTION_KERNEL(name, outputs)                                                  \
  KERNEL2(name, option_params, GLOBAL const real *, all_in, GLOBAL real *, all_out) { \
    LOCAL_ARRAY(real, between, BETWEEN *BETWEEN_SIZE);                                \
    option_in in = option_in_of(&p, all_in, GROUP);                                   \
    GLOBAL real *out = all_out + (u64)GROUP * (outputs)*GROUP_SIZE;                   \
    OPTION_PHASE_BY(p.no_dividends, option_moneyness(in, between, i, by));            \
    OPTION_PHASE(option_distribution(in, between, i));                                \
    OPTION_PHASE(option_results(in, between, i, (outputs), out));                     \
  }

OPTION_KERNEL(option_price, OPTION_PRICE_OUTPUTS)
OPTION_KERNEL(option_greeks, OPTION_GREEKS_OUTPUTS)
OPTION_KERNEL(option_greeks_all, OPTION_ALL_OUTPUTS)

#endif
