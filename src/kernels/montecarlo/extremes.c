/* SPDX-License-Identifier: MIT */
/*
 * Barriers and extremes that are watched all the time. Between two of its prices the logarithm X of the underlying is a Brownian bridge,
 * whose maximum has a known distribution (Andersen and Brotherton-Ratcliffe 1996; Glasserman 2004, 6.4), so that nothing is lost by
 * looking at few prices.
 *
 * Barrier: at distances D and D' inside (natural logarithms) the bridge crosses with probability p = e^-E, E = c D D', c = 2 steps /
 * deviation^2. A path pays its payoff times the probability q q ... that it survived, which is smooth, so Greeks are derivatives of what a
 * path pays. Gamma is the derivative of delta by the score of the first step, whose q depends on the spot in its own right too.
 *
 * Lookback: an extreme of a step is drawn by inverting its distribution, (X + X' +- sqrt((X' - X)^2 - 2 deviation^2 / steps ln U)) / 2.
 * Gamma is the strike times the density of the extreme there: the derivative of the survival of a barrier at the strike.
 */
#include "kernels/montecarlo/sample.h"

/* The distance of x inside the barrier, in binary logarithms; 0 outside. */
FUNCTION R inside(real barrier, int up, R x) {
  R d = up ? ALL(barrier) - x : x - ALL(barrier);
  return MAX(d, ALL(0));
}

/* p; 0 where the path ends outside, which it does not survive, whatever p, and where it is below 2^-100: derivatives multiply it by c,
 * which is huge when next to nothing moves. bridge = c ln 2. */
FUNCTION R crossing(real bridge, R d0, R d1) {
  R e = ALL(bridge) * (d0 * d1);
  return SELECT((d1 > RC(0.0)) & (e < RC(100.0)), r_exp2_plain(-MIN(e, ALL(100))), ALL(0));
}

FUNCTION R surviving(R crosses, R d1) { return SELECT(d1 > RC(0.0), ALL(1) - crosses, ALL(0)); }

/* ---- Barriers ---------------------------------------------------------------------------------------------------------------------- */

typedef struct barrier_path {
  R x, d, w;                                             /* w: (X - mean so far) / deviation */
  R first_z, first_d, first_w, first_crosses;            /* the first step and where it ends */
  R chance, chance_delta, chance_mean, chance_deviation; /* of surviving all other steps, and derivatives when later prices move */
} barrier_path;

FUNCTION barrier_path barrier_begin(const mc_path_params p) {
  barrier_path b;
  b.x = b.w = b.first_z = b.first_d = b.first_w = b.first_crosses = ALL(0);
  b.d = inside((real)p.barrier, p.kind & MC_BARRIER_UP, b.x);
  b.chance = ALL(1);
  b.chance_delta = b.chance_mean = b.chance_deviation = ALL(0);
  return b;
}

FUNCTION void barrier_step(barrier_path *b, const mc_path_params p, R z, u32 step, int greeks) {
  real bridge = (real)p.bridge;
  R x = FMA(ALL(p.width), z, b->x + ALL(p.drift)), d = inside((real)p.barrier, p.kind & MC_BARRIER_UP, x);
  R crosses = crossing(bridge, b->d, d), chance = surviving(crosses, d);
  if (!greeks) {
    b->chance = b->chance * chance;
  } else {
    real n = (real)p.steps, by_deviation = RC(1.0) / (real)p.deviation, before = (real)(step - 1) / n, after = (real)step / n;
    R w = FMA(x, ALL(LN2 * by_deviation), ALL(-(real)p.mean * after * by_deviation));
    if (step == 1) {
      b->first_z = z;
      b->first_d = d;
      b->first_w = w;
      b->first_crosses = crosses;
    } else {
      /* dq = p dE; dE = +-c (dX D' + D dX') - 2 E / deviation */
      real slant = p.kind & MC_BARRIER_UP ? -bridge : bridge;
      R factor = b->chance * crosses, toward = factor * slant;
      b->chance_delta = FMA(b->chance_delta, chance, toward * (b->d + d));
      b->chance_mean = FMA(b->chance_mean, chance, toward * FMA(d, ALL(before), b->d * after));
      R widening = factor * ((b->d * d) * (RC(-2.0) * bridge * LN2 * by_deviation));
      b->chance_deviation = FMA(b->chance_deviation, chance, FMA(toward, FMA(d, b->w, b->d * w), widening));
      b->chance = b->chance * chance;
    }
    b->w = w;
  }
  b->x = x;
  b->d = d;
}

