/* SPDX-License-Identifier: MIT */
/*
 * Any payoff under any model, looked at after each step. What the faster kernels of asian.c and extremes.c cannot do comes here: jumps,
 * stochastic variance, and barriers and extremes that are watched at steps only.
 *
 * Merton: the number of a step's jumps by inverting the Poisson distribution. Heston: the quadratic-exponential scheme with martingale
 * correction (Andersen 2008, Simple and efficient simulation of the Heston stochastic volatility model; gamma1 = gamma2 = 1/2, psi_c =
 * 3/2).
 *
 * Given variance and jumps, the end is lognormal, with the shocks' part of its logarithm normal(0, V): the score of the spot is that part
 * over V, whatever the model.
 */
#include "kernels/montecarlo/sample.h"

typedef struct walk {
  R x, v;                   /* x in binary logarithms; v: variance (Heston) */
  R sum, logs, most, least; /* of S, x; extremes of x, the start included */
  R shocks, spread;         /* the shocks' part of ln S, and its variance given v and jumps */
} walk;

FUNCTION walk walk_begin(const mc_path_params p) {
  walk a;
  a.x = a.sum = a.logs = a.most = a.least = a.shocks = ALL(0);
  a.v = ALL(p.model[0]);
  a.spread = ALL(p.walk_model == MC_WALK_HESTON ? RC(0.0) : (real)p.deviation * (real)p.deviation);
  return a;
}

FUNCTION R jumps_of(const mc_path_params p, R u, R z) {
  real each = (real)p.model[0], term = (real)p.model[1], sum = term;
  R count = ALL(0);
  for (u32 k = 1; k <= p.jumps; k++) {
    count = count + SELECT(u > ALL(sum), ALL(1), ALL(0));
    term *= each / (real)k;
    sum += term;
  }
  return FMA(count, ALL(p.model[2]), SQRT(count) * z * (real)p.model[3]);
}

/* So little spread that the shock is lost in the rounding of what it is added to, and so much that its inverse is a number. */
#if REAL_BITS == 32
#define LEAST_PSI RC(1e-20)
#else
#define LEAST_PSI RC(1e-60)
#endif

/*
 * Variance after the step, and the constant of the logarithm's step that keeps the discounted price a martingale. A variance that nothing
 * spreads goes to its mean; so it stays at 0 once it is there when its mean in the long run is 0.
 */
FUNCTION R next_variance(const mc_path_params p, R v, R z, R u, R *k0) {
  real k1 = (real)p.model[4], k2 = (real)p.model[5], k3 = (real)p.model[6], a_bound = k2 + RC(0.5) * k3;
  R one = ALL(1);
  R mean = FMA(v, ALL(p.model[1]), ALL(p.model[7])), m = MAX(mean, ALL(RC(1e-10)));
  R s2 = FMA(v, ALL(p.model[2]), ALL(p.model[3]));
  R psi = MAX(s2 / (m * m), ALL(LEAST_PSI));
  /* Quadratic: a (b + z)^2. */
  R inverse = ALL(2) / psi, root = MAX(inverse - one, ALL(0));
  R b2 = root + SQRT(inverse) * SQRT(root), a = m / (one + b2), b = SQRT(b2) + z;
  R quadratic = a * b * b;
  R room = FMA(a, ALL(RC(-2.0) * a_bound), one);
  R quadratic_k0 = FMA(r_log(MAX(room, ALL(RC(1e-30)))), ALL(RC(0.5)), -(b2 * a * a_bound) / room);
  /* Exponential: 0 with probability 1 - tail, else exponential with the mean 1 / beta. */
  R tail = ALL(2) / (psi + one), beta = tail / m;
  R exponential = SELECT(u < tail, r_log(MAX(tail / u, one)) / beta, ALL(0));
  R moment = (one - tail) + beta * tail / (beta - a_bound);
  R exponential_k0 = -r_log(MAX(moment, ALL(RC(1e-30))));
  /* Where the moment does not exist, the constant without correction: -rho kappa theta dt / xi. */
  M is_quadratic = psi <= RC(1.5);
  R room_left = SELECT(is_quadratic, room, beta - a_bound);
  R now = v * (k1 + RC(0.5) * k3), corrected = SELECT(is_quadratic, quadratic_k0, exponential_k0) - now;
  M is_spread = s2 > RC(0.0);
  *k0 = SELECT(is_spread, SELECT(room_left > RC(0.0), corrected, ALL(p.uncorrected)), -(mean * a_bound) - now);
  return SELECT(is_spread, SELECT(is_quadratic, quadratic, exponential), mean);
}

