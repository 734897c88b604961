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
#define PHILOX_LANES(w) ((philox_lanes)(w))
#define PHILOX_WORDS(l) ((W)(l))
#endif

/* A compiler of OpenCL sees from the mask that one multiplication of words will do; its own mul_hi is made of many. */
#if defined(ASSAY_OPENCL)
#define PHILOX_MULTIPLY(a, m) (((a) & (philox_lanes)(0xFFFFFFFFul)) * (philox_lanes)((u64)(m)))
#elif defined(__AVX512F__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm512_mul_epu32((__m512i)(a), _mm512_set1_epi64((i64)(m))))
#elif defined(__AVX2__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm256_mul_epu32((__m256i)(a), _mm256_set1_epi64x((i64)(m))))
#elif defined(__x86_64__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm_mul_epu32((__m128i)(a), _mm_set1_epi64x((i64)(m))))
#elif defined(__aarch64__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)vmull_n_u32(vmovn_u64((uint64x2_t)(a)), (m)))
#endif

/*
 * Where a register holds twice as many words as a multiplication takes, a state is two halves. Any two will do whose words go back to their
 * lanes; these cost one instruction each way.
 */
#if REAL_BITS == 64
#define PHILOX_HALVES 1
#define PHILOX_HALF(w, half) (w)
#else
#define PHILOX_HALVES 2
#if defined(ASSAY_OPENCL)
#define PHILOX_HALF(w, half) (PHILOX_LANES(w) >> 32 * (half))
#define PHILOX_LOWER(a, b) PHILOX_WORDS(((a)&0xFFFFFFFFul) | (b) << 32)
#define PHILOX_UPPER(a, b) PHILOX_WORDS((a) >> 32 | ((b)&0xFFFFFFFF00000000ul))
#elif defined(__AVX512F__)
#define PHILOX_HALF(w, half) \
  ((philox_lanes)((half) ? _mm512_unpackhi_epi32((__m512i)(w), (__m512i)(w)) : _mm512_unpacklo_epi32((__m512i)(w), (__m512i)(w))))
#define PHILOX_LOWER(a, b) ((W)_mm512_shuffle_ps((__m512)(a), (__m512)(b), 0x88))
#define PHILOX_UPPER(a, b) ((W)_mm512_shuffle_ps((__m512)(a), (__m512)(b), 0xDD))
#elif defined(__AVX2__)
#define PHILOX_HALF(w, half) \
  ((philox_lanes)((half) ? _mm256_unpackhi_epi32((__m256i)(w), (__m256i)(w)) : _mm256_unpacklo_epi32((__m256i)(w), (__m256i)(w))))
#define PHILOX_LOWER(a, b) ((W)_mm256_shuffle_ps((__m256)(a), (__m256)(b), 0x88))
#define PHILOX_UPPER(a, b) ((W)_mm256_shuffle_ps((__m256)(a), (__m256)(b), 0xDD))
#elif defined(__x86_64__)
#define PHILOX_HALF(w, half) \
  ((philox_lanes)((half) ? _mm_unpackhi_epi32((__m128i)(w), (__m128i)(w)) : _mm_unpacklo_epi32((__m128i)(w), (__m128i)(w))))
#define PHILOX_LOWER(a, b) ((W)_mm_shuffle_ps((__m128)(a), (__m128)(b), 0x88))
#define PHILOX_UPPER(a, b) ((W)_mm_shuffle_ps((__m128)(a), (__m128)(b), 0xDD))
#elif defined(__aarch64__)
#define PHILOX_HALF(w, half) \
  ((philox_lanes)((half) ? vzip2q_u32((uint32x4_t)(w), (uint32x4_t)(w)) : vzip1q_u32((uint32x4_t)(w), (uint32x4_t)(w))))
#define PHILOX_LOWER(a, b) ((W)vuzp1q_u32((uint32x4_t)(a), (uint32x4_t)(b)))
#define PHILOX_UPPER(a, b) ((W)vuzp2q_u32((uint32x4_t)(a), (uint32x4_t)(b)))
#endif
#endif

/*
 * What rounds 0 to 2 make. The lanes' own word stands last in the counter: so no word before round 3 depends on both the lanes and c1, and
 * what is the lanes' is done once for all of an item's draws, what is the draw's in scalar numbers. Keys that come next are in already.
 */
typedef struct philox_item {
  philox_lanes x0, x2, x3;
} philox_item;
typedef struct philox_draw {
  u64 x0, x1, x2;
} philox_draw;

FUNCTION philox_item philox_of_item(philox_lanes low, u32 c2, u32 c3, const u32 key[20]) {
  philox_lanes q1 = PHILOX_MULTIPLY(low ^ (u64)((u32)((u64)c2 * PHILOX_M0 >> 32) ^ key[1]), PHILOX_M1);
  philox_lanes r0 = PHILOX_MULTIPLY((q1 >> 32) ^ (u64)((u32)(c3 * PHILOX_M1) ^ key[2]), PHILOX_M0);
  philox_item item;
  item.x0 = q1;
  item.x2 = r0 >> 32;
  item.x3 = r0 ^ (u64)key[7];
  return item;
}

