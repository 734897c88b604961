/* SPDX-License-Identifier: MIT */
/* The values below a limit, packed together. */
#include "kernels/dialect.h"

#include "kernels/risk/keep.h"

/* x * 0 is NaN for what is not finite. */
FUNCTION u32 keep_some(GLOBAL const real *values, u64 begin, u64 end, u64 stride, real limit, GLOBAL real *kept) {
  u32 at = 0;
  real poison = RC(0.0);
  for (u64 k = begin; k < end; k += stride) {
    real value = values[k];
    poison = poison + value * RC(0.0);
    kept[at] = value;
    at += value <= limit ? 1 : 0;
  }
  return poison == RC(0.0) ? at : RISK_KEEP_BAD;
}

#if defined(__AVX2__) && REAL_BITS == 64 && LANES > 1 && !defined(ASSAY_OPENCL)

#if !defined(__AVX512F__)
/* Which pairs of 32-bit words move to the front, for each of 16 masks of four doubles; made once a group, in 40 ns. */
FUNCTION void make_moves(u32 moves[16][8]) {
  for (u32 mask = 0; mask < 16; mask++) {
    u32 at = 0;
    for (u32 lane = 0; lane < 4; lane++) {
      moves[mask][2 * at] = 2 * lane;
      moves[mask][2 * at + 1] = 2 * lane + 1;
      at += mask >> lane & 1;
    }
    for (; at < 4; at++) moves[mask][2 * at] = moves[mask][2 * at + 1] = 0;
  }
}
#endif

FUNCTION u32 keep_group(const real *values, u64 begin, u64 end, real limit, real *kept) {
  u32 at = 0;
  u64 k = begin;
  R poison = ALL(0);
#if defined(__AVX512F__)
  __m512d most = _mm512_set1_pd(limit);
  for (; k + 8 <= end; k += 8) {
    __m512d v = _mm512_loadu_pd(values + k);
    __mmask8 mask = _mm512_cmp_pd_mask(v, most, _CMP_LE_OQ);
    poison = FMA((R)v, ALL(0), poison);
    _mm512_storeu_pd(kept + at, _mm512_maskz_compress_pd(mask, v));
    at += (u32)__builtin_popcount(mask);
  }
#else
  u32 moves[16][8] __attribute__((aligned(32)));
  make_moves(moves);
  __m256d most = _mm256_set1_pd(limit);
  for (; k + 4 <= end; k += 4) {
    __m256d v = _mm256_loadu_pd(values + k);
    u32 mask = (u32)_mm256_movemask_pd(_mm256_cmp_pd(v, most, _CMP_LE_OQ));
    poison = FMA((R)v, ALL(0), poison);
    __m256i packed = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(v), _mm256_load_si256((const __m256i *)(const void *)moves[mask]));
    _mm256_storeu_pd(kept + at, _mm256_castsi256_pd(packed));
    at += (u32)__builtin_popcount(mask);
  }
#endif
  u32 rest = keep_some(values, k, end, 1, limit, kept + at);
  for (u32 lane = 0; lane < LANES; lane++) {
    if (!(poison[lane] == 0)) rest = RISK_KEEP_BAD;
  }
  return rest == RISK_KEEP_BAD ? rest : at + rest;
}
#define KEEP_GROUP(values, begin, end, limit, kept) keep_group(values, begin, end, limit, kept)
#else
#define KEEP_GROUP(values, begin, end, limit, kept) keep_some(values, begin, end, 1, limit, kept)
#endif

KERNEL3(risk_keep, risk_keep_params, GLOBAL const real *, values, GLOBAL real *, kept, GLOBAL u32 *, counts) {
  u64 span = (u64)p.each * GROUP_SIZE, begin = p.begin + GROUP * span;
  u64 end = begin + span < p.count ? begin + span : p.count;
  GLOBAL real *to = kept + GROUP * span;
#if LANES == 1
  ITEMS(i) {
    counts[GROUP * GROUP_SIZE + i] =
        begin + i < end ? keep_some(values, begin + i, end, GROUP_SIZE, (real)p.limit, to + (u64)i * p.each) : 0;
  }
#else
  counts[GROUP * GROUP_SIZE] = begin < end ? KEEP_GROUP(values, begin, end, (real)p.limit, to) : 0;
  for (u32 i = 1; i < GROUP_SIZE; i++) counts[GROUP * GROUP_SIZE + i] = 0;
#endif
}
