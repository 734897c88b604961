/* SPDX-License-Identifier: MIT */
/*
 * Implied volatility in lanes, without a branch.
 *
 * As in closed_form.c, an out-of-the-money option's price over A = min(F, K') is
 *     w(s) = cdf(u) - n(u) M(v),  u = s/2 - X/s, v = s/2 + X/s, X = |log(F / K')|,
 * in one unknown s = sigma sqrt(T), and w' = n(u). The price's time value gives w, the way to its upper bound gives c = 1 - w, each without
 * cancelling. With y = sqrt(2 X), s = y where u = 0, the inflection of w. Two sides, each with an objective that is nearly straight:
 *     u < 0:  f = log(w(s) / w),      w(s) = n(u) G,  G = M(-u) - M(v),  f' =  1 / G
 *     u > 0:  f = log((1-w(s)) / c),  1-w(s) = n(u) G,  G = M(u) + M(v),   f' = -1 / G
 * So a step takes two of Mills' ratios and one logarithm, no exponential, and the higher derivatives are polynomials: w'' / w' = -u v / s.
 * Where s is so small that M(-u) - M(v) would cancel, it is a series in s/2 around z = X/s, from M and M' at z alone.
 *
 * First guess for u > 0: u = -quantile(c / 2 c(y)), which is exact for X = 0, for X = infinity and at u = 0. For u < 0 two upper bounds of
 * a = -u, the same expression in w, and y sinh(log(w(y) / w)), which holds for small a, in their harmonic mean; that is too great by a
 * smooth factor of up to 3, which a fraction in a and y takes away to within 12 % of s. Then a step of third order with M to 20 bits, which
 * leaves at most some 3e-4, and one of fourth order with M in full, which leaves nothing to be seen.
 *
 * The chain of one option is 600 cycles long, and of what a processor looks ahead it sees some 150 to 300 instructions: a phase of n of
 * them in a chain of c cycles takes n c / 150 cycles, so two halves of it take half as long, as long as there are enough to do. Hence many
 * short phases.
 *
 * After Jaeckel, Let's be rational, Wilmott 2015, who also has the logarithm as the objective, the two sides of the inflection and steps of
 * third order and more; the variable u, the guess and the steps without an exponential are worked out here.
 */
#include "kernels/options/lanes.h"

#if REAL_BITS == 64

/* Between the phases, an array each. SIDE is 1 where u < 0, -1 where u > 0. The guess has some under names of its own. */
enum {
  X,
  ROOT_TIME,
  TIME_VALUE,
  TO_BOUND,
  SIDE,
  LEAST,
  MOST,
  S,
  PER_S,
  U_OF_S,
  V_OF_S,
  NEAR,
  NEAR_ABOVE,
  NEAR_SLOPE,
  NEAR_BELOW,
  FAR_ABOVE,
  FAR_BELOW,
  WAY,
  LOGARITHM,
  BETWEEN,
  FORWARD = LEAST,
  STRIKE = MOST,
  Y = S,
  ABOVE = NEAR_ABOVE,
  BELOW = NEAR_BELOW,
  SINH = FAR_ABOVE,
  MILD = FAR_BELOW,
  ROOT = WAY,
  AWAY = LOGARITHM
};
#define PUT(quantity, value) STORE(between, BETWEEN_AT(quantity, i), (value))
#define GET(quantity) LOAD(between, BETWEEN_AT(quantity, i))
#define IN(quantity) LOAD(in.at[quantity], i)
FUNCTION R option_number(R value) { return SELECT(value == value, value, OPTION_NAN); }
/* One NaN for all: which one an operation makes differs between devices. */
#define OUT(quantity, value) STORE(out.at[quantity], i, option_number(value))

#define ROOT_2_PI 2.5066282746310005024
/* The guess knows the side of a root to 1e-6 in u, so roots are looked for a little beyond. */
#define OVERLAP 1e-3

