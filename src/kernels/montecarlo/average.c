/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic Asian options and nothing besides (no control, mirror images, Greeks or shocks from outside): what is asked for most, in the
 * fewest operations. Samples have the numbers of asian.c.
 *
 * A step multiplies the underlying by e^(m + w z). For small w a polynomial in z does instead of an exponential: its Hermite series
 * e^(m + w^2/2) sum over k of w^k / k! He_k(z), cut off. As the He_k are orthogonal, the cut series has the right expectation, and as steps
 * are independent, so has their product; what is left out of a step has mean 0 and deviation w^(d+1) / sqrt((d+1)!) behind degree d.
 */
#include "kernels/montecarlo/sample.h"

#if REAL_BITS == 32
#define DEGREE MC_AVERAGE_DEGREE_F32
#else
#define DEGREE MC_AVERAGE_DEGREE_F64
#endif

typedef struct average_path {
  R spot, sum;
} average_path;

FUNCTION void average_step(const mc_path_params p, R z, average_path *path) {
  R factor = ALL(p.model[DEGREE]);
  UNROLL
  for (int k = DEGREE - 1; k >= 0; k--) factor = FMA(factor, z, ALL(p.model[k]));
  path->spot = path->spot * factor;
  path->sum = path->sum + path->spot;
}

/* The sample `base` + i. `base` is a multiple of GROUP_SIZE, so its upper word is the same for a group, and much of Philox' first rounds.
 */
FUNCTION R average_payoff(const mc_path_params p, u64 base, u32 i) {
  average_path path;
  path.spot = ALL(1);
  path.sum = ALL(0);
#if LANES > 1
  R z[BLOCK * RANDOM_AT_ONCE];
  for (u32 step = 0; step < p.steps; step += BLOCK * RANDOM_AT_ONCE) {
    u32 count = p.steps - step < BLOCK * RANDOM_AT_ONCE ? p.steps - step : BLOCK * RANDOM_AT_ONCE;
    random_many_normals(LANE((u32)base + i), step / BLOCK, (u32)(base >> 32), 0, p.key, (count + BLOCK - 1) / BLOCK, z);
    for (u32 k = 0; k < count; k++) average_step(p, z[k], &path);
  }
#else
  W words[4];
  R z[BLOCK];
  u32 full = p.steps / BLOCK, rest = p.steps % BLOCK;
  for (u32 block = 0; block < full; block++) {
    random_words(LANE((u32)base + i), block, (u32)(base >> 32), 0, p.key, words);
    random_normals(words, z);
    UNROLL
    for (u32 k = 0; k < BLOCK; k++) average_step(p, z[k], &path);
  }
  if (rest > 0) {
    random_words(LANE((u32)base + i), full, (u32)(base >> 32), 0, p.key, words);
    random_normals(words, z);
    for (u32 k = 0; k < rest; k++) average_step(p, z[k], &path);
  }
#endif
  return MAX(FMA(ALL(p.scale), path.sum * (RC(1.0) / (real)p.steps), ALL(p.shift)), ALL(0));
}

KERNEL1(mc_average, mc_path_params, GLOBAL double *, sums) {
  LOCAL_ARRAY(double, totals, MC_AVERAGE_SUMS *GROUP_SIZE);
  ITEMS(i) {
    D total = ALL_D(0), squares = ALL_D(0);
    for (u32 draw = 0; draw < p.draws; draw++) {
      u64 base = ((u64)draw * p.groups + GROUP) * GROUP_SIZE;
      R payoff = average_payoff(p, base, i);
      if (base + i + LANES > p.samples) payoff = keep(sample_exists(p.samples, base + i), payoff);
      total = total + WIDEN(payoff);
      squares = squares + WIDEN(payoff * payoff);
    }
    STORE_D(totals, i, total);
    STORE_D(totals, GROUP_SIZE + i, squares);
  }
  for (int s = 0; s < MC_AVERAGE_SUMS; s++) {
    double sum = tree_sum(&totals[GROUP_SIZE * s]);
    LEADER sums[MC_AVERAGE_SUMS * GROUP + s] = sum;
  }
}
