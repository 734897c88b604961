/* SPDX-License-Identifier: MIT */
/*
 * Decimal text as whole numbers, eight digits at a time: three multiplications add up pairs, fours and eights of digits inside one word
 * (Lemire, "Quickly parsing eight digits", 2018). A number of fewer digits is shifted to the end of the word, so that zeros stand before
 * it.
 */
#ifndef ASSAY_MARKET_FEEDS_DECIMAL_H
#define ASSAY_MARKET_FEEDS_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/number.h"

/* ---- Any text, byte by byte ---------------------------------------------------------------------------------------------------------- */

/* assay_feed_decimal, but for the end: reads up to `length` bytes and stops at the first that is not of a number. 0: no number, or it does
 * not fit. */
size_t assay_feed_decimal_slow(const char *text, size_t length, unsigned decimals, int64_t *value);
/* The same for a number with an exponent. */
size_t assay_feed_decimal_scaled(const char *text, size_t length, unsigned decimals, int64_t *value);
/* And for a number without sign and fraction of at most 64 bits. */
size_t assay_feed_whole_slow(const char *text, size_t length, uint64_t *value);

/* ---- Eight digits at a time ---------------------------------------------------------------------------------------------------------- */

static inline uint64_t assay_feed_eight(const char *text) {
  uint64_t word;
  memcpy(&word, text, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

/* Of a word whose bytes are digits' values, the first the most significant. */
static inline uint64_t assay_feed_add_up(uint64_t digits) {
  digits = digits * 10 + (digits >> 8);
  return ((digits & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
          ((digits >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
         32;
}

/* `count` (1 to 8) characters as digits' values, behind zeros; *wrong gets bits where one is none. */
static inline uint64_t assay_feed_digits(const char *text, unsigned count, uint64_t *wrong) {
  uint64_t digits = (assay_feed_eight(text) ^ UINT64_C(0x3030303030303030)) << (64 - 8 * count);
  *wrong |= ((digits + UINT64_C(0x7676767676767676)) | digits) & UINT64_C(0x8080808080808080);
  return digits;
}

enum { ASSAY_FEED_AHEAD = 32 }; /* bytes that have to be readable from the text on */

#if defined(__SSE2__)
#define ASSAY_FEED_MASKS 1
static inline unsigned assay_feed_equal(__m128i bytes, char c) {
  return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

/*
 * A decimal number before a quote, such as 26543.12000000": its length, 0 for anything out of the ordinary (a sign, more than eight digits
 * on a side of the point, more decimals than wanted, junk), which the slow way looks at. `decimals` is at most 10.
 */
static inline size_t assay_feed_decimal_quoted(const char *text, unsigned decimals, int64_t *value) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
  unsigned quotes = assay_feed_equal(bytes, '"');
  if (quotes == 0) return 0;
  unsigned length = (unsigned)__builtin_ctz(quotes), points = assay_feed_equal(bytes, '.') & (quotes - 1) & ~quotes;
  unsigned whole = points != 0 ? (unsigned)__builtin_ctz(points) : length;
  uint64_t wrong = 0;
  if (whole - 1 > 7) return 0;
  uint64_t units = assay_feed_add_up(assay_feed_digits(text, whole, &wrong)), parts = 0;
  unsigned fraction = 0;
  if (whole != length) {
    fraction = length - whole - 1;
    if (fraction - 1 > 7 || fraction > decimals) return 0;
    parts = assay_feed_add_up(assay_feed_digits(text + whole + 1, fraction, &wrong));
  }
  if (wrong != 0) return 0;
  *value = (int64_t)(units * assay_tens[decimals] + parts * assay_tens[decimals - fraction]);
  return length;
}

/* A whole number of 1 to 15 digits and what follows it: its length, else 0. */
static inline size_t assay_feed_whole(const char *text, uint64_t *value) {
  __m128i bytes = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)text), _mm_set1_epi8('0'));
  unsigned others =
      (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(_mm_xor_si128(bytes, _mm_set1_epi8((char)0x80)), _mm_set1_epi8((char)(9 ^ 0x80))));
  if (others == 0 || (others & 1) != 0) return 0;
  unsigned length = (unsigned)__builtin_ctz(others);
  uint64_t wrong = 0;
  if (length <= 8) {
    *value = assay_feed_add_up(assay_feed_digits(text, length, &wrong));
  } else {
    uint64_t high = assay_feed_add_up(assay_feed_digits(text, length - 8, &wrong));
    *value = high * 100000000 + assay_feed_add_up(assay_feed_digits(text + length - 8, 8, &wrong));
  }
  return length;
}

/* How many of 16 characters stand before the first that a string cannot go on with: a quote, a backslash, a control character. */
static inline unsigned assay_feed_plain16(const char *text) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
  __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  __m128i stops =
      _mm_or_si128(controls, _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
  unsigned mask = (unsigned)_mm_movemask_epi8(stops);
  return mask != 0 ? (unsigned)__builtin_ctz(mask) : 16;
}
#else
#define ASSAY_FEED_MASKS 0
static inline size_t assay_feed_decimal_quoted(const char *text, unsigned decimals, int64_t *value) {
  (void)text, (void)decimals, (void)value;
  return 0;
}
static inline size_t assay_feed_whole(const char *text, uint64_t *value) {
  (void)text, (void)value;
  return 0;
}
static inline unsigned assay_feed_plain16(const char *text) {
  (void)text;
  return 0;
}
#endif

#endif