/* 20 bits of what r_mills_parts gives (tools/coefficients_normal.py). */
FUNCTION void rough_mills(R z, R *above, R *slope, R *below) {
  R p = FMA(ALL(0.0213020693), z, ALL(0.1632153));
  R n = FMA(ALL(0.0213010222), z, ALL(0.163294246));
  p = FMA(p, z, ALL(0.624809978));
  n = FMA(n, z, ALL(0.580059237));
  p = FMA(p, z, ALL(1.2977369));
  n = FMA(n, z, ALL(1.0));
  p = FMA(p, z, ALL(1.25331542));
  *above = p;
  *slope = n;
  *below = FMA(z, p, n);
}

/* The logarithm to 1e-5, absolute (tools/coefficients.sollya). */
FUNCTION R rough_log(R x) {
  U shifted = BITS(x) - 0x3FE6A09E667F3BCDul;
  R e = SMALL_TO_REAL(INT_OF((shifted + 0x4000000000000000ul) >> 52)) - 1024.0;
  R f = REAL_OF((shifted & 0xFFFFFFFFFFFFFul) + 0x3FE6A09E667F3BCDul) - 1.0, square = f * f;
  R high = FMA(ALL(0.17595088659648), f, ALL(-0.27520534285575)), middle = FMA(ALL(0.33756347311024), f, ALL(-0.49901285998234));
  R low = FMA(ALL(0.99989903971282), f, FMA(e, ALL(0.69314718055995), ALL(-6.4226006846537e-6)));
  return FMA(FMA(high, square, middle), square, low);
}

/* Roots and reciprocals for the guess: half the bits, or their negative, are nearly those of the result, and steps of Newton's take no
 * division: four lanes of a root take 8 cycles of the one unit that divides. */
FUNCTION R rough_reciprocal(R x) { /* 7e-6; with one step, 0.3 %, a volatility far from the money would be 22 % off */
  R r = REAL_OF(0x7FDE623822FC16E6ul - BITS(x));
  r = r * FMA(-x, r, ALL(2.0));
  return r * FMA(-x, r, ALL(2.0));
}
FUNCTION R rough_root(R x) { /* 0.2 % */
  R per_root = REAL_OF(0x5FE6EB50C7B537A9ul - (BITS(x) >> 1)), root = x * per_root;
  return root * FMA(-0.5 * root, per_root, ALL(1.5));
}

/* X is NaN where the market is out of range. */
FUNCTION void implied_market(option_in in, LOCAL_POINTER real *between, u32 i, u32 no_dividends) {
  R spot = IN(OPTION_SPOT), strike = IN(OPTION_STRIKE), time = IN(OPTION_TIME), drift = IN(OPTION_RATE) * time, most = r_abs(drift);
  if (!no_dividends) {
    R dividend_time = IN(OPTION_DIVIDEND) * time;
    most = MAX(most, r_abs(dividend_time));
    drift = drift - dividend_time;
  }
  PUT(X, SELECT(option_in_range(spot, strike, time, most), r_abs(option_log_ratio(spot, strike) + drift), OPTION_NAN));
}

FUNCTION void implied_discount(option_in in, LOCAL_POINTER real *between, u32 i, u32 no_dividends) {
  R spot = IN(OPTION_SPOT), time = IN(OPTION_TIME);
  PUT(FORWARD, no_dividends ? spot : spot * r_exp_plain(-(IN(OPTION_DIVIDEND) * time)));
  PUT(STRIKE, IN(OPTION_STRIKE) * r_exp_plain(-(IN(OPTION_RATE) * time)));
}

/* X is NaN where no volatility gives the price. */
FUNCTION void implied_price(option_in in, LOCAL_POINTER real *between, u32 i, option_out out) {
  R forward = GET(FORWARD), discounted = GET(STRIKE), price = IN(OPTION_VOLATILITY), sign = IN(OPTION_SIGN);
  R lower = MAX(sign * (forward - discounted), ALL(0)), upper = SELECT(sign > 0.0, forward, discounted);
  R per_least = ALL(1.0) / MIN(forward, discounted), w = (price - lower) * per_least, c = (upper - price) * per_least;
  M fine = (w >= OPTION_LEAST_TIME_VALUE) & (c > 0.0) & (sign == sign);
  PUT(X, SELECT(fine, GET(X), OPTION_NAN));
  PUT(TIME_VALUE, w);
  PUT(TO_BOUND, c);
  OUT(OPTION_LOWER, lower);
  OUT(OPTION_UPPER, upper);
}

