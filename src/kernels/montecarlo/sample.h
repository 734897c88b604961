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

/*
 * ADD_D(sum, r) adds lanes to a sum in doubles. Doubles of all lanes of floats are two registers, which gcc takes through memory as one
 * value each time; so the halves are added.
 */
#if REAL_BITS == 32 && LANES > 1 && !defined(ASSAY_OPENCL)
typedef double half_d __attribute__((vector_size(VECTOR_BYTES), may_alias));
#if defined(__AVX512F__)
#define WIDEN_LOWER(r) ((half_d)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)(r))))
#define WIDEN_UPPER(r) ((half_d)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)(r), 1)))
#elif defined(__AVX2__)
#define WIDEN_LOWER(r) ((half_d)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)(r))))
#define WIDEN_UPPER(r) ((half_d)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)(r), 1)))
#elif defined(__x86_64__)
#define WIDEN_LOWER(r) ((half_d)_mm_cvtps_pd((__m128)(r)))
#define WIDEN_UPPER(r) ((half_d)_mm_cvtps_pd(_mm_movehl_ps((__m128)(r), (__m128)(r))))
#else
#define WIDEN_LOWER(r) ((half_d)vcvt_f64_f32(vget_low_f32((float32x4_t)(r))))
#define WIDEN_UPPER(r) ((half_d)vcvt_high_f64_f32((float32x4_t)(r)))
#endif
FUNCTION void add_halves(D *sum, R r) {
  half_d *halves = (half_d *)sum;
  halves[0] = halves[0] + WIDEN_LOWER(r);
  halves[1] = halves[1] + WIDEN_UPPER(r);
}
#define ADD_D(sum, r) add_halves(&(sum), (r))
#else
#define ADD_D(sum, r) ((void)((sum) = (sum) + WIDEN(r)))
#endif

/* Where a sum is, or the first where a kernel has none of it, so that no index is out of bounds. */
#define MC_SUM_OF(SUMS, sum) ((sum) < (SUMS) ? (sum) : 0)

/* The frame of a kernel: SUMS sums over all draws of a group, each sample made by SAMPLE(p, given, number, GREEKS). */
#define MC_KERNEL(name, SUMS, SAMPLE) MC_KERNEL_OF(name, SUMS, (void)0, SAMPLE(p, given, number, (SUMS) > MC_PRICE_SUMS))

/* The same where a sample is an expression, which may look at `draw` and at what KEPT declares. */
#define MC_KERNEL_OF(name, SUMS, KEPT, SAMPLE)                                                  \
  KERNEL2(name, mc_path_params, GLOBAL double *, sums, GLOBAL const real *, given) {            \
    LOCAL_ARRAY(double, totals, (SUMS)*GROUP_SIZE);                                             \
    ITEMS(i) {                                                                                  \
      KEPT;                                                                                     \
      D total[SUMS];                                                                            \
      for (int s = 0; s < (SUMS); s++) total[s] = ALL_D(0);                                     \
      for (u32 draw = 0; draw < p.draws; draw++) {                                              \
        u64 number = p.first + ((u64)draw * p.groups + GROUP) * GROUP_SIZE + i;                 \
        mc_sample sample = SAMPLE;                                                              \
        if (number + LANES > p.samples) sample_keep(&sample, sample_exists(p.samples, number)); \
        ADD_D(total[MC_SUM_PAYOFF], sample.payoff);                                             \
        ADD_D(total[MC_SUM_SQUARE], sample.payoff *sample.payoff);                              \
        ADD_D(total[MC_SUM_CONTROL], sample.control);                                           \
        ADD_D(total[MC_SUM_CONTROL_SQUARE], sample.control *sample.control);                    \
        ADD_D(total[MC_SUM_PRODUCT], sample.payoff *sample.control);                            \
        if ((SUMS) > MC_PRICE_SUMS) {                                                           \
          ADD_D(total[MC_SUM_OF(SUMS, MC_SUM_DELTA)], sample.delta);                            \
          ADD_D(total[MC_SUM_OF(SUMS, MC_SUM_MEAN)], sample.mean);                              \
          ADD_D(total[MC_SUM_OF(SUMS, MC_SUM_DEVIATION)], sample.deviation);                    \
          ADD_D(total[MC_SUM_OF(SUMS, MC_SUM_GAMMA)], sample.gamma);                            \
        }                                                                                       \
        if ((SUMS) > MC_GREEKS_SUMS) ADD_D(total[MC_SUM_OF(SUMS, MC_SUM_TIME)], sample.time);   \
      }                                                                                         \
      for (int s = 0; s < (SUMS); s++) STORE_D(totals, GROUP_SIZE *s + i, total[s]);            \
    }                                                                                           \
    for (int s = 0; s < (SUMS); s++) {                                                          \
      double sum = tree_sum(&totals[GROUP_SIZE * s]);                                           \
      LEADER sums[(SUMS)*GROUP + s] = sum;                                                      \
    }                                                                                           \
  }

#define LN2 RC(0.693147180559945309417)

#endif
