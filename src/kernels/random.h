/* SPDX-License-Identifier: MIT */
/*
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). Word k of
 * counter c under a key is a pure function, so a path has the same numbers on every device and in every order. Known answers are in
 * tests/unit/kernels/test_random.c. Included by kernels only.
 *
 *   random_words(counter, key0, key1, words)   four words of a lane from its counter of four
 *   random_normals(words, z)                   NORMALS standard normals from them (Box and Muller 1958): 4 in single precision, 2 in double
 *   random_uniform(words, u)                   NORMALS numbers in (0, 1)
 */
#ifndef ASSAY_KERNELS_RANDOM_H
#define ASSAY_KERNELS_RANDOM_H

#include "kernels/elementary.h"

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

#if REAL_BITS == 32
#define NORMALS 4
#else
#define NORMALS 2
#endif

#if LANES > 1 && !defined(ASSAY_OPENCL)

/* Lanes of 64 bits that hold a word each in their lower half; the upper half may hold anything, as no product looks at it. */
typedef u64 philox_lanes __attribute__((vector_size(VECTOR_BYTES)));

#if defined(__AVX512F__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm512_mul_epu32((__m512i)(a), _mm512_set1_epi64((i64)(m))))
#elif defined(__AVX2__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm256_mul_epu32((__m256i)(a), _mm256_set1_epi64x((i64)(m))))
#elif defined(__x86_64__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)_mm_mul_epu32((__m128i)(a), _mm_set1_epi64x((i64)(m))))
#elif defined(__aarch64__)
#define PHILOX_MULTIPLY(a, m) ((philox_lanes)vmull_n_u32(vmovn_u64((uint64x2_t)(a)), (m)))
#endif

FUNCTION void philox_lanes_10(philox_lanes c[4], u32 key0, u32 key1) {
  UNROLL_10
  for (int round = 0; round < 10; round++) {
    philox_lanes p0 = PHILOX_MULTIPLY(c[0], PHILOX_M0), p1 = PHILOX_MULTIPLY(c[2], PHILOX_M1);
    c[0] = (p1 >> 32) ^ c[1] ^ (u64)(key0 + (u32)round * PHILOX_W0);
    c[2] = (p0 >> 32) ^ c[3] ^ (u64)(key1 + (u32)round * PHILOX_W1);
    c[1] = p1;
    c[3] = p0;
  }
}

#if REAL_BITS == 32
/* Even and odd words apart, since a multiplication takes every second one. */
FUNCTION void random_words(const W counter[4], u32 key0, u32 key1, W words[4]) {
  philox_lanes even[4], odd[4];
  for (int k = 0; k < 4; k++) {
    even[k] = (philox_lanes)counter[k];
    odd[k] = (philox_lanes)counter[k] >> 32;
  }
  philox_lanes_10(even, key0, key1);
  philox_lanes_10(odd, key0, key1);
  for (int k = 0; k < 4; k++) words[k] = (W)((even[k] & 0xFFFFFFFFu) | odd[k] << 32);
}
#else
FUNCTION void random_words(const W counter[4], u32 key0, u32 key1, W words[4]) {
  philox_lanes c[4] = {counter[0], counter[1], counter[2], counter[3]};
  philox_lanes_10(c, key0, key1);
  for (int k = 0; k < 4; k++) words[k] = c[k] & 0xFFFFFFFFu;
}
#endif

#else /* one lane, or OpenCL's */

#if LANES == 1
#define PHILOX_HIGH(a, m) ((u32)(((u64)(a) * (m)) >> 32))
#define PHILOX_LOW(a, m) ((a) * (m))
#elif REAL_BITS == 32
#define PHILOX_HIGH(a, m) mul_hi((a), (W)(m))
#define PHILOX_LOW(a, m) ((a) * (W)(m))
#else
#define PHILOX_HIGH(a, m) (((a) * (W)(m)) >> 32)
#define PHILOX_LOW(a, m) (((a) * (W)(m)) & 0xFFFFFFFFu)
#endif

FUNCTION void random_words(const W counter[4], u32 key0, u32 key1, W words[4]) {
  W c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  UNROLL_10
  for (u32 round = 0; round < 10; round++) {
    W high0 = PHILOX_HIGH(c0, PHILOX_M0), low0 = PHILOX_LOW(c0, PHILOX_M0);
    W high1 = PHILOX_HIGH(c2, PHILOX_M1), low1 = PHILOX_LOW(c2, PHILOX_M1);
    c0 = high1 ^ c1 ^ ALL_W(key0 + round * PHILOX_W0);
    c2 = high0 ^ c3 ^ ALL_W(key1 + round * PHILOX_W1);
    c1 = low1;
    c3 = low0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

#endif

/* Two words -> two normals: the radius from one, the angle from the other; its sine covers half a turn, and the sign of the cosine, from
 * a bit that the angle hardly sees, the other half. */
#if REAL_BITS == 32
FUNCTION R word_uniform(W word) { return FMA(SMALL_TO_REAL(INT_OF(word >> 8)), ALL(0x1p-24f), ALL(0x1p-25f)); }

FUNCTION void box_muller(W radius_word, W angle_word, R *z0, R *z1) {
  R radius = SQRT(r_log(word_uniform(radius_word)) * -2.0f);
  R v = SMALL_TO_REAL(INT_OF(angle_word)) * 0x1p-33f;
  R sine, cosine;
  r_sincos_turn(v, &sine, &cosine);
  *z0 = radius * sine;
  *z1 = REAL_OF(BITS(radius * cosine) ^ (angle_word << 31));
}

FUNCTION void random_normals(const W words[4], R z[NORMALS]) {
  box_muller(words[0], words[1], &z[0], &z[1]);
  box_muller(words[2], words[3], &z[2], &z[3]);
}
#else
#if LANES == 1
#define WORD_BITS(word) ((u64)(word))
#else
#define WORD_BITS(word) (word)
#endif
/* 52 bits as the fraction of a number in [1, 2). */
FUNCTION R words_fraction(W high, W low) { return REAL_OF(WORD_BITS(high) << 20 | WORD_BITS(low) >> 12 | ALL_U(0x3FF0000000000000ul)); }

FUNCTION R words_uniform(W high, W low) { return words_fraction(high, low) - (1.0 - 0x1p-53); }

FUNCTION void random_normals(const W words[4], R z[NORMALS]) {
  R radius = SQRT(r_log(ALL(2.0) - words_fraction(words[0], words[1])) * -2.0);
  R v = FMA(words_fraction(words[2], words[3]), ALL(0.5), ALL(-0.75));
  R sine, cosine;
  r_sincos_turn(v, &sine, &cosine);
  z[0] = radius * sine;
  z[1] = REAL_OF(BITS(radius * cosine) ^ WORD_BITS(words[3]) << 63);
}
#endif

#endif