FUNCTION void implied_inflection(LOCAL_POINTER real *between, u32 i) {
  R y = SQRT(2.0 * GET(X)), above, slope, below;
  rough_mills(y, &above, &slope, &below);
  PUT(Y, y);
  PUT(ABOVE, above);
  PUT(BELOW, below);
}

/*
 * The guess, and what the steps must not leave: s >= sqrt(2 pi) w always, as w' <= 1 / sqrt(2 pi). Divisions are what this phase is made
 * of, so fractions are kept as such. The ratio is w / w(y) or c / c(y).
 */
FUNCTION void implied_sides(LOCAL_POINTER real *between, u32 i) {
  R w = GET(TIME_VALUE), c = GET(TO_BOUND), y = GET(Y), above = GET(ABOVE), below = GET(BELOW);
  R halved = 0.5 * below, m = above * 0.3989422804014327, w_y = MAX(halved - m, ALL(0)); /* w(y), c(y) times `below` */
  M low = w * below < w_y;
  R part = SELECT(low, w, c) * below, whole = SELECT(low, w_y, halved + m), both = ALL(1.0) / (part * whole);
  R ratio = part * (part * both);
  PUT(SIDE, SELECT(low, ALL(1.0), ALL(-1.0)));
  PUT(MOST, SELECT(low, y + OVERLAP, ALL(1e3)));
  PUT(LEAST, MAX(ROOT_2_PI * w, SELECT(low, ALL(0), y - OVERLAP)));
  PUT(SINH, 0.5 * y * (whole * (whole * both) - ratio)); /* y sinh(log(1 / ratio)) */
  PUT(ROOT, MIN(ALL(0.5), 0.5 * ratio));
}

FUNCTION void implied_root(LOCAL_POINTER real *between, u32 i) {
  PUT(ROOT, SQRT(-2.0 * rough_log(GET(ROOT))));
  PUT(MILD, rough_reciprocal(FMA(ALL(2.0), rough_root(GET(Y)), ALL(1.0))));
}

/* -quantile(q) to 4.5e-4 from t = sqrt(-2 log(q)): Abramowitz and Stegun 26.2.23. */
FUNCTION void implied_guess(LOCAL_POINTER real *between, u32 i) {
  R t = GET(ROOT), second = MAX(GET(SINH), ALL(1e-20));
  R less = FMA(FMA(ALL(0.010328), t, ALL(0.802853)), t, ALL(2.515517));
  R below = FMA(FMA(FMA(ALL(0.001308), t, ALL(0.189269)), t, ALL(1.432788)), t, ALL(1.0));
  R above = MAX(FMA(t, below, -less), ALL(1e-20));
  M low = GET(SIDE) > 0.0;
  R a = SELECT(low, above * second, above) / SELECT(low, FMA(second, below, above), below);
  PUT(AWAY, a);
}

/* Divides by the factor that the guess is too great by: tools/coefficients_implied.py. */
FUNCTION void implied_mend(LOCAL_POINTER real *between, u32 i) {
  R a = GET(AWAY);
  M low = GET(SIDE) > 0.0;
  R h = GET(MILD), up = FMA(FMA(FMA(ALL(-0.0537100816), h, ALL(0.0629706835)), a, FMA(ALL(0.125448365), h, ALL(-0.274356975))), a,
                            FMA(ALL(0.481892517), h, ALL(0.189874957))) *
                        a;
  R down = FMA(FMA(FMA(FMA(FMA(ALL(-0.0833020867), h, ALL(0.0860406875)), a, FMA(ALL(0.472407017), h, ALL(-0.510878351))), a,
                       FMA(ALL(-0.784718467), h, ALL(0.972066561))),
                   a, FMA(ALL(0.221685153), h, ALL(-0.656563931))),
               a, ALL(1.0));
  PUT(AWAY, SELECT(low, a * down / (down + up), a));
}

FUNCTION void implied_start(LOCAL_POINTER real *between, u32 i) {
  R x = GET(X), a = GET(AWAY);
  M low = GET(SIDE) > 0.0;
  R v = rough_root(FMA(a, a, 2.0 * x));
  R sum = v + a;
  PUT(S, MAX(GET(LEAST), MIN(GET(MOST), SELECT(low, 2.0 * x / sum, sum))));
}