/* z: shock of the price (and of nothing else under GBM); z2: of jumps or variance; u uniform. */
FUNCTION void walk_step(walk *a, const mc_path_params p, R z, R z2, R u) {
  if (p.walk_model == MC_WALK_HESTON) {
    R k0, v = next_variance(p, a->v, z2, u, &k0);
    R spread = (a->v + v) * (real)p.model[6], shock = SQRT(spread) * z;
    R step = k0 + FMA(a->v, ALL(p.model[4]), FMA(v, ALL(p.model[5]), shock));
    a->x = a->x + FMA(step, ALL(RC(1.0) / LN2), ALL(p.drift));
    a->v = v;
    a->shocks = a->shocks + shock;
    a->spread = a->spread + spread;
  } else {
    a->x = FMA(ALL(p.width), z, a->x + ALL(p.drift));
    a->shocks = FMA(ALL((real)p.width * LN2), z, a->shocks);
    if (p.walk_model == MC_WALK_MERTON) a->x = a->x + jumps_of(p, u, z2);
  }
  /* Far out only by an extreme draw of the variance; the price is limited to where single precision has it. */
  a->x = MIN(MAX(a->x, ALL(-120)), ALL(120));
  if (p.kind & MC_WALK_AVERAGE) a->sum = a->sum + r_exp2_plain(a->x);
  a->logs = a->logs + a->x;
  a->most = MAX(a->most, a->x);
  a->least = MIN(a->least, a->x);
}

FUNCTION mc_sample walk_end(const mc_path_params p, walk a, int greeks) {
  mc_sample out;
  R nothing = ALL(0), scale = ALL(p.scale), shift = ALL(p.shift), end = r_exp2_plain(a.x);
  u32 payoff = p.kind & MC_WALK_PAYOFF;
  out.delta = out.mean = out.deviation = out.gamma = nothing;
  out.control = end;
  R looked_at = end;
  if (payoff == MC_WALK_ARITHMETIC) looked_at = a.sum * (RC(1.0) / (real)p.steps);
  if (payoff == MC_WALK_GEOMETRIC) looked_at = r_exp2_plain(a.logs * (RC(1.0) / (real)p.steps));
  if (payoff == MC_WALK_LOOKBACK) looked_at = r_exp2_plain(p.kind & MC_WALK_UP ? a.most : a.least);
  R in_money = FMA(scale, looked_at, shift);
  if (p.kind & MC_WALK_FLOATING) in_money = scale * (end - looked_at);
  R paid = SELECT(in_money > RC(0.0), ALL(1), nothing);
  out.payoff = MAX(in_money, nothing);
  if (payoff == MC_WALK_DIGITAL) out.payoff = paid * (real)p.payout;
  if (payoff == MC_WALK_BARRIER) {
    out.control = out.payoff;
    M touched = p.kind & MC_WALK_UP ? a.most >= ALL(p.barrier) : a.least <= ALL(p.barrier);
    R pays_then = p.kind & MC_WALK_IN ? out.payoff : nothing, pays_else = p.kind & MC_WALK_IN ? nothing : out.payoff;
    out.payoff = SELECT(touched, pays_then, pays_else);
  }
  if (greeks) {
    /* A path without spread has no density to differentiate; whoever reads GAMMA sees to it that there is none. */
    M is_spread = a.spread > RC(0.0);
    R score = SELECT(is_spread, a.shocks / a.spread, nothing), curvature = SELECT(is_spread, ALL(1) / a.spread, nothing);
    real by_deviation = RC(1.0) / (real)p.deviation;
    if (payoff == MC_WALK_DIGITAL) {
      out.delta = out.mean = out.payoff * score;
      out.gamma = out.payoff * (score * score - curvature - score);
      out.deviation = out.payoff * (a.shocks * score - ALL(1)) * by_deviation;
    } else {
      /* The payoff is homogeneous in the spot and what was shifted. */
      out.delta = p.kind & MC_WALK_FLOATING ? out.payoff : paid * scale * looked_at;
      out.mean = out.delta;
      out.deviation = out.delta * (a.shocks * by_deviation);
      out.gamma = paid * -shift * score;
    }
  }
  return out;
}

