/* SPDX-License-Identifier: MIT */
/* Vectors of bytes for loops.c: 32 wide with AVX2, 16 with SSE4.2 and NEON. WIDTH is 0 where there are none. */
#ifndef ASSAY_MARKET_WEBSOCKET_LANES_H
#define ASSAY_MARKET_WEBSOCKET_LANES_H

#include <stdbool.h>
#include <stdint.h>

#if defined(ASSAY_ONE_LANE)
#define WIDTH 0

#elif defined(__AVX2__)
#include <immintrin.h>
#define WIDTH 32
typedef __m256i lanes;
static inline lanes lanes_load(const void *at) { return _mm256_loadu_si256((const __m256i *)at); }
static inline void lanes_store(void *at, lanes a) { _mm256_storeu_si256((__m256i *)at, a); }
static inline lanes lanes_zero(void) { return _mm256_setzero_si256(); }
static inline lanes lanes_all(uint8_t byte) { return _mm256_set1_epi8((char)byte); }
static inline lanes lanes_all32(uint32_t word) { return _mm256_set1_epi32((int)word); }
static inline lanes lanes_xor(lanes a, lanes b) { return _mm256_xor_si256(a, b); }
static inline lanes lanes_or(lanes a, lanes b) { return _mm256_or_si256(a, b); }
static inline lanes lanes_and(lanes a, lanes b) { return _mm256_and_si256(a, b); }
static inline lanes lanes_minus(lanes a, lanes b) { return _mm256_subs_epu8(a, b); } /* not below 0 */
static inline lanes lanes_upper(lanes a) { return _mm256_and_si256(_mm256_srli_epi16(a, 4), _mm256_set1_epi8(15)); }
static inline lanes lanes_table(const uint8_t table[16]) { return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table)); }
static inline lanes lanes_look(lanes table, lanes at) { return _mm256_shuffle_epi8(table, at); }
static inline bool lanes_any(lanes a) { return !_mm256_testz_si256(a, a); }
static inline bool lanes_any_high(lanes a) { return _mm256_movemask_epi8(a) != 0; }
/* The bytes that stand `by` before those of `a`, where `before` stands before `a`. */
#define lanes_shifted(a, before, by) _mm256_alignr_epi8((a), _mm256_permute2x128_si256((before), (a), 0x21), 16 - (by))

#elif defined(__SSE4_2__)
#include <immintrin.h>
#define WIDTH 16
typedef __m128i lanes;
static inline lanes lanes_load(const void *at) { return _mm_loadu_si128((const __m128i *)at); }
static inline void lanes_store(void *at, lanes a) { _mm_storeu_si128((__m128i *)at, a); }
static inline lanes lanes_zero(void) { return _mm_setzero_si128(); }
static inline lanes lanes_all(uint8_t byte) { return _mm_set1_epi8((char)byte); }
static inline lanes lanes_all32(uint32_t word) { return _mm_set1_epi32((int)word); }
static inline lanes lanes_xor(lanes a, lanes b) { return _mm_xor_si128(a, b); }
static inline lanes lanes_or(lanes a, lanes b) { return _mm_or_si128(a, b); }
static inline lanes lanes_and(lanes a, lanes b) { return _mm_and_si128(a, b); }
static inline lanes lanes_minus(lanes a, lanes b) { return _mm_subs_epu8(a, b); }
static inline lanes lanes_upper(lanes a) { return _mm_and_si128(_mm_srli_epi16(a, 4), _mm_set1_epi8(15)); }
static inline lanes lanes_table(const uint8_t table[16]) { return _mm_loadu_si128((const __m128i *)table); }
static inline lanes lanes_look(lanes table, lanes at) { return _mm_shuffle_epi8(table, at); }
static inline bool lanes_any(lanes a) { return !_mm_testz_si128(a, a); }
static inline bool lanes_any_high(lanes a) { return _mm_movemask_epi8(a) != 0; }
#define lanes_shifted(a, before, by) _mm_alignr_epi8((a), (before), 16 - (by))

#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#define WIDTH 16
typedef uint8x16_t lanes;
static inline lanes lanes_load(const void *at) { return vld1q_u8((const uint8_t *)at); }
static inline void lanes_store(void *at, lanes a) { vst1q_u8((uint8_t *)at, a); }
static inline lanes lanes_zero(void) { return vdupq_n_u8(0); }
static inline lanes lanes_all(uint8_t byte) { return vdupq_n_u8(byte); }
static inline lanes lanes_all32(uint32_t word) { return vreinterpretq_u8_u32(vdupq_n_u32(word)); }
static inline lanes lanes_xor(lanes a, lanes b) { return veorq_u8(a, b); }
static inline lanes lanes_or(lanes a, lanes b) { return vorrq_u8(a, b); }
static inline lanes lanes_and(lanes a, lanes b) { return vandq_u8(a, b); }
static inline lanes lanes_minus(lanes a, lanes b) { return vqsubq_u8(a, b); }
static inline lanes lanes_upper(lanes a) { return vshrq_n_u8(a, 4); }
static inline lanes lanes_table(const uint8_t table[16]) { return vld1q_u8(table); }
static inline lanes lanes_look(lanes table, lanes at) { return vqtbl1q_u8(table, at); }
static inline bool lanes_any(lanes a) { return vmaxvq_u8(a) != 0; }
static inline bool lanes_any_high(lanes a) { return vmaxvq_u8(a) >= 0x80; }
#define lanes_shifted(a, before, by) vextq_u8((before), (a), 16 - (by))

#else
#define WIDTH 0
#endif

#endif
