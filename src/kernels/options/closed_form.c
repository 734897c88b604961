/* SPDX-License-Identifier: MIT */
/*
 * Black-Scholes-Merton in lanes. Discounted amounts F = S e^(-qT) and K' = K e^(-rT), x = ln(F / K'), s = sigma sqrt(T).
 *
 * With the sign p of the option it costs p (F cdf(p d1) - K' cdf(p d2)), d1 = x/s + s/2, d2 = x/s - s/2, and F n(d1) = K' n(d2) with the
 * normal density n. So one exponential, at the nearer of the two, serves both distributions: with Mills' ratio M,
 *     F cdf(p d1) = F n(d1) M(|d1|) for p d1 <= 0, F less that else, and likewise K' cdf(p d2) = F n(d1) M(|d2|) or K' less that.
 * So an option out of the money costs |part1 - part2| of F n(d1) times M, or min(F, K') less both where d1 > 0 > d2, and nothing cancels
 * but the two of M, which is what makes the price small when s is. In the money the way to exercise comes on top (parity).
 *
 * Short phases with little between them: a processor that looks some 300 instructions ahead then has several options in flight, where one
 * long chain from the logarithm to the last Greek would make it wait.
 */
#include "kernels/options/lanes.h"

#if REAL_BITS == 64

/* Between the phases, an array each. Where one is done with, another takes its place. */
enum { FORWARD, STRIKE, X, ROOT, HALVED, PER_S, DENSITY, STRIKE_PART, TIME_VALUE, BETWEEN, SPOT_PART = HALVED };
#define PUT(quantity, value) STORE(between, BETWEEN_AT(quantity, i), (value))
#define GET(quantity) LOAD(between, BETWEEN_AT(quantity, i))
#define IN(quantity) LOAD(in.at[quantity], i)

/* A volatility of 0 is one that is next to nothing: the limits come out. */
FUNCTION R option_sigma(option_in in, u32 i) { return MAX(ALL(1e-100), IN(OPTION_VOLATILITY)); }

/* x is NaN where the option is out of range. */
FUNCTION void option_moneyness(option_in in, LOCAL_POINTER real *between, u32 i, u32 no_dividends) {
  R spot = IN(OPTION_SPOT), strike = IN(OPTION_STRIKE), time = IN(OPTION_TIME), volatility = IN(OPTION_VOLATILITY);
  R root = SQRT(time), s = option_sigma(in, i) * root, rate_time = IN(OPTION_RATE) * time, forward = spot, most = r_abs(rate_time);
  R drift = rate_time;
  if (!no_dividends) {
    R dividend_time = IN(OPTION_DIVIDEND) * time;
    forward = spot * r_exp_plain(-dividend_time);
    drift = rate_time - dividend_time;
    most = MAX(most, r_abs(dividend_time));
  }
  M fine = option_in_range(spot, strike, time, most) & (volatility >= 0.0) & (s <= OPTION_LARGEST);
  PUT(X, SELECT(fine, option_log_ratio(spot, strike) + drift, OPTION_NAN));
  PUT(FORWARD, forward);
  PUT(STRIKE, strike * r_exp_plain(-rate_time));
  PUT(ROOT, root);
  PUT(HALVED, 0.5 * s);
  PUT(PER_S, ALL(1.0) / s);
}

/* F cdf(+-d1) and K' cdf(+-d2), the sign being the option's, F n(d1), and what an option out of the money costs. */
FUNCTION void option_distribution(option_in in, LOCAL_POINTER real *between, u32 i) {
  R mid = GET(X) * GET(PER_S), halved = GET(HALVED), d1 = mid + halved, d2 = mid - halved, forward = GET(FORWARD), strike = GET(STRIKE);
  R far1 = MIN(ALL(1e15), r_abs(d1)), far2 = MIN(ALL(1e15), r_abs(d2)), near = MIN(far1, far2),
    near_bounded = MIN(ALL(R_NORMAL_LIMIT), near);
  R bell = SELECT(near > R_NORMAL_LIMIT, ALL(0), r_exp_plain(FMA(-0.5 * near_bounded, near_bounded, ALL(-0.91893853320467274178))));
  R least = MIN(forward, strike), density = least * bell, above1, below1, above2, below2, slope, sign = IN(OPTION_SIGN);
  r_mills_parts(far1, &above1, &slope, &below1);
  r_mills_parts(far2, &above2, &slope, &below2);
  R part1 = density * (above1 / below1), part2 = density * (above2 / below2);
  PUT(TIME_VALUE, MAX(SELECT(halved > r_abs(mid), least - part1 - part2, r_abs(part1 - part2)), ALL(0)));
  PUT(DENSITY, density);
  PUT(SPOT_PART, SELECT(sign * d1 > 0.0, forward - part1, part1));
  PUT(STRIKE_PART, SELECT(sign * d2 > 0.0, strike - part2, part2));
}

