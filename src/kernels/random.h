/* SPDX-License-Identifier: MIT */
/*
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). The words
 * of a counter under a key are a pure function, so a path has the same numbers on every device and in every order. Known answers are in
 * tests/unit/kernels/test_dialect.c. Included by kernels only.
 *
 *   random_words(low, c1, c2, c3, key, words)   the four words of counter (c2, c1, c3, low), of which `low` differs from lane to lane. In a
 *                                               loop, let c1 count: what depends on the others alone is then done once
 *   random_uniform(word)                        in (0, 1): 24 bits of the word in single precision, all 32 in double
 *   random_normals(words, z)                    NORMALS = 4 standard normals (Box and Muller 1958), the largest about 5.9 in single and 6.7
 * in double precision: of 1e10 draws one in three would be beyond
 */
#ifndef ASSAY_KERNELS_RANDOM_H
#define ASSAY_KERNELS_RANDOM_H

#include "kernels/elementary.h"
#include "kernels/random_key.h"

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u

#define NORMALS 4

#if LANES > 1

/* Before a loop of four turns at most, all of which go side by side. */
#if defined(ASSAY_OPENCL)
#define UNROLL_4 _Pragma("unroll 4")
#elif defined(__clang__)
#define UNROLL_4 _Pragma("clang loop unroll_count(4)")
#else
#define UNROLL_4 _Pragma("GCC unroll 4")
#endif

/* Lanes of 64 bits that hold a word each in their lower half; the upper half may hold anything, as no product looks at it. */
#if defined(ASSAY_OPENCL) && ASSAY_OPENCL_LANES == 16
typedef ulong8 philox_lanes;
#define PHILOX_LANES(w) as_ulong8(w)
#define PHILOX_WORDS(l) as_uint16(l)
#elif defined(ASSAY_OPENCL)
typedef ulong4 philox_lanes;
#define PHILOX_LANES(w) as_ulong4(w)
#define PHILOX_WORDS(l) as_uint8(l)
#else
typedef u64 philox_lanes __attribute__((vector_size(VECTOR_BYTES)));
typedef u32 philox_words_only __attribute__((vector_size(VECTOR_BYTES)));
#define PHILOX_LANES(w) ((philox_lanes)(w))
#define PHILOX_WORDS(l) ((W)(l))
#endif

/* The same word in all lanes, and, where these are of 64 bits, in their upper halves too if that is what one instruction does. */
#if defined(ASSAY_OPENCL)
#define PHILOX_ALL(word) ALL_W(word)
#else
#define PHILOX_ALL(word) ((W)((philox_words_only){0} + (u32)(word)))
#endif

/* A compiler of OpenCL sees from the mask that one multiplication of words will do; its own mul_hi is made of many. */
#if defined(ASSAY_OPENCL)
#define PHILOX_MULTIPLY(a, m) (((a) & (philox_lanes)(0xFFFFFFFFul)) * (philox_lanes)((u64)(m)))
#elif defined(__AVX512F__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm512_mul_epu32((__m512i)(a), _mm512_set1_epi32((i32)(m))))
#elif defined(__AVX2__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm256_mul_epu32((__m256i)(a), _mm256_set1_epi32((i32)(m))))
#elif defined(__x86_64__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm_mul_epu32((__m128i)(a), _mm_set1_epi32((i32)(m))))
#elif defined(__aarch64__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)vmull_n_u32(vmovn_u64((uint64x2_t)(a)), (m)))
#endif

/*
 * The halves of the products of all words. In single precision a register holds twice as many words as a multiplication takes: those in
 * even places and those in odd ones are multiplied apart. The cheapest shuffle that puts their upper halves together swaps the two middle
 * words of four, while a multiplication of words leaves the lower halves where they were. That is as it must be: a lower half waits a
 * round, in which what it will meet is swapped again. So words are in the one order (PHILOX_IN) before and in the other after ten rounds.
 */