/* Where s is less than `small`, the objective is log w, and M is taken at z. */
FUNCTION R implied_side(R side, R s, R small) { return SELECT(s < small, ALL(1.0), side); }

FUNCTION void implied_stand(LOCAL_POINTER real *between, u32 i, R small) {
  R s = GET(S), per_s = ALL(1.0) / s, z = GET(X) * per_s, halved = 0.5 * s, u = halved - z;
  PUT(PER_S, per_s);
  PUT(U_OF_S, u);
  PUT(V_OF_S, halved + z);
  PUT(NEAR, SELECT(s < small, z, MAX(ALL(-OVERLAP), -GET(SIDE) * u)));
}

/* G is above / below. Leaves what a step needs: G / s with the sign of f', and the logarithm's argument. */
FUNCTION void implied_leave(LOCAL_POINTER real *between, u32 i, R small) {
  R above = GET(ABOVE), below = GET(BELOW), side = implied_side(GET(SIDE), GET(S), small);
  R both = ALL(1.0) / (above * below), per_g = below * (below * both), g = above * (above * both);
  PUT(WAY, side * g * GET(PER_S));
  PUT(LOGARITHM, per_g * SELECT(side > 0.0, GET(TIME_VALUE), GET(TO_BOUND)) * ROOT_2_PI);
}

#define ROUGH_SMALL ALL(0.05)
FUNCTION void implied_rough_ratio(LOCAL_POINTER real *between, u32 i) {
  R s = GET(S), near_above, near_slope, near_below, far_above, far_slope, far_below;
  rough_mills(GET(NEAR), &near_above, &near_slope, &near_below);
  rough_mills(GET(V_OF_S), &far_above, &far_slope, &far_below);
  R above = FMA(near_above, far_below, -GET(SIDE) * (far_above * near_below)), below = near_below * far_below;
  PUT(ABOVE, SELECT(s < ROUGH_SMALL, s * near_slope, above));
  PUT(BELOW, SELECT(s < ROUGH_SMALL, near_below, below));
}

FUNCTION void implied_rough_logarithm(LOCAL_POINTER real *between, u32 i) { PUT(LOGARITHM, rough_log(GET(LOGARITHM))); }

/* Third order (Halley). Derivatives are taken times s, and steps over s, so that nothing has a dimension: f' is 1 / way. */
FUNCTION void implied_rough_step(LOCAL_POINTER real *between, u32 i) {
  R s = GET(S), u = GET(U_OF_S), way = GET(WAY);
  R f = FMA(-0.5 * u, u, -GET(LOGARITHM)), step = -f * way;
  /* h2 = f'' / f' = -u v - f', of which the last cancels the division: h2 step = f - u v step. */
  R bend = FMA(-(u * GET(V_OF_S)), step, f);
  PUT(S, MAX(GET(LEAST), MIN(GET(MOST), FMA(s, step / FMA(ALL(0.5), bend, ALL(1.0)), s))));
}

#define SMALL ALL(0.02)
FUNCTION void implied_near(LOCAL_POINTER real *between, u32 i) {
  R above, slope, below;
  r_mills_parts(GET(NEAR), &above, &slope, &below);
  PUT(NEAR_ABOVE, above);
  PUT(NEAR_SLOPE, slope);
  PUT(NEAR_BELOW, below);
}

FUNCTION void implied_far(option_in in, LOCAL_POINTER real *between, u32 i) {
  R above, slope, below;
  PUT(ROOT_TIME, SQRT(IN(OPTION_TIME)));
  r_mills_parts(GET(V_OF_S), &above, &slope, &below);
  PUT(FAR_ABOVE, above);
  PUT(FAR_BELOW, below);
}

