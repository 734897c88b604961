/* SPDX-License-Identifier: MIT */
/*
 * Asian options on the average of the underlying at the end of each step; the geometric average of the same path is the control.
 *
 * Derivatives by pathwise differentiation. Gamma: the payoff is homogeneous in spot and strike, so spot^2 gamma = strike times the
 * derivative of P(paid) by ln spot, and that is P's derivative along the terminal factor G (integration by parts: Fournie, Lasry,
 * Lebuchoux, Lions, Touzi 1999) with the weight A G / A' - 1 + A A'' / A'^2, where ' is d/dG. It does not grow with the number of steps, as
 * the score of the first step does.
 */
#include "kernels/montecarlo/sample.h"

typedef struct asian_path {
  R x, sum, logs;            /* sum of S, of x */
  R by_step, by_step2, by_x; /* sums of S s, S s^2, S x with s = 1, 2, ... */
} asian_path;

FUNCTION asian_path asian_begin(void) {
  asian_path a;
  a.x = a.sum = a.logs = a.by_step = a.by_step2 = a.by_x = ALL(0);
  return a;
}

FUNCTION void asian_step(asian_path *a, R z, R drift, R width, real step, int greeks) {
  a->x = FMA(width, z, a->x + drift);
  R s = r_exp2_plain(a->x);
  a->sum = a->sum + s;
  a->logs = a->logs + a->x;
  if (greeks) {
    R number = ALL(step);
    R by_step = s * number;
    a->by_step = a->by_step + by_step;
    a->by_step2 = FMA(by_step, number, a->by_step2);
    a->by_x = FMA(s, a->x, a->by_x);
  }
}

FUNCTION mc_sample asian_end(const mc_path_params p, asian_path a, int greeks) {
  mc_sample out;
  R scale = ALL(p.scale), shift = ALL(p.shift), nothing = ALL(0);
  real n = (real)p.steps, one_nth = RC(1.0) / n;
  R arithmetic = a.sum * one_nth, mean_x = a.logs * one_nth, geometric = r_exp2_plain(mean_x);
  R average = p.kind == MC_ASIAN_GEOMETRIC ? geometric : arithmetic;
  out.payoff = MAX(FMA(scale, average, shift), nothing);
  out.control = p.kind == MC_ASIAN_GEOMETRIC ? r_exp2_plain(a.x) : MAX(FMA(scale, geometric, shift), nothing);
  out.delta = out.mean = out.deviation = out.gamma = out.time = nothing;
  if (greeks) {
    real mean = (real)p.mean, deviation = (real)p.deviation, by_deviation = RC(1.0) / deviation;
    R paid = SELECT(out.payoff > RC(0.0), ALL(1), nothing), factor = (a.x * LN2 - mean) * by_deviation;
    R by_mean, by_width, weight;
    if (p.kind == MC_ASIAN_GEOMETRIC) {
      real weight_of_end = (n + RC(1.0)) / (RC(2.0) * n);
      by_mean = geometric * weight_of_end;
      by_width = geometric * ((mean_x * LN2 - mean * weight_of_end) * by_deviation);
      weight = factor * (by_deviation / weight_of_end);
    } else {
      by_mean = a.by_step * (one_nth * one_nth);
      by_width = (a.by_x * (LN2 * one_nth) - by_mean * mean) * by_deviation;
      R ratio = a.sum / a.by_step; /* A / A' without what is the same for all paths */
      weight = FMA(ratio * factor, ALL(n * by_deviation), FMA(ratio, a.by_step2 / a.by_step, ALL(-1)));
    }
    R paid_scale = paid * scale;
    out.delta = paid_scale * average;
    out.mean = paid_scale * by_mean;
    out.deviation = paid_scale * by_width;
    out.gamma = (paid * -shift) * weight;
  }
  return out;
}

FUNCTION mc_sample asian_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  R drift = ALL(p.drift), width = ALL(p.width), z[BLOCK];
  asian_path a = asian_begin();
#if LANES > 1
  if (!p.given) {
    R many[BLOCK * RANDOM_AT_ONCE];
    asian_path b = asian_begin();
    for (u32 first = 0; first < p.steps; first += BLOCK * RANDOM_AT_ONCE) {
      u32 count = p.steps - first < BLOCK * RANDOM_AT_ONCE ? p.steps - first : BLOCK * RANDOM_AT_ONCE;
      random_many_normals(LANE((u32)sample), first / BLOCK, (u32)(sample >> 32), 0, p.key, (count + BLOCK - 1) / BLOCK, many);
      for (u32 k = 0; k < count; k++) {
        asian_step(&a, many[k], drift, width, (real)(first + k + 1), greeks);
        if (p.antithetic) asian_step(&b, -many[k], drift, width, (real)(first + k + 1), greeks);
      }
    }
    mc_sample out = asian_end(p, a, greeks);
    return p.antithetic ? sample_mean(out, asian_end(p, b, greeks)) : out;
  }
#endif
  u32 full = p.steps / BLOCK, rest = p.steps % BLOCK;
  if (p.antithetic) {
    asian_path b = asian_begin();
    for (u32 block = 0; block <= full; block++) {
      u32 count = block < full ? BLOCK : rest;
      block_shocks(p, given, sample, block, count, z);
      for (u32 k = 0; k < count; k++) {
        real step = (real)(BLOCK * block + k + 1);
        asian_step(&a, z[k], drift, width, step, greeks);
        asian_step(&b, -z[k], drift, width, step, greeks);
      }
    }
    return sample_mean(asian_end(p, a, greeks), asian_end(p, b, greeks));
  }
  for (u32 block = 0; block < full; block++) {
    block_shocks(p, given, sample, block, BLOCK, z);
    UNROLL
    for (u32 k = 0; k < BLOCK; k++) asian_step(&a, z[k], drift, width, (real)(BLOCK * block + k + 1), greeks);
  }
  if (rest > 0) {
    block_shocks(p, given, sample, full, rest, z);
    for (u32 k = 0; k < rest; k++) asian_step(&a, z[k], drift, width, (real)(BLOCK * full + k + 1), greeks);
  }
  return asian_end(p, a, greeks);
}

MC_KERNEL(mc_asian, MC_PRICE_SUMS, asian_sample)
MC_KERNEL(mc_asian_greeks, MC_GREEKS_SUMS, asian_sample)