FUNCTION mc_sample barrier_end(const mc_path_params p, barrier_path b, int greeks) {
  mc_sample out;
  R nothing = ALL(0), scaled = ALL(p.scale) * r_exp2_plain(b.x), shift = ALL(p.shift);
  R plain = MAX(scaled + shift, nothing);
  out.control = plain;
  out.delta = out.mean = out.deviation = out.gamma = out.time = nothing;
  if (!greeks) {
    out.payoff = plain * b.chance;
  } else {
    real n = (real)p.steps, by_deviation = RC(1.0) / (real)p.deviation, bridge = (real)p.bridge;
    real slant = p.kind & MC_BARRIER_UP ? -bridge : bridge, c = bridge / LN2;
    R paid = SELECT(plain > RC(0.0), ALL(1), nothing), slope = paid * scaled;
    /* What the steps after the first pay, and its derivatives. */
    R later = b.chance * plain;
    R later_delta = FMA(b.chance, slope, b.chance_delta * plain);
    R later_mean = FMA(b.chance, slope, b.chance_mean * plain);
    R later_deviation = FMA(b.chance * slope, b.w, b.chance_deviation * plain);
    /* q of the first step, and its derivatives by the spot (1), by the price it ends at (2), by deviation. */
    R d0 = inside((real)p.barrier, p.kind & MC_BARRIER_UP, nothing), d1 = b.first_d, crosses = b.first_crosses;
    R e = (d0 * d1) * (bridge * LN2), q = surviving(crosses, d1);
    R q1 = crosses * d1 * slant, q2 = crosses * d0 * slant, q_deviation = crosses * e * (RC(-2.0) * by_deviation);
    R q11 = -(q1 * d1) * slant, q12 = crosses * c * (ALL(1) - e);
    out.payoff = q * later;
    out.delta = FMA(q, later_delta, (q1 + q2) * later);
    out.mean = FMA(q, later_mean, q2 * later * (RC(1.0) / n));
    out.deviation = FMA(q, later_deviation, FMA(q2, b.first_w, q_deviation) * later);
    R score = b.first_z * ((real)p.root_steps * by_deviation) - RC(1.0);
    out.gamma = FMA(out.delta, score, FMA(q1, later_delta, (q11 + q12) * later));
    if (p.kind & MC_BARRIER_IN) { /* without the barrier, less what survives */
      out.delta = slope - out.delta;
      out.mean = slope - out.mean;
      out.deviation = slope * b.w - out.deviation;
      out.gamma = (paid * -shift) * (b.w * by_deviation) - out.gamma;
    }
  }
  if (p.kind & MC_BARRIER_IN) out.payoff = plain - out.payoff;
  return out;
}

FUNCTION mc_sample barrier_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  R z[BLOCK];
  no_shocks(z);
  barrier_path a = barrier_begin(p), mirror = a;
  for (u32 step = 0; step < p.steps; step++) {
    u32 k = step % BLOCK;
    if (k == 0) block_shocks(p, given, sample, step / BLOCK, p.steps - step, z);
    R shock = k == 0 ? z[0] : k == 1 ? z[1] : k == 2 ? z[2] : z[3];
    barrier_step(&a, p, shock, step + 1, greeks);
    if (p.antithetic) barrier_step(&mirror, p, -shock, step + 1, greeks);
  }
  mc_sample out = barrier_end(p, a, greeks);
  return p.antithetic ? sample_mean(out, barrier_end(p, mirror, greeks)) : out;
}

/* ---- Extremes ---------------------------------------------------------------------------------------------------------------------- */

typedef struct lookback_path {
  R x, w, extreme, by_mean, by_deviation; /* the extreme so far (natural logarithm over the spot) and its derivatives */
  R d, chance, chance_delta;              /* of a barrier at the strike */
} lookback_path;

FUNCTION lookback_path lookback_begin(const mc_path_params p) {
  lookback_path a;
  a.x = a.w = a.extreme = a.by_mean = a.by_deviation = a.chance_delta = ALL(0);
  a.d = inside((real)p.barrier, p.kind & MC_LOOKBACK_MAXIMUM, a.x);
  a.chance = SELECT(a.d > RC(0.0), ALL(1), ALL(0));
  return a;
}