FUNCTION void implied_ratio(LOCAL_POINTER real *between, u32 i) {
  R p = GET(NEAR_ABOVE), n = GET(NEAR_SLOPE), near_below = GET(NEAR_BELOW), far_above = GET(FAR_ABOVE), far_below = GET(FAR_BELOW);
  R s = GET(S), above = FMA(p, far_below, -GET(SIDE) * (far_above * near_below)), below = near_below * far_below;
  /* M(z - h) - M(z + h) = 2 h (M1 + h^2 M3 / 6 + h^4 M5 / 120 + ...), all times `near_below`, with Mk the k-th derivative's magnitude:
   * M2 = M - z M1, M(k+1) = k M(k-1) - z Mk. */
  R z = GET(NEAR), square = 0.25 * (s * s), m2 = FMA(-z, n, p), m3 = FMA(-z, m2, 2.0 * n);
  R m4 = FMA(-z, m3, 3.0 * m2), m5 = FMA(-z, m4, 4.0 * m3);
  R series = s * FMA(FMA(m5 * 0.05, square, m3) * 0.16666666666666667, square, n);
  PUT(ABOVE, SELECT(s < SMALL, series, above));
  PUT(BELOW, SELECT(s < SMALL, near_below, below));
}

FUNCTION void implied_logarithm(LOCAL_POINTER real *between, u32 i) { PUT(LOGARITHM, r_log(GET(LOGARITHM))); }

/* Fourth order (Householder): with the third derivative too. */
FUNCTION void implied_step(LOCAL_POINTER real *between, u32 i) {
  R x = GET(X), s = GET(S), u = GET(U_OF_S), v = GET(V_OF_S), way = GET(WAY), z = 0.5 * (v - u), halved = 0.5 * s;
  R f = FMA(-0.5 * u, u, -GET(LOGARITHM)), step = -f * way;
  /* a = h2 step and b = h3 step^2 with h3 = f''' / f' = h2^2 - f' h2 - 3 z^2 - s^2 / 4; f' step = -f. */
  R a = FMA(-(u * v), step, f), curve = FMA(3.0 * z, z, halved * halved);
  R b = FMA(a, a + f, -(curve * step) * step);
  R next = FMA(s, step * FMA(ALL(0.5), a, ALL(1.0)) / (1.0 + FMA(b, ALL(0.16666666666666667), a)), s);
  PUT(S, SELECT(x == x, MAX(GET(LEAST), MIN(GET(MOST), next)), OPTION_NAN));
}

FUNCTION void implied_volatility(LOCAL_POINTER real *between, u32 i, option_out out) {
  R s = GET(S);
  STORE(out.at[OPTION_IMPLIED], i, SELECT(s == s, s / GET(ROOT_TIME), OPTION_NAN));
}

KERNEL2(option_volatility, option_params, GLOBAL const real *, all_in, GLOBAL real *, all_out) {
  LOCAL_ARRAY(real, between, BETWEEN * BETWEEN_SIZE);
  option_in in = option_in_of(&p, all_in, GROUP);
  option_out out = option_out_of(&p, all_out, GROUP, OPTION_VOLATILITY_OUTPUTS);
  OPTION_PHASE_BY(p.no_dividends, implied_market(in, between, i, by));
  OPTION_PHASE_BY(p.no_dividends, implied_discount(in, between, i, by));
  OPTION_PHASE(implied_price(in, between, i, out));
  OPTION_PHASE(implied_inflection(between, i));
  OPTION_PHASE(implied_sides(between, i));
  OPTION_PHASE(implied_root(between, i));
  OPTION_PHASE(implied_guess(between, i));
  OPTION_PHASE(implied_mend(between, i));
  OPTION_PHASE(implied_start(between, i));
  OPTION_PHASE(implied_stand(between, i, ROUGH_SMALL));
  OPTION_PHASE(implied_rough_ratio(between, i));
  OPTION_PHASE(implied_leave(between, i, ROUGH_SMALL));
  OPTION_PHASE(implied_rough_logarithm(between, i));
  OPTION_PHASE(implied_rough_step(between, i));
  OPTION_PHASE(implied_stand(between, i, SMALL));
  OPTION_PHASE(implied_near(between, i));
  OPTION_PHASE(implied_far(in, between, i));
  OPTION_PHASE(implied_ratio(between, i));
  OPTION_PHASE(implied_leave(between, i, SMALL));
  OPTION_PHASE(implied_logarithm(between, i));
  OPTION_PHASE(implied_step(between, i));
  OPTION_PHASE(implied_volatility(between, i, out));
}

#endif
