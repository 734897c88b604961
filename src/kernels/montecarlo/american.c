/* SPDX-License-Identifier: MIT */
/*
 * American options under a rule of exercise that was found beforehand (Longstaff and Schwartz 2001; src/quant/montecarlo_american.c): a
 * path ends where the payoff is at least the polynomial that stands for going on. Since the rule was made from other paths, the mean is a
 * lower bound of the price.
 *
 * `given` has MC_RULE reals a step: the discount factor, then the line S -> t and the polynomial in t. Payoffs are discounted here. Greeks
 * hold the rule, which is right at first order for the best one; the control is the payoff times the part of the time that had passed.
 * Gamma: the payoff is homogeneous, so it is the strike times the derivative of the discounted probability of being paid, by the score of
 * the first step.
 */
#include "kernels/montecarlo/sample.h"

typedef struct american_path {
  R x, alive, first_z;
  R payoff, part, delta, mean, deviation, paid;
} american_path;

FUNCTION american_path american_begin(void) {
  american_path a;
  a.x = a.payoff = a.part = a.delta = a.mean = a.deviation = a.paid = a.first_z = ALL(0);
  a.alive = ALL(1);
  return a;
}

FUNCTION void american_step(american_path *a, const mc_path_params p, GLOBAL const real *rule, R z, u32 step, int greeks) {
  a->x = FMA(ALL(p.width), z, a->x + ALL(p.drift));
  R s = r_exp2_plain(a->x), pay = MAX(FMA(ALL(p.scale), s, ALL(p.shift)), ALL(0));
  R t = FMA(s, ALL(rule[1]), ALL(rule[2]));
  R going_on = FMA(FMA(FMA(ALL(rule[6]), t, ALL(rule[5])), t, ALL(rule[4])), t, ALL(rule[3]));
  R stops = SELECT(pay >= MAX(going_on, ALL(RC(1e-30))), a->alive, ALL(0));
  real discount = rule[0], time = (real)step / (real)p.steps;
  R now = stops * discount;
  a->alive = a->alive - stops;
  a->payoff = FMA(now, pay, a->payoff);
  if (greeks) {
    real by_deviation = RC(1.0) / (real)p.deviation;
    R slope = now * ALL(p.scale) * s, w = FMA(a->x, ALL(LN2 * by_deviation), ALL(-(real)p.mean * time * by_deviation));
    if (step == 1) a->first_z = z;
    a->part = FMA(now * pay, ALL(time), a->part);
    a->delta = a->delta + slope;
    a->mean = FMA(slope, ALL(time), a->mean);
    a->deviation = FMA(slope, w, a->deviation);
    a->paid = a->paid + now;
  }
}

FUNCTION mc_sample american_end(const mc_path_params p, american_path a) {
  mc_sample out;
  out.payoff = a.payoff;
  out.control = a.part;
  out.delta = a.delta;
  out.mean = a.mean;
  out.deviation = a.deviation;
  out.gamma = (a.paid * -ALL(p.shift)) * (a.first_z * ((real)p.root_steps / (real)p.deviation));
  return out;
}

FUNCTION mc_sample american_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  american_path a = american_begin(), mirror = a;
  for (u32 block = 0; BLOCK * block < p.steps; block++) {
    R z[BLOCK];
    block_shocks(p, given, sample, block, BLOCK, z);
    for (u32 k = 0; k < BLOCK; k++) {
      u32 step = BLOCK * block + k;
      if (step < p.steps) {
        american_step(&a, p, given + MC_RULE * step, z[k], step + 1, greeks);
        if (p.antithetic) american_step(&mirror, p, given + MC_RULE * step, -z[k], step + 1, greeks);
      }
    }
  }
  mc_sample out = american_end(p, a);
  return p.antithetic ? sample_mean(out, american_end(p, mirror)) : out;
}

MC_KERNEL(mc_american, MC_PRICE_SUMS, american_sample)
MC_KERNEL(mc_american_greeks, MC_GREEKS_SUMS, american_sample)
