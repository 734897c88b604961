/* SPDX-License-Identifier: MIT */
/* What the path kernels share: shocks from counters or from a buffer, and the sums of a group. Included by kernels only. */
#ifndef ASSAY_KERNELS_MONTECARLO_SAMPLE_H
#define ASSAY_KERNELS_MONTECARLO_SAMPLE_H

#include "kernels/random.h"

#include "kernels/montecarlo/path.h"

/* Shocks that one block of four words makes. */
#define BLOCK NORMALS

FUNCTION void block_words(const mc_path_params p, u64 sample, u32 block, u32 stream, W words[4]) {
  random_words(LANE((u32)sample), block, (u32)(sample >> 32), stream, p.key, words);
}

/* The shocks of steps BLOCK block to BLOCK block + count - 1 for LANES samples. */
FUNCTION void block_shocks(const mc_path_params p, GLOBAL const real *given, u64 sample, u32 block, u32 count, R z[BLOCK]) {
  if (p.given) {
    for (u32 k = 0; k < BLOCK; k++) {
      z[k] = ALL(0);
      if (k < count) z[k] = LOAD(given, (BLOCK * block + k) * p.stride + (sample - p.first));
    }
  } else {
    W words[4];
    block_words(p, sample, block, 0, words);
    random_normals(words, z);
  }
}

FUNCTION void no_shocks(R z[BLOCK]) {
  for (int k = 0; k < BLOCK; k++) z[k] = ALL(0);
}

/* -2 ln U of uniform numbers of these steps, from rows behind those of the shocks. */
FUNCTION void block_radii(const mc_path_params p, GLOBAL const real *given, u64 sample, u32 block, u32 count, R radius2[BLOCK]) {
  if (p.given) {
    for (u32 k = 0; k < BLOCK; k++) {
      radius2[k] = ALL(0);
      if (k < count) radius2[k] = MAX(r_minus_2_log(LOAD(given, (p.steps + BLOCK * block + k) * p.stride + (sample - p.first))), ALL(0));
    }
  } else {
    W words[4];
    block_words(p, sample, block, 1, words);
    for (int k = 0; k < BLOCK; k++) radius2[k] = MAX(r_minus_2_log(random_uniform(words[k])), ALL(0));
  }
}

/* What a sample contributes; see the sums in path.h. */
typedef struct mc_sample {
  R payoff, control, delta, mean, deviation, gamma, time;
} mc_sample;

FUNCTION mc_sample sample_mean(mc_sample a, mc_sample b) {
  mc_sample mean;
  mean.payoff = (a.payoff + b.payoff) * RC(0.5);
  mean.control = (a.control + b.control) * RC(0.5);
  mean.delta = (a.delta + b.delta) * RC(0.5);
  mean.mean = (a.mean + b.mean) * RC(0.5);
  mean.deviation = (a.deviation + b.deviation) * RC(0.5);
  mean.gamma = (a.gamma + b.gamma) * RC(0.5);
  mean.time = (a.time + b.time) * RC(0.5);
  return mean;
}

/* 1 where sample number first + lane exists, 0 elsewhere. */
FUNCTION R sample_exists(u64 samples, u64 first) {
  u64 left = samples > first ? samples - first : 0;
  R weight = ALL(0);
#if LANES == 1
  weight = left > 0 ? RC(1.0) : RC(0.0);
#else
  for (u32 lane = 0; lane < LANES; lane++) weight[lane] = left > lane ? RC(1.0) : RC(0.0);
#endif
  return weight;
}

/* A payoff may be infinite or NaN in a lane that does not count, if its shocks were never written. */
FUNCTION R keep(R weight, R value) { return SELECT(weight > RC(0.0), value, ALL(0)); }