/* `radius2` is -2 ln U. */
FUNCTION void lookback_step(lookback_path *a, const mc_path_params p, R z, R radius2, u32 step, int greeks) {
  int maximum = p.kind & MC_LOOKBACK_MAXIMUM;
  real sign = maximum ? RC(1.0) : RC(-1.0), deviation = (real)p.deviation, one_nth = RC(1.0) / (real)p.steps, bridge = (real)p.bridge;
  R x = FMA(ALL(p.width), z, a->x + ALL(p.drift)), along = (x - a->x) * LN2;
  R reach = MAX(SQRT(FMA(along, along, radius2 * (deviation * deviation * one_nth))), ALL(RC(1e-30)));
  R extreme = FMA(x + a->x, ALL(LN2 * RC(0.5)), reach * (sign * RC(0.5)));
  M further = maximum ? extreme > a->extreme : extreme < a->extreme;
  if (greeks) {
    real by_deviation = RC(1.0) / deviation, before = (real)(step - 1) * one_nth, after = (real)step * one_nth;
    R w = FMA(x, ALL(LN2 * by_deviation), ALL(-(real)p.mean * after * by_deviation));
    R turn = ALL(sign) / reach;
    R by_mean = FMA(along * turn, ALL(one_nth), ALL(before + after)) * RC(0.5);
    R by_width = FMA(turn, FMA(along, w - a->w, radius2 * (deviation * one_nth)), a->w + w) * RC(0.5);
    a->by_mean = SELECT(further, by_mean, a->by_mean);
    a->by_deviation = SELECT(further, by_width, a->by_deviation);
    a->w = w;
    R d = inside((real)p.barrier, maximum, x), crosses = crossing(bridge, a->d, d), chance = surviving(crosses, d);
    a->chance_delta = FMA(a->chance_delta, chance, (a->chance * crosses) * (a->d + d) * (maximum ? -bridge : bridge));
    a->chance = a->chance * chance;
    a->d = d;
  }
  a->extreme = SELECT(further, extreme, a->extreme);
  a->x = x;
}

FUNCTION mc_sample lookback_end(const mc_path_params p, lookback_path a, int greeks) {
  mc_sample out;
  R nothing = ALL(0), end = r_exp2_plain(a.x), extreme = r_exp2_plain(a.extreme * (RC(1.0) / LN2)), scale = ALL(p.scale),
    shift = ALL(p.shift);
  int floating = p.kind & MC_LOOKBACK_FLOATING;
  out.control = end;
  out.payoff = floating ? MAX(scale * (end - extreme), nothing) : MAX(FMA(scale, extreme, shift), nothing);
  out.delta = out.mean = out.deviation = out.gamma = out.time = nothing;
  if (greeks) {
    R paid = SELECT(out.payoff > RC(0.0), scale, nothing), by_extreme = paid * extreme;
    if (floating) {
      out.delta = out.payoff;
      out.mean = FMA(paid, end, -(by_extreme * a.by_mean));
      out.deviation = FMA(paid * end, a.w, -(by_extreme * a.by_deviation));
    } else {
      out.delta = by_extreme;
      out.mean = by_extreme * a.by_mean;
      out.deviation = by_extreme * a.by_deviation;
      out.gamma = shift * a.chance_delta;
    }
  }
  return out;
}

FUNCTION mc_sample lookback_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  R z[BLOCK], radius2[BLOCK];
  no_shocks(z);
  no_shocks(radius2);
  lookback_path a = lookback_begin(p), mirror = a;
  for (u32 step = 0; step < p.steps; step++) {
    u32 k = step % BLOCK;
    if (k == 0) {
      block_shocks(p, given, sample, step / BLOCK, p.steps - step, z);
      block_radii(p, given, sample, step / BLOCK, p.steps - step, radius2);
    }
    R shock = k == 0 ? z[0] : k == 1 ? z[1] : k == 2 ? z[2] : z[3];
    R radius = k == 0 ? radius2[0] : k == 1 ? radius2[1] : k == 2 ? radius2[2] : radius2[3];
    lookback_step(&a, p, shock, radius, step + 1, greeks);
    if (p.antithetic) lookback_step(&mirror, p, -shock, radius, step + 1, greeks);
  }
  mc_sample out = lookback_end(p, a, greeks);
  return p.antithetic ? sample_mean(out, lookback_end(p, mirror, greeks)) : out;
}

MC_KERNEL(mc_barrier, MC_PRICE_SUMS, barrier_sample)
MC_KERNEL(mc_barrier_greeks, MC_GREEKS_SUMS, barrier_sample)
MC_KERNEL(mc_lookback, MC_PRICE_SUMS, lookback_sample)
MC_KERNEL(mc_lookback_greeks, MC_GREEKS_SUMS, lookback_sample)
