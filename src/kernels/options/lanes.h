/* SPDX-License-Identifier: MIT */
/* What the kernels of options share. Included by kernels only. */
#ifndef ASSAY_KERNELS_OPTIONS_LANES_H
#define ASSAY_KERNELS_OPTIONS_LANES_H

#include "kernels/normal.h"

#include "kernels/options/options.h"

#if REAL_BITS == 64

/* A NaN in spot, time or an exponent makes NaN of all that comes of it; so the strike is the one that MIN and MAX must not swallow. */
FUNCTION M option_in_range(R spot, R strike, R time, R exponent) {
  R most = MAX(MAX(spot, time), strike), least = MIN(MIN(spot, time), strike);
  return (most <= OPTION_LARGEST) & (least >= OPTION_SMALLEST) & (exponent <= OPTION_EXPONENT);
}

/*
 * ln(a / b) of positive normal numbers, 2 ulp, also near 0 where a and b are close: a / b itself is never rounded. b 2^e is within a factor
 * of 1.5 of a, found from the bits (which are nearly a logarithm), and ln(a / b') = 2 atanh(s) with s = (a - b') / (a + b'), |s| <= 0.2001.
 * Coefficients: tools/coefficients.sollya.
 */
COEFFICIENTS(option_log_c) = {0x1.1b75928799d54p-3, 0x1.0dcd50a6c0f7cp-3, 0x1.3b35a76777094p-3, 0x1.745c4b977115fp-3, 0x1.c71c748ce6f3fp-3,
                              0x1.24924921e6fe5p-2, 0x1.999999999c15bp-2, 0x1.555555555554fp-1, 0x1.ef35793c7673p-45, 0x1.62e42fefa38p-1};
FUNCTION R option_log_ratio(R a, R b) {
  U power = (BITS(a) - BITS(b) + (0x4000000000000000ul + 0x0008000000000000ul)) >> 52; /* e + 1024 */
  R e = BIASED_TO_REAL(power, 1024), scaled = REAL_OF(BITS(b) + ((power - 1024u) << 52));
  R s = (a - scaled) / (a + scaled), w = s * s;
  R p = FMA(ALL(option_log_c[0]), w, ALL(option_log_c[1]));
  p = FMA(p, w, ALL(option_log_c[2]));
  p = FMA(p, w, ALL(option_log_c[3]));
  p = FMA(p, w, ALL(option_log_c[4]));
  p = FMA(p, w, ALL(option_log_c[5]));
  p = FMA(p, w, ALL(option_log_c[6]));
  p = FMA(p, w, ALL(option_log_c[7]));
  return FMA(e, ALL(option_log_c[9]), FMA(ALL(2.0), s, FMA(s * w, p, e * ALL(option_log_c[8]))));
}

/*
 * Runs `what` for every lane of items i that exists. In lanes a tile is nearly always whole; then two vectors may go together without a
 * question between them, so that a compiler can put one's instructions between the other's.
 */
#if defined(ASSAY_OPENCL)
#define UNROLL_2
#elif defined(__clang__)
#define UNROLL_2 _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL_2 _Pragma("GCC unroll 2")
#endif
#if LANES > 1
#define OPTION_ITEMS(what)                                    \
  if ((u64)(GROUP + 1) * GROUP_SIZE <= p.count) {             \
    UNROLL_2 ITEMS(i) what;                                   \
  } else {                                                    \
    ITEMS(i) if ((u64)GROUP * GROUP_SIZE + i < p.count) what; \
  }
#else
#define OPTION_ITEMS(what) ITEMS(i) if ((u64)GROUP * GROUP_SIZE + i < p.count) what;
#endif
#define OPTION_PHASE(what) \
  OPTION_ITEMS(what)       \
  BARRIER

/* The same for a `what` that knows whether `flag` is set as the constant `by`: one loop each. */
#define OPTION_PHASE_BY(flag, what) \
  if (flag) {                       \
    enum { by = 1 };                \
    OPTION_ITEMS(what)              \
  } else {                          \
    enum { by = 0 };                \
    OPTION_ITEMS(what)              \
  }                                 \
  BARRIER

/* Between the phases a quantity's array is longer than a group: where all lay a power of two apart, they would share a few sets of the
 * first cache. */
#define BETWEEN_SIZE (GROUP_SIZE + 16)
#define BETWEEN_AT(quantity, i) ((quantity)*BETWEEN_SIZE + (i))

/* Where the quantities of a group's options are. */
typedef struct option_in {
  GLOBAL const real *at[OPTION_INPUTS];
} option_in;

FUNCTION option_in option_in_of(const option_params *p, GLOBAL const real *all, u32 group) {
  option_in in;
  UNROLL_10
  for (u32 q = 0; q < OPTION_INPUTS; q++)
    in.at[q] = p->in_at[q] != 0 ? (GLOBAL const real *)p->in_at[q] : all + ((u64)group * OPTION_INPUTS + q) * GROUP_SIZE;
  return in;
}

/* And where the results go. */
typedef struct option_out {
  GLOBAL real *at[OPTION_ALL_OUTPUTS];
} option_out;

FUNCTION option_out option_out_of(const option_params *p, GLOBAL real *all, u32 group, u32 outputs) {
  option_out out;
  UNROLL_10
  for (u32 q = 0; q < outputs; q++)
    out.at[q] = p->out_at[q] != 0 ? (GLOBAL real *)p->out_at[q] : all + ((u64)group * outputs + q) * GROUP_SIZE;
  return out;
}

#define OPTION_NAN REAL_OF(ALL_U(0x7FF8000000000000ul))

#endif

#endif