/* What is random about a step; z keeps a block's shocks between the steps that it is for. */
FUNCTION void step_random(const mc_path_params p, GLOBAL const real *given, u64 sample, u32 step, R z[BLOCK], R *shock, R *second, R *u) {
  *second = ALL(0);
  *u = ALL(RC(0.5));
  if (p.walk_model == MC_WALK_GBM) {
    u32 k = step % BLOCK;
    if (k == 0) block_shocks(p, given, sample, step / BLOCK, p.steps - step, z);
    *shock = k == 0 ? z[0] : k == 1 ? z[1] : k == 2 ? z[2] : z[3];
  } else {
    W words[4];
    block_words(p, sample, step, 0, words);
    box_muller(words[0], words[1], shock, second);
    *u = random_uniform(words[2]);
  }
}

FUNCTION mc_sample walk_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  R z[BLOCK];
  no_shocks(z);
  walk a = walk_begin(p), mirror = a;
  for (u32 step = 0; step < p.steps; step++) {
    R shock, second, u;
    step_random(p, given, sample, step, z, &shock, &second, &u);
    walk_step(&a, p, shock, second, u);
    if (p.antithetic) walk_step(&mirror, p, -shock, -second, u);
  }
  mc_sample out = walk_end(p, a, greeks);
  return p.antithetic ? sample_mean(out, walk_end(p, mirror, greeks)) : out;
}

MC_KERNEL(mc_walk, MC_PRICE_SUMS, walk_sample)
MC_KERNEL(mc_walk_greeks, MC_GREEKS_SUMS, walk_sample)

/* The prices on paths from p.first on, for whoever wants to see them: row s of `stride` reals is after step s (0: the start); a mirror
 * image is in the rows behind. */
KERNEL1(mc_paths, mc_path_params, GLOBAL real *, values) {
  ITEMS(i) {
    u64 column = (u64)GROUP * GROUP_SIZE + i, sample = p.first + column;
    R z[BLOCK], scale = ALL(p.scale);
    no_shocks(z);
    walk a = walk_begin(p), mirror = a;
    STORE(values, column, scale);
    if (p.antithetic) STORE(values, (p.steps + 1) * p.stride + column, scale);
    for (u32 step = 0; step < p.steps; step++) {
      R shock, second, u;
      step_random(p, values, sample, step, z, &shock, &second, &u);
      walk_step(&a, p, shock, second, u);
      STORE(values, (step + 1) * p.stride + column, scale * r_exp2_plain(a.x));
      if (p.antithetic) {
        walk_step(&mirror, p, -shock, -second, u);
        STORE(values, (p.steps + 1 + step + 1) * p.stride + column, scale * r_exp2_plain(mirror.x));
      }
    }
  }
}

/* The ends that european.c draws, in its order: row k has path NORMALS q + k of q = draw items + item; p.first is a multiple of a group. */
KERNEL1(mc_ends, mc_path_params, GLOBAL real *, values) {
  ITEMS(i) {
    u64 column = (u64)GROUP * GROUP_SIZE, number = p.first + column, items = (u64)p.groups * GROUP_SIZE;
    W words[4];
    R z[NORMALS];
    random_words(LANE((u32)(number % items) + i), (u32)(number / items), 0, 0, p.key, words);
    random_normals(words, z);
    for (int k = 0; k < NORMALS; k++) {
      STORE(values, k * p.stride + column + i, ALL(p.scale) * r_exp2_plain(ALL(p.drift)) * r_exp2_product(ALL(p.width), z[k]));
    }
  }
}
