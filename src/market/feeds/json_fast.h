/* SPDX-License-Identifier: MIT */
/*
 * The fast way through ordinary JSON, with AVX2. Included by json_read.h.
 *
 * Numbers: the bytes of one are moved so that its last decimal stands at the end of 16 (one shuffle, whose mask is read from a table at a
 * place that depends on where the point is), what lies behind it is cleared, and pairs, fours and eights of digits are added up by three
 * multiplying instructions. Whether all were digits is seen from the same 16 bytes.
 *
 * Lengths: where the next thing begins depends on how long this one is, and that answer takes 15 cycles or more to come back from a vector
 * register. In a stream of one kind of message it is nearly always the length of the message before (`hints`), so the reader goes on from
 * there at once, and a branch that is foreseen checks it.
 */
#include <immintrin.h>

/* Places for the shuffles: read from `16 - n` on, byte n is the first that is taken. */
static const uint8_t slide[48] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                  0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,
                                  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
/* Bytes that stay, then bytes that do not. */
static const uint8_t stays[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
static const uint8_t ones[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static inline __m128i load16(const void *from) { return _mm_loadu_si128((const __m128i *)from); }

/* The value of 16 digits; *wrong gets bits where one is none. */
static inline uint64_t value_of(__m128i digits, __m128i *wrong) {
  *wrong = _mm_or_si128(*wrong, _mm_subs_epu8(digits, _mm_set1_epi8(9)));
  __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
  __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
  __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
  uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
  return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

/* A decimal of `length` characters whose point is at `whole` (length: it has none). What has no room is wrong. */
static inline int64_t decimal_of(const uint8_t *text, unsigned whole, unsigned length, unsigned decimals, __m128i *wrong) {
  unsigned fraction = whole == length ? 0 : length - whole - 1;
  if (__builtin_expect(whole - 1 >= 16 - decimals || fraction > decimals || (whole != length && fraction == 0), 0)) {
    *wrong = _mm_set1_epi8(1);
    return 0;
  }
  __m128i digits = _mm_sub_epi8(load16(text), _mm_set1_epi8('0'));
  __m128i places = _mm_add_epi8(load16(slide + decimals + whole), load16(ones + decimals)); /* over the point for the decimals */
  digits = _mm_and_si128(_mm_shuffle_epi8(digits, places), load16(stays + (decimals - fraction)));
  return (int64_t)value_of(digits, wrong);
}

enum { LEVEL_REACH = 96 };

/* Levels as Binance writes them, without a blank: ["26543.12000000","0.01230000"],... Stands on what follows the last: a comma or the
 * list's end. 0: the first is none of those. */
static size_t fast_levels(scan *s, assay_binance_level *levels, size_t room) {
  const unsigned price_decimals = s->reader->price_decimals, quantity_decimals = s->reader->quantity_decimals;
  const __m256i quote = _mm256_set1_epi8('"'), point = _mm256_set1_epi8('.');
  const uint8_t *at = s->at, *behind = at;
  size_t count = 0;
  while (count < room && s->end - at >= LEVEL_REACH) {
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(at + 2));
    uint32_t quotes = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, quote));
    uint32_t points = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, point));
    uint32_t second = quotes & (quotes - 1), third = second & (second - 1);
    if (at[0] != '[' || at[1] != '"' || third == 0) break;
    unsigned price_end = (unsigned)__builtin_ctz(quotes), begin = (unsigned)__builtin_ctz(second) + 1, end = (unsigned)__builtin_ctz(third);
    const uint8_t *next = at + 2 + end + 2;
    if (price_end > 16 || begin != price_end + 3 || at[2 + price_end + 1] != ',' || next[-1] != ']') break;
    uint32_t price_points = points & ((1u << price_end) - 1), quantity_points = (points & ((1u << end) - 1)) >> begin;
    unsigned price_whole = price_points != 0 ? (unsigned)__builtin_ctz(price_points) : price_end;
    unsigned length = end - begin, quantity_whole = quantity_points != 0 ? (unsigned)__builtin_ctz(quantity_points) : length;
    __m128i wrong = _mm_setzero_si128();
    levels[count].price = decimal_of(at + 2, price_whole, price_end, price_decimals, &wrong);
    levels[count].quantity = decimal_of(at + 2 + begin, quantity_whole, length, quantity_decimals, &wrong);
    if (!_mm_testz_si128(wrong, wrong) || (*next != ',' && *next != ']')) break;
    count++;
    behind = next;
    if (*next == ']') break;
    at = next + 1;
  }
  s->at = behind;
  return count;
}

