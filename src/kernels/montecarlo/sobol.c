/* SPDX-License-Identifier: MIT */
/*
 * Sobol points, scrambled, as shocks of paths (src/quant/montecarlo_sobol.c says which and why). Everything up to the last reversal works
 * on words with their bits in reverse, where the scrambling's sums and products carry the right way.
 */
#include "kernels/normal.h"
#include "kernels/random.h"

#include "kernels/montecarlo/sobol.h"

#define ONLY_WORD(w) ((w)&ALL_W(0xFFFFFFFFu))
/* The lower half of a product of words. */
#if LANES > 1 && REAL_BITS == 64
#define WORD_TIMES(w, m) PHILOX_MULTIPLY((w), (m))
#else
#define WORD_TIMES(w, m) ((w)*ALL_W(m))
#endif

/* Points number `first` and so on: what differs from lane to lane is the lowest bits. */
FUNCTION W sobol_word(GLOBAL const u32 *row, u32 first, u32 bits) {
  u32 same = 0, own = 0;
  for (; 1u << own < LANES; own++) {
  }
  for (u32 bit = own; bit < bits; bit++) same ^= (0u - (first >> bit & 1u)) & row[bit];
  W word = ALL_W(same);
  for (u32 bit = 0; bit < own; bit++) word ^= (ALL_W(0) - ((LANE(0) >> bit) & ALL_W(1))) & ALL_W(row[bit]);
  return word;
}

/* Each bit is flipped by a hash of the bits below it. */
FUNCTION W sobol_scramble(W x, u32 seed) {
  x ^= WORD_TIMES(x, 0x3D20ADEAu);
  x = x + ALL_W(seed);
  x = WORD_TIMES(x, seed >> 16 | 1u);
  x ^= WORD_TIMES(x, 0x05526C56u);
  x ^= WORD_TIMES(x, 0x53A22864u);
  return ONLY_WORD(x);
}

FUNCTION W sobol_reverse(W x) {
  x = x << 16 | x >> 16;
  x = (x & ALL_W(0x00FF00FFu)) << 8 | ((x >> 8) & ALL_W(0x00FF00FFu));
  x = (x & ALL_W(0x0F0F0F0Fu)) << 4 | ((x >> 4) & ALL_W(0x0F0F0F0Fu));
  x = (x & ALL_W(0x33333333u)) << 2 | ((x >> 2) & ALL_W(0x33333333u));
  return (x & ALL_W(0x55555555u)) << 1 | ((x >> 1) & ALL_W(0x55555555u));
}

/* The normal number at (word + 1/2) / 2^32. The nearer tail's probability has all of its places in either precision; the sign follows. */
FUNCTION R sobol_normal(W word) {
  W upper = (word >> 31) & ALL_W(1), tail = (word ^ (ALL_W(0) - upper)) & ALL_W(0x7FFFFFFFu);
#if REAL_BITS == 32
  R p = FMA(SMALL_TO_REAL(INT_OF(tail)), ALL(0x1p-32f), ALL(0x1p-33f));
  return REAL_OF(BITS(r_normal_inverse(p)) ^ (upper << 31));
#else
  return REAL_OF(BITS(r_normal_inverse(random_uniform(tail))) ^ (WORDS_JOIN(upper, ALL_W(0)) << 31));
#endif
}

/* Coordinates that are made stage by stage, as in random_many_normals. */
#if LANES > 1
#define COORDINATES 16
#else
#define COORDINATES 1
#endif

/* A bridge's point, beside those that are there. */
FUNCTION void sobol_bridge(GLOBAL real *walk, GLOBAL const u32 *row, GLOBAL const real *point, u64 stride, int is_first, R z) {
  R w = z * ALL(point[2]);
  if (!is_first) {
    w = FMA(ALL(point[1]), LOAD(walk, (row[MC_SOBOL_RIGHT] - 1u) * stride), w);
    if (row[MC_SOBOL_LEFT] > 0) w = FMA(ALL(point[0]), LOAD(walk, (row[MC_SOBOL_LEFT] - 1u) * stride), w);
  }
  STORE(walk, (row[MC_SOBOL_AT] - 1u) * stride, w);
}

KERNEL3(mc_sobol, mc_sobol_params, GLOBAL const u32 *, table, GLOBAL const real *, bridge, GLOBAL real *, rows) {
  ITEMS(i) {
    u32 item = GROUP * GROUP_SIZE + i;
    GLOBAL real *here = rows + p.skip + item;
    u64 walk_stride = p.steps * p.stride;
    W words[COORDINATES];
    R z[COORDINATES];
    for (u32 first = 0; first < p.coordinates; first += COORDINATES) {
      u32 count = p.coordinates - first < COORDINATES ? p.coordinates - first : COORDINATES;
      for (u32 k = 0; k < count; k++) {
        GLOBAL const u32 *row = table + MC_SOBOL_ROW * (first + k);
        words[k] = sobol_reverse(sobol_scramble(sobol_word(row, p.first + item, p.bits), row[MC_SOBOL_SEED]));
      }
      for (u32 k = 0; k < count; k++) z[k] = first + k < p.walks * p.steps ? sobol_normal(words[k]) : random_uniform(words[k]);
      for (u32 k = 0; k < count; k++) {
        u32 c = first + k;
        if (c < p.walks * p.steps) {
          GLOBAL const real *point = bridge + MC_SOBOL_BRIDGE * (c / p.walks);
          sobol_bridge(here + (c % p.walks) * walk_stride, table + MC_SOBOL_ROW * c, point, p.stride, c < p.walks, z[k]);
        } else {
          STORE(here, c * p.stride, z[k]);
        }
      }
    }
    for (u32 w = 0; w < p.walks; w++) {
      GLOBAL real *walk = here + w * walk_stride;
      for (u32 s = p.steps - 1; s > 0; s--) STORE(walk, s * p.stride, LOAD(walk, s * p.stride) - LOAD(walk, (s - 1) * p.stride));
    }
  }
}