FUNCTION philox_draw philox_of_draw(u32 c1, u32 c2, u32 c3, const u32 key[20]) {
  u64 q0 = (u64)((u32)((u64)c3 * PHILOX_M1 >> 32) ^ c1 ^ key[0]) * PHILOX_M0;
  u64 r1 = (u64)((u32)(q0 >> 32) ^ (u32)(c2 * PHILOX_M0) ^ key[3]) * PHILOX_M1;
  philox_draw draw;
  draw.x0 = (u32)(r1 >> 32) ^ key[4];
  draw.x1 = (u32)r1 ^ key[6];
  draw.x2 = (u32)q0 ^ key[5];
  return draw;
}

/*
 * The words of `count` (known where this is inlined) draws, side by side: chains of 60 cycles, of which a processor that looks ahead sees
 * more if they stand next to each other.
 */
#define PHILOX_AT_ONCE (4 / PHILOX_HALVES)
FUNCTION void philox_words(const philox_item item[PHILOX_HALVES], const philox_draw *draw, int count, const u32 key[20], W *words) {
  philox_lanes c[PHILOX_AT_ONCE * PHILOX_HALVES][4];
  UNROLL
  for (int n = 0; n < count * PHILOX_HALVES; n++) {
    const philox_item *of = &item[n % PHILOX_HALVES];
    const philox_draw *at = &draw[n / PHILOX_HALVES];
    philox_lanes p0 = PHILOX_MULTIPLY(of->x0 ^ at->x0, PHILOX_M0), p1 = PHILOX_MULTIPLY(of->x2 ^ at->x2, PHILOX_M1);
    c[n][0] = (p1 >> 32) ^ at->x1;
    c[n][1] = p1;
    c[n][2] = (p0 >> 32) ^ of->x3;
    c[n][3] = p0;
  }
  UNROLL_10
  for (int round = 4; round < 9 + (PHILOX_HALVES == 1); round++) {
    UNROLL
    for (int n = 0; n < count * PHILOX_HALVES; n++) {
      philox_lanes p0 = PHILOX_MULTIPLY(c[n][0], PHILOX_M0), p1 = PHILOX_MULTIPLY(c[n][2], PHILOX_M1);
      c[n][0] = (p1 >> 32) ^ (c[n][1] ^ (u64)key[2 * round]);
      c[n][2] = (p0 >> 32) ^ (c[n][3] ^ (u64)key[2 * round + 1]);
      c[n][1] = p1;
      c[n][3] = p0;
    }
  }
  UNROLL
  for (int n = 0; n < count; n++) {
#if PHILOX_HALVES == 1
    UNROLL
    for (int k = 0; k < 4; k++) words[4 * n + k] = c[n][k];
#else
    philox_lanes *a = c[2 * n], *b = c[2 * n + 1];
    philox_lanes p0a = PHILOX_MULTIPLY(a[0], PHILOX_M0), p1a = PHILOX_MULTIPLY(a[2], PHILOX_M1);
    philox_lanes p0b = PHILOX_MULTIPLY(b[0], PHILOX_M0), p1b = PHILOX_MULTIPLY(b[2], PHILOX_M1);
    words[4 * n] = PHILOX_UPPER(p1a, p1b) ^ (PHILOX_LOWER(a[1], b[1]) ^ ALL_W(key[18]));
    words[4 * n + 1] = PHILOX_LOWER(p1a, p1b);
    words[4 * n + 2] = PHILOX_UPPER(p0a, p0b) ^ (PHILOX_LOWER(a[3], b[3]) ^ ALL_W(key[19]));
    words[4 * n + 3] = PHILOX_LOWER(p0a, p0b);
#endif
  }
}

FUNCTION void random_words(W low, u32 c1, u32 c2, u32 c3, random_key key, W words[4]) {
  philox_item item[PHILOX_HALVES];
  philox_draw draw = philox_of_draw(c1, c2, c3, key.round);
  UNROLL
  for (int half = 0; half < PHILOX_HALVES; half++) item[half] = philox_of_item(PHILOX_HALF(low, half), c2, c3, key.round);
  philox_words(item, &draw, 1, key.round, words);
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
  philox_item item[PHILOX_HALVES];
  u32 k = 0;
  UNROLL
  for (int half = 0; half < PHILOX_HALVES; half++) item[half] = philox_of_item(PHILOX_HALF(low, half), c2, c3, key.round);
  for (; k + PHILOX_AT_ONCE <= count; k += PHILOX_AT_ONCE) philox_words(item, &draw[k], PHILOX_AT_ONCE, key.round, &words[4 * k]);
  for (; k < count; k++) philox_words(item, &draw[k], 1, key.round, &words[4 * k]);
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
