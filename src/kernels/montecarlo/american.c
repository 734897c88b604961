/* SPDX-License-Identifier: MIT */
/*
 * American options under geometric Brownian motion (mc_exercise of walk.c has the other models) and a rule of exercise that was found
 * beforehand (Longstaff and Schwartz 2001; src/quant/montecarlo_american.c): a path ends where the payoff is at least the polynomial that
 * stands for going on. Since the rule was made from other paths, the mean is a lower bound of the price.
 *
 * `given` has MC_RULE reals a step (path.h). Payoffs are discounted here. There
 * are no Greeks of a path: where it ends jumps as the price or a parameter moves, and what it is paid then jumps too.
 */
#include "kernels/montecarlo/sample.h"

typedef struct american_path {
  R x, alive, payoff;
} american_path;

FUNCTION american_path american_begin(void) {
  american_path a;
  a.x = a.payoff = ALL(0);
  a.alive = ALL(1);
  return a;
}

FUNCTION void american_step(american_path *a, const mc_path_params p, GLOBAL const real *rule, R z) {
  a->x = FMA(ALL(p.width), z, a->x + ALL(p.drift));
  R s = r_exp2_plain(a->x), pay = MAX(FMA(ALL(p.scale), s, ALL(p.shift)), ALL(0));
  GLOBAL const real *c = rule + MC_RULE_TERMS;
  R t = FMA(s, ALL(rule[MC_RULE_SLOPE]), ALL(rule[MC_RULE_SHIFT]));
  R going_on = FMA(FMA(FMA(ALL(c[3]), t, ALL(c[2])), t, ALL(c[1])), t, ALL(c[0]));
  R stops = SELECT(pay >= MAX(going_on, ALL(RC(1e-30))), a->alive, ALL(0));
  a->alive = a->alive - stops;
  a->payoff = FMA(stops * rule[MC_RULE_DISCOUNT], pay, a->payoff);
}

FUNCTION mc_sample american_end(american_path a) {
  mc_sample out;
  out.payoff = a.payoff;
  out.control = out.delta = out.mean = out.deviation = out.gamma = out.time = ALL(0);
  return out;
}

FUNCTION mc_sample american_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  (void)greeks;
  american_path a = american_begin(), mirror = a;
#if LANES > 1
  const u32 together = RANDOM_AT_ONCE;
  R z[BLOCK * RANDOM_AT_ONCE];
#else
  const u32 together = 1;
  R z[BLOCK];
#endif
  for (u32 first = 0; first < p.steps; first += BLOCK * together) {
    u32 count = p.steps - first < BLOCK * together ? p.steps - first : BLOCK * together;
#if LANES > 1
    random_many_normals(LANE((u32)sample), first / BLOCK, (u32)(sample >> 32), 0, p.key, (count + BLOCK - 1) / BLOCK, z);
#else
    block_shocks(p, given, sample, first / BLOCK, BLOCK, z);
#endif
    for (u32 k = 0; k < count; k++) {
      GLOBAL const real *rule = given + MC_RULE * (first + k);
      american_step(&a, p, rule, z[k]);
      if (p.antithetic) american_step(&mirror, p, rule, -z[k]);
    }
  }
  mc_sample out = american_end(a);
  return p.antithetic ? sample_mean(out, american_end(mirror)) : out;
}

MC_KERNEL(mc_american, MC_PRICE_SUMS, american_sample)