/* sign is NaN where it is neither a call nor a put. */
FUNCTION M option_fine(R x, R sign) { return (x == x) & (sign == sign); }
#define OUT(quantity, value) STORE(out.at[quantity], i, SELECT(fine, (value), OPTION_NAN))

/* The results in two or three phases: a caller's arrays tend to lie a multiple of 4 kB apart, and the first cache has but eight lines for
 * what does, those that are read and those that are written. */
FUNCTION void option_values(option_in in, LOCAL_POINTER real *between, u32 i, u32 outputs, option_out out) {
  R sign = IN(OPTION_SIGN), density = GET(DENSITY);
  M fine = option_fine(GET(X), sign);
  OUT(OPTION_PRICE, GET(TIME_VALUE) + MAX(sign * (GET(FORWARD) - GET(STRIKE)), ALL(0)));
  if (outputs == OPTION_PRICE_OUTPUTS) return;
  R per_spot = ALL(1.0) / IN(OPTION_SPOT);
  OUT(OPTION_DELTA, sign * GET(SPOT_PART) * per_spot);
  OUT(OPTION_GAMMA, density * per_spot * GET(PER_S) * per_spot);
  OUT(OPTION_VEGA, density * GET(ROOT));
}

FUNCTION void option_rates(option_in in, LOCAL_POINTER real *between, u32 i, option_out out) {
  R sign = IN(OPTION_SIGN), rate = IN(OPTION_RATE), strike_part = GET(STRIKE_PART), per_root = option_sigma(in, i) * GET(PER_S);
  R decay = GET(DENSITY) * IN(OPTION_VOLATILITY) * (0.5 * per_root);
  M fine = option_fine(GET(X), sign);
  OUT(OPTION_THETA, FMA(sign, FMA(IN(OPTION_DIVIDEND), GET(SPOT_PART), -(rate * strike_part)), -decay));
  OUT(OPTION_RHO, sign * IN(OPTION_TIME) * strike_part);
}

FUNCTION void option_seconds(option_in in, LOCAL_POINTER real *between, u32 i, option_out out) {
  R x = GET(X), sign = IN(OPTION_SIGN), per_s = GET(PER_S), root = GET(ROOT), density = GET(DENSITY), per_spot = ALL(1.0) / IN(OPTION_SPOT);
  R mid = x * per_s, halved = 0.5 * (option_sigma(in, i) * root), d1 = mid + halved, d2 = mid - halved, per_sigma = root * per_s;
  R per_root = option_sigma(in, i) * per_s, density_per_spot = density * per_spot, delta = sign * GET(SPOT_PART) * per_spot;
  R drift = (IN(OPTION_RATE) - IN(OPTION_DIVIDEND)) * IN(OPTION_TIME);
  R fade = density_per_spot * per_root * per_root * FMA(drift, per_s, -0.5 * d2);
  M fine = option_fine(x, sign);
  OUT(OPTION_VANNA, -(density_per_spot * d2 * per_sigma));
  OUT(OPTION_VOLGA, density * root * d1 * d2 * per_sigma);
  OUT(OPTION_CHARM, FMA(IN(OPTION_DIVIDEND), delta, -fade));
}

#define OPTION_KERNEL(name, outputs)                                                  \
  KERNEL2(name, option_params, GLOBAL const real *, all_in, GLOBAL real *, all_out) { \
    LOCAL_ARRAY(real, between, BETWEEN *BETWEEN_SIZE);                                \
    option_in in = option_in_of(&p, all_in, GROUP);                                   \
    option_out out = option_out_of(&p, all_out, GROUP, (outputs));                    \
    OPTION_PHASE_BY(p.no_dividends, option_moneyness(in, between, i, by));            \
    OPTION_PHASE(option_distribution(in, between, i));                                \
    OPTION_PHASE(option_values(in, between, i, (outputs), out));                      \
    if ((outputs) >= OPTION_GREEKS_OUTPUTS) {                                         \
      OPTION_PHASE(option_rates(in, between, i, out));                                \
    }                                                                                 \
    if ((outputs) >= OPTION_ALL_OUTPUTS) {                                            \
      OPTION_PHASE(option_seconds(in, between, i, out));                              \
    }                                                                                 \
  }

OPTION_KERNEL(option_price, OPTION_PRICE_OUTPUTS)
OPTION_KERNEL(option_greeks, OPTION_GREEKS_OUTPUTS)
OPTION_KERNEL(option_greeks_all, OPTION_ALL_OUTPUTS)

#endif