/* ---- Members ----------------------------------------------------------------------------------------------------------------------------
 */

enum { MEMBER_REACH = 64 };

/* Steps over `length` bytes, which are as many as last time nearly always: then what follows does not wait for `length`. */
static inline const uint8_t *step(const uint8_t *at, unsigned length, uint8_t *hint) {
  unsigned guess = *hint;
  if (__builtin_expect(length != guess, 0)) {
    *hint = (uint8_t)length;
    return at + length;
  }
  __asm__("" : "+r"(guess)); /* the compiler knows that they are equal, and must not use the other one */
  return at + guess;
}

static inline uint32_t mask_of(__m128i bytes, char c) { return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c))); }

/* Members as Binance writes them, without a blank, with keys of one character: "p":"26543.12000000", "E":1672515782136, "m":true. At a
 * quote. True: it stands on the comma or the brace behind a member; false: on a member that is for the general way. */
static inline bool fast_members(scan *s) {
  /* Copies: what is written through a pointer to bytes (hints) could be any of these, for all that the compiler knows. */
  const uint8_t *at = s->at, *const end = s->end;
  const unsigned price_decimals = s->reader->price_decimals, quantity_decimals = s->reader->quantity_decimals;
  uint32_t seen = s->seen;
  uint8_t *hints = s->reader->hints;
  bool any_taken = false;
  while (end - at >= MEMBER_REACH) {
    uint32_t head;
    memcpy(&head, at, sizeof head);
    unsigned c = head >> 8 & 255;
    if ((head & 0xffff80ff) != 0x3a220022 || c == '\\' || c < ' ') break;
    key k = (key)short_keys[c];
    if ((seen >> k & (k != KEY_NONE)) != 0) break; /* of keys that do not matter one place is written over and over */
    field *f = &s->fields[k];
    const uint8_t *text = at + 4, *next;
    __m128i bytes = load16(text);
    if (*text == '"' && (k == KEY_PRICE || k == KEY_QUANTITY)) {
      uint32_t quotes = mask_of(bytes, '"') & ~1u;
      if (quotes == 0) break;
      unsigned length = (unsigned)__builtin_ctz(quotes) - 1;
      uint32_t points = mask_of(bytes, '.') & (quotes - 1) & ~quotes;
      unsigned whole = points != 0 ? (unsigned)__builtin_ctz(points) - 1 : length;
      __m128i wrong = _mm_setzero_si128();
      f->is.decimal = decimal_of(text + 1, whole, length, k == KEY_PRICE ? price_decimals : quantity_decimals, &wrong);
      if (!_mm_testz_si128(wrong, wrong)) break;
      f->form = DECIMAL;
      next = step(text + 2, length, &hints[k]);
    } else if (*text == '"') {
      unsigned length = assay_feed_plain16((const char *)text + 1);
      if (length == 16 || text[1 + length] != '"') break;
      f->form = TEXT;
      f->is.text = (assay_feed_text){.at = (const char *)text + 1, .length = length};
      next = step(text + 2, length, &hints[k]);
    } else if (*text >= '0' && *text <= '9') {
      __m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0')), most = _mm_set1_epi8(9);
      uint32_t others = ~(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(digits, most), digits)) & 0xffff;
      unsigned length = (unsigned)__builtin_ctz(others | 0x10000);
      __m128i wrong = _mm_setzero_si128();
      if (length == 16 || (length > 1 && *text == '0')) break;
      f->is.whole = value_of(_mm_shuffle_epi8(digits, load16(slide + length)), &wrong);
      f->form = WHOLE;
      next = step(text, length, &hints[k]);
    } else if (*text == 't' || *text == 'f') {
      uint32_t four;
      bool truth = *text == 't';
      memcpy(&four, text, sizeof four);
      if (truth ? four != 0x65757274 : four != 0x736c6166 || text[4] != 'e') break; /* "true", "fals" */
      f->form = TRUTH;
      f->is.truth = truth;
      next = text + 5 - truth;
    } else {
      break;
    }
    if (*next != ',' && *next != '}') break;
    f->at = text;
    seen |= 1u << k; /* the bit of KEY_NONE is nobody's */
    any_taken = true;
    at = next;
    if (*next == '}' || next[1] != '"') break;
    at++;
  }
  /* On a quote: the comma before it was taken already, unless nothing was. */
  if (any_taken && *at == '"') at--;
  s->at = at;
  s->seen = seen;
  return any_taken;
}