#if REAL_BITS == 64
#define PHILOX_IN(w) (w)
FUNCTION void philox_product(W x, u32 m, W *upper, W *lower) {
  *lower = PHILOX_MULTIPLY(x, m);
  *upper = *lower >> 32;
}
#define philox_last_product philox_product
#else
#if defined(ASSAY_OPENCL)
#define PHILOX_IN(w) (w)
#define PHILOX_UPPER(even, odd) PHILOX_WORDS((even) >> 32 | ((odd)&0xFFFFFFFF00000000ul))
#elif defined(__AVX512F__)
#define PHILOX_IN(w) (w)
#define PHILOX_UPPER(even, odd) ((W)_mm512_mask_shuffle_epi32((__m512i)(odd), 0x5555, (__m512i)(even), _MM_PERM_DDBB))
#define PHILOX_LOWER(even, odd) ((W)_mm512_mask_shuffle_epi32((__m512i)(even), 0xAAAA, (__m512i)(odd), _MM_PERM_CCAA))
#elif defined(__AVX2__)
#define PHILOX_IN(w) ((W)_mm256_shuffle_epi32((__m256i)(w), 0xD8))
#define PHILOX_UPPER(even, odd) ((W)_mm256_shuffle_ps((__m256)(even), (__m256)(odd), 0xDD))
#define PHILOX_LOWER_SWAPPED(even, odd) ((W)_mm256_shuffle_ps((__m256)(even), (__m256)(odd), 0x88))
#elif defined(__x86_64__)
#define PHILOX_IN(w) ((W)_mm_shuffle_epi32((__m128i)(w), 0xD8))
#define PHILOX_UPPER(even, odd) ((W)_mm_shuffle_ps((__m128)(even), (__m128)(odd), 0xDD))
#define PHILOX_LOWER_SWAPPED(even, odd) ((W)_mm_shuffle_ps((__m128)(even), (__m128)(odd), 0x88))
#elif defined(__aarch64__)
#define PHILOX_IN(w) (w)
#endif

#if defined(__aarch64__)
FUNCTION void philox_product(W x, u32 m, W *upper, W *lower) {
  uint64x2_t first = vmull_n_u32(vget_low_u32((uint32x4_t)x), m), second = vmull_n_u32(vget_high_u32((uint32x4_t)x), m);
  *upper = (W)vuzp2q_u32((uint32x4_t)first, (uint32x4_t)second);
  *lower = (W)vuzp1q_u32((uint32x4_t)first, (uint32x4_t)second);
}
#else
FUNCTION void philox_product(W x, u32 m, W *upper, W *lower) {
  philox_lanes even = PHILOX_MULTIPLY(PHILOX_LANES(x), m), odd = PHILOX_MULTIPLY(PHILOX_LANES(x) >> 32, m);
  *upper = PHILOX_UPPER(even, odd);
#if defined(PHILOX_LOWER)
  *lower = PHILOX_LOWER(even, odd);
#else
  *lower = x * ALL_W(m);
#endif
}
#endif

/* After which no round swaps what was swapped. */
#if defined(PHILOX_LOWER_SWAPPED)
FUNCTION void philox_last_product(W x, u32 m, W *upper, W *lower) {
  philox_lanes even = PHILOX_MULTIPLY(PHILOX_LANES(x), m), odd = PHILOX_MULTIPLY(PHILOX_LANES(x) >> 32, m);
  *upper = PHILOX_UPPER(even, odd);
  *lower = PHILOX_LOWER_SWAPPED(even, odd);
}
#else
#define philox_last_product philox_product
#endif
#endif

/*
 * What rounds 0 to 2 make. The lanes' own word stands last in the counter: so no word before round 3 depends on both the lanes and c1, and
 * what is the lanes' is done once for all of an item's draws, what is the draw's in scalar numbers. Keys that come next are in already.
 */
typedef struct philox_item {
  W x0, x2, x3;
} philox_item;
typedef struct philox_draw {
  u32 x0, x1, x2, unused;
} philox_draw;

FUNCTION philox_item philox_of_item(W low, u32 c2, u32 c3, const u32 key[20]) {
  W upper, lower;
  philox_item item;
  philox_product(PHILOX_IN(low) ^ PHILOX_ALL((u32)((u64)c2 * PHILOX_M0 >> 32) ^ key[1]), PHILOX_M1, &upper, &item.x0);
  philox_product(upper ^ PHILOX_ALL((u32)(c3 * PHILOX_M1) ^ key[2]), PHILOX_M0, &item.x2, &lower);
  item.x3 = lower ^ PHILOX_ALL(key[7]);
  return item;
}