FUNCTION void sample_keep(mc_sample *s, R weight) {
  s->payoff = keep(weight, s->payoff);
  s->control = keep(weight, s->control);
  s->delta = keep(weight, s->delta);
  s->mean = keep(weight, s->mean);
  s->deviation = keep(weight, s->deviation);
  s->gamma = keep(weight, s->gamma);
  s->time = keep(weight, s->time);
}

/* Where a sum is, or the first where a kernel has none of it, so that no index is out of bounds. */
#define MC_SUM_OF(SUMS, sum) ((sum) < (SUMS) ? (sum) : 0)

/* The frame of a kernel: SUMS sums over all draws of a group, each sample made by SAMPLE(p, given, number, GREEKS). */
#define MC_KERNEL(name, SUMS, SAMPLE)                                                                                                \
  KERNEL2(name, mc_path_params, GLOBAL double *, sums, GLOBAL const real *, given) {                                                 \
    LOCAL_ARRAY(double, totals, (SUMS)*GROUP_SIZE);                                                                                  \
    ITEMS(i) {                                                                                                                       \
      D total[SUMS];                                                                                                                 \
      for (int s = 0; s < (SUMS); s++) total[s] = ALL_D(0);                                                                          \
      for (u32 draw = 0; draw < p.draws; draw++) {                                                                                   \
        u64 number = p.first + ((u64)draw * p.groups + GROUP) * GROUP_SIZE + i;                                                      \
        mc_sample sample = SAMPLE(p, given, number, (SUMS) > MC_PRICE_SUMS);                                                         \
        if (number + LANES > p.samples) sample_keep(&sample, sample_exists(p.samples, number));                                      \
        total[MC_SUM_PAYOFF] = total[MC_SUM_PAYOFF] + WIDEN(sample.payoff);                                                          \
        total[MC_SUM_SQUARE] = total[MC_SUM_SQUARE] + WIDEN(sample.payoff * sample.payoff);                                          \
        total[MC_SUM_CONTROL] = total[MC_SUM_CONTROL] + WIDEN(sample.control);                                                       \
        total[MC_SUM_CONTROL_SQUARE] = total[MC_SUM_CONTROL_SQUARE] + WIDEN(sample.control * sample.control);                        \
        total[MC_SUM_PRODUCT] = total[MC_SUM_PRODUCT] + WIDEN(sample.payoff * sample.control);                                       \
        if ((SUMS) > MC_PRICE_SUMS) {                                                                                                \
          total[MC_SUM_OF(SUMS, MC_SUM_DELTA)] = total[MC_SUM_OF(SUMS, MC_SUM_DELTA)] + WIDEN(sample.delta);                         \
          total[MC_SUM_OF(SUMS, MC_SUM_MEAN)] = total[MC_SUM_OF(SUMS, MC_SUM_MEAN)] + WIDEN(sample.mean);                            \
          total[MC_SUM_OF(SUMS, MC_SUM_DEVIATION)] = total[MC_SUM_OF(SUMS, MC_SUM_DEVIATION)] + WIDEN(sample.deviation);             \
          total[MC_SUM_OF(SUMS, MC_SUM_GAMMA)] = total[MC_SUM_OF(SUMS, MC_SUM_GAMMA)] + WIDEN(sample.gamma);                         \
        }                                                                                                                            \
        if ((SUMS) > MC_GREEKS_SUMS) total[MC_SUM_OF(SUMS, MC_SUM_TIME)] = total[MC_SUM_OF(SUMS, MC_SUM_TIME)] + WIDEN(sample.time); \
      }                                                                                                                              \
      for (int s = 0; s < (SUMS); s++) STORE_D(totals, GROUP_SIZE *s + i, total[s]);                                                 \
    }                                                                                                                                \
    for (int s = 0; s < (SUMS); s++) {                                                                                               \
      double sum = tree_sum(&totals[GROUP_SIZE * s]);                                                                                \
      LEADER sums[(SUMS)*GROUP + s] = sum;                                                                                           \
    }                                                                                                                                \
  }

#define LN2 RC(0.693147180559945309417)

#endif
