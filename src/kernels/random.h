/* SPDX-License-Identifier: MIT */
/*
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). The words
 * of a counter under a key are a pure function, so a path has the same numbers on every device and in every order. Known answers are in
 * tests/unit/kernels/test_dialect.c. Included by kernels only.
 *
 *   random_words(low, c1, c2, c3, key, words)   the four words of counter (low, c1, c2, c3), of which `low` differs from lane to lane. In a
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

/* One full round of lanes. */
FUNCTION void philox_round(philox_lanes c[4], u32 key0, u32 key1) {
  philox_lanes p0 = PHILOX_MULTIPLY(c[0], PHILOX_M0), p1 = PHILOX_MULTIPLY(c[2], PHILOX_M1);
  c[0] = (p1 >> 32) ^ c[1] ^ (u64)key0;
  c[2] = (p0 >> 32) ^ c[3] ^ (u64)key1;
  c[1] = p1;
  c[3] = p0;
}

/* Three words of the counter are the same in all lanes: two rounds pass before every word differs, and what is the same is scalar work. */
FUNCTION void philox_lanes_10(philox_lanes low, u32 c1, u32 c2, u32 c3, const u32 key[20], philox_lanes c[4]) {
  u64 p1 = (u64)c2 * PHILOX_M1;
  philox_lanes p0 = PHILOX_MULTIPLY(low, PHILOX_M0);
  u64 q0 = (u64)((u32)(p1 >> 32) ^ c1 ^ key[0]) * PHILOX_M0;
  philox_lanes q1 = PHILOX_MULTIPLY((p0 >> 32) ^ (u64)(c3 ^ key[1]), PHILOX_M1);
  philox_lanes r0 = PHILOX_MULTIPLY((q1 >> 32) ^ (u64)((u32)p1 ^ key[2]), PHILOX_M0);
  philox_lanes r1 = PHILOX_MULTIPLY(p0 ^ (u64)((u32)(q0 >> 32) ^ key[3]), PHILOX_M1);
  c[0] = (r1 >> 32) ^ (q1 ^ (u64)key[4]);
  c[1] = r1;
  c[2] = (r0 >> 32) ^ (u64)((u32)q0 ^ key[5]);
  c[3] = r0;
  UNROLL_10
  for (int round = 3; round < 10; round++) philox_round(c, key[2 * round], key[2 * round + 1]);
}

#if REAL_BITS == 32
/* Even and odd words apart, since a multiplication takes every second one. */
FUNCTION void random_words(W low, u32 c1, u32 c2, u32 c3, random_key key, W words[4]) {
  philox_lanes even[4], odd[4];
  philox_lanes_10(PHILOX_LANES(low), c1, c2, c3, key.round, even);
  philox_lanes_10(PHILOX_LANES(low) >> 32, c1, c2, c3, key.round, odd);
  UNROLL
  for (int k = 0; k < 4; k++) {
#if defined(__AVX2__) && !defined(__AVX512F__) && !defined(ASSAY_OPENCL)
    words[k] = (W)_mm256_blend_epi32((__m256i)even[k], (__m256i)(odd[k] << 32), 0xAA);
#else
    words[k] = PHILOX_WORDS((even[k] & 0xFFFFFFFFu) | odd[k] << 32);
#endif
  }
}
#else
FUNCTION void random_words(W low, u32 c1, u32 c2, u32 c3, random_key key, W words[4]) {
  philox_lanes_10(low, c1, c2, c3, key.round, words);
}
#endif

#else /* one lane */

FUNCTION void random_words(W low, u32 c1, u32 c2, u32 c3, random_key key, W words[4]) {
  W w0 = low, w1 = ALL_W(c1), w2 = ALL_W(c2), w3 = ALL_W(c3);
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
FUNCTION void random_many_normals(W low, u32 c1, u32 c2, u32 c3, random_key key, u32 count, R *z) {
  W words[4 * RANDOM_AT_ONCE];
  R radius2[NORMALS / 2 * RANDOM_AT_ONCE];
  for (u32 k = 0; k < count; k++) random_words(low, c1 + k, c2, c3, key, &words[4 * k]);
  for (u32 k = 0; k < NORMALS / 2 * count; k++) radius2[k] = r_minus_2_log(random_uniform(words[2 * k]));
  for (u32 k = 0; k < NORMALS / 2 * count; k++) box_muller_turn(SQRT_NORMAL(radius2[k]), words[2 * k + 1], &z[2 * k], &z[2 * k + 1]);
}
#endif

#endif