FUNCTION philox_draw philox_of_draw(u32 c1, u32 c2, u32 c3, const u32 key[20]) {
  u64 q0 = (u64)((u32)((u64)c3 * PHILOX_M1 >> 32) ^ c1 ^ key[0]) * PHILOX_M0;
  u64 r1 = (u64)((u32)(q0 >> 32) ^ (u32)(c2 * PHILOX_M0) ^ key[3]) * PHILOX_M1;
  philox_draw draw;
  draw.x0 = (u32)(r1 >> 32) ^ key[4];
  draw.x1 = (u32)r1 ^ key[6];
  draw.x2 = (u32)q0 ^ key[5];
  draw.unused = 0;
  return draw;
}

/*
 * The words of `count` (known where this is inlined) draws, side by side: chains of 60 cycles, of which a processor that looks ahead sees
 * more if they stand next to each other.
 */
#if !defined(PHILOX_AT_ONCE)
#define PHILOX_AT_ONCE 4
#endif
FUNCTION void philox_words(const philox_item *item, const philox_draw *draw, int count, const u32 key[20], W *words) {
  W c[PHILOX_AT_ONCE][4];
  UNROLL
  for (int n = 0; n < count; n++) {
    W upper0, upper1;
    philox_product(item->x0 ^ PHILOX_ALL(draw[n].x0), PHILOX_M0, &upper0, &c[n][3]);
    philox_product(item->x2 ^ PHILOX_ALL(draw[n].x2), PHILOX_M1, &upper1, &c[n][1]);
    c[n][0] = upper1 ^ PHILOX_ALL(draw[n].x1);
    c[n][2] = upper0 ^ item->x3;
  }
  UNROLL_10
  for (int round = 4; round < 10; round++) {
    UNROLL
    for (int n = 0; n < count; n++) {
      W upper0, upper1, lower0, lower1;
      if (round < 9) {
        philox_product(c[n][0], PHILOX_M0, &upper0, &lower0);
        philox_product(c[n][2], PHILOX_M1, &upper1, &lower1);
      } else {
        philox_last_product(c[n][0], PHILOX_M0, &upper0, &lower0);
        philox_last_product(c[n][2], PHILOX_M1, &upper1, &lower1);
      }
      c[n][0] = upper1 ^ (c[n][1] ^ PHILOX_ALL(key[2 * round]));
      c[n][2] = upper0 ^ (c[n][3] ^ PHILOX_ALL(key[2 * round + 1]));
      c[n][1] = lower1;
      c[n][3] = lower0;
    }
  }
  UNROLL
  for (int n = 0; n < count; n++) {
    UNROLL
    for (int k = 0; k < 4; k++) words[4 * n + k] = c[n][k];
  }
}

FUNCTION void random_words(W low, u32 c1, u32 c2, u32 c3, random_key key, W words[4]) {
  philox_item item = philox_of_item(low, c2, c3, key.round);
  philox_draw draw = philox_of_draw(c1, c2, c3, key.round);
  philox_words(&item, &draw, 1, key.round, words);
}

#else /* one lane */

FUNCTION void random_words(W low, u32 c1, u32 c2, u32 c3, random_key key, W words[4]) {
  W w0 = ALL_W(c2), w1 = ALL_W(c1), w2 = ALL_W(c3), w3 = low;
  UNROLL_10
  for (u32 round = 0; round < 10; round++) {
    u64 p0 = (u64)w0 * PHILOX_M0, p1 = (u64)w2 * PHILOX_M1;
    w0 = (u32)(p1 >> 32) ^ w1 ^ key.round[2 * round];
    w2 = (u32)(p0 >> 32) ^ w3 ^ key.round[2 * round + 1];
    w1 = (u32)p1;
    w3 = (u32)p0;
  }
  words[0] = w0;
  words[1] = w1;
  words[2] = w2;
  words[3] = w3;
}

#endif

/*
 * Two words -> two normals: the radius from one, the angle from the other. v is within a quarter of a turn; its sine covers half of what is
 * wanted, and the sign of the cosine, from a bit that the angle hardly sees, the other half.
 */
#if REAL_BITS == 32
/* A quarter of a step is added, so that it is neither 0 nor 1: from 2^-26 to 1 - 2^-24. */
FUNCTION R random_uniform(W word) { return FMA(SMALL_TO_REAL(INT_OF(word >> 8)), ALL(0x1p-24f), ALL(0x1p-26f)); }

FUNCTION R random_angle(W word) { return SMALL_TO_REAL(INT_OF(word)) * 0x1p-33f; }

FUNCTION U random_sign(W word) { return word << 31; }
#else
/* The word as the lower half of a number from 2^52 on. */
FUNCTION R word_from_2_to_52(W word) { return REAL_OF(WORDS_JOIN(ALL_W(0x43300000u), word)); }

FUNCTION R random_uniform(W word) { return (word_from_2_to_52(word) - (0x1p52 - 0.5)) * 0x1p-32; }

/* The subtraction is exact, as is the scaling. */
FUNCTION R random_angle(W word) { return (word_from_2_to_52(word) - (0x1p52 + 0x1p31 - 0.5)) * 0x1p-33; }

FUNCTION U random_sign(W word) { return WORDS_JOIN(word, word) << 63; }
#endif

FUNCTION void box_muller_turn(R radius, W angle_word, R *z0, R *z1) {
  R sine, cosine;
  r_sincos_turn(random_angle(angle_word), &sine, &cosine);
  *z0 = radius * sine;
  *z1 = REAL_OF(BITS(radius * cosine) ^ random_sign(angle_word));
}

FUNCTION void box_muller(W radius_word, W angle_word, R *z0, R *z1) {
  box_muller_turn(SQRT_NORMAL(r_minus_2_log(random_uniform(radius_word))), angle_word, z0, z1);
}

FUNCTION void random_normals(const W words[4], R z[NORMALS]) {
  box_muller(words[0], words[1], &z[0], &z[1]);
  box_muller(words[2], words[3], &z[2], &z[3]);
}

#if LANES > 1
/*
 * The normals of `count` (at most RANDOM_AT_ONCE) counters from c1 on, NORMALS each: what random_words and random_normals give. From a
 * counter to a normal is a chain of some 150 cycles, and a processor looks ahead two at most, half of that where it shares its core; so
 * they are made stage by stage, where chains are short enough that many are in flight. The arrays stay in the first cache.
 */
#define RANDOM_AT_ONCE 16

/* The part of `count` counters from c1 on that is the same for all items. */
FUNCTION void random_draws(u32 c1, u32 c2, u32 c3, random_key key, u32 count, philox_draw *draw) {
  for (u32 k = 0; k < count; k++) draw[k] = philox_of_draw(c1 + k, c2, c3, key.round);
}

FUNCTION void random_many_words(W low, u32 c2, u32 c3, random_key key, const philox_draw *draw, u32 count, W *words) {
  philox_item item = philox_of_item(low, c2, c3, key.round);
  u32 k = 0;
  for (; k + PHILOX_AT_ONCE <= count; k += PHILOX_AT_ONCE) philox_words(&item, &draw[k], PHILOX_AT_ONCE, key.round, &words[4 * k]);
  for (; k < count; k++) philox_words(&item, &draw[k], 1, key.round, &words[4 * k]);
}

/* The normals of `count` counters' words; radius2 has room for half as many. */
FUNCTION void random_normals_of_words(const W *words, u32 count, R *radius2, R *z) {
  u32 pairs = NORMALS / 2 * count, k;
  for (k = 0; k + 4 <= pairs; k += 4) {
    UNROLL_4
    for (u32 j = k; j < k + 4; j++) radius2[j] = r_minus_2_log(random_uniform(words[2 * j]));
  }
  for (; k < pairs; k++) radius2[k] = r_minus_2_log(random_uniform(words[2 * k]));
  for (k = 0; k + 4 <= pairs; k += 4) {
    UNROLL_4
    for (u32 j = k; j < k + 4; j++) box_muller_turn(SQRT_NORMAL(radius2[j]), words[2 * j + 1], &z[2 * j], &z[2 * j + 1]);
  }
  for (; k < pairs; k++) box_muller_turn(SQRT_NORMAL(radius2[k]), words[2 * k + 1], &z[2 * k], &z[2 * k + 1]);
}

FUNCTION void random_many_normals(W low, u32 c1, u32 c2, u32 c3, random_key key, u32 count, R *z) {
  W words[4 * RANDOM_AT_ONCE];
  R radius2[NORMALS / 2 * RANDOM_AT_ONCE];
  philox_draw draw[RANDOM_AT_ONCE];
  random_draws(c1, c2, c3, key, count, draw);
  random_many_words(low, c2, c3, key, draw, count, words);
  random_normals_of_words(words, count, radius2, z);
}
#endif

#endif
