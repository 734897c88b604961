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

enum { LEVEL_REACH = 64, LONGEST_IN_LEVEL = 16 };

/* Where the digits of a level's two numbers are, by where its first three quotes and its points are; false: it is not for the fast way. */
static __attribute__((noinline)) bool learn_level(const assay_binance_reader *reader, uint64_t places, assay_binance_level_shape *shape) {
  uint32_t quotes = (uint32_t)places, points = (uint32_t)(places >> 32), second = quotes & (quotes - 1);
  unsigned price_end = (unsigned)__builtin_ctz(quotes), begin = (unsigned)__builtin_ctz(second) + 1;
  unsigned end = (unsigned)__builtin_ctz(second & (second - 1));
  if (begin != price_end + 3) return false;
  const unsigned from[2] = {0, begin}, length[2] = {price_end, end - begin};
  const unsigned decimals[2] = {reader->price_decimals, reader->quantity_decimals};
  for (int i = 0; i < 2; i++) {
    if (length[i] == 0 || length[i] > LONGEST_IN_LEVEL) return false;
    uint32_t mine = points >> from[i] & ((1u << length[i]) - 1);
    unsigned whole = mine != 0 ? (unsigned)__builtin_ctz(mine) : length[i];
    unsigned fraction = whole == length[i] ? 0 : length[i] - whole - 1;
    if ((mine & (mine - 1)) != 0 || whole - 1 >= 16 - decimals[i] || (mine != 0 && fraction == 0)) return false;
    unsigned missing = fraction < decimals[i] ? decimals[i] - fraction : 0, behind = whole + 1 + decimals[i];
    __m128i digits = _mm_add_epi8(load16(slide + decimals[i] + whole), load16(ones + decimals[i])); /* over the point for the decimals */
    digits = _mm_or_si128(digits, _mm_xor_si128(load16(stays + missing), _mm_set1_epi8(-1)));
    _mm_storeu_si128((__m128i *)(shape->digits + 16 * i), digits);
    for (unsigned k = 0; k < 16; k++) shape->zeros[16 * i + (int)k] = k >= behind && k < length[i] ? 255 : 0;
  }
  shape->begin = (uint8_t)begin;
  shape->places = places;
  return true;
}

/*
 * Levels as Binance writes them, without a blank: ["26543.12000000","0.01230000"],... Stands on what follows the last: a comma or the
 * list's end. 0: the first is none of those.
 *
 * Both numbers of a level are worked on at once, in the halves of one register. Which bytes are which digits depends on where the quotes
 * and points are, and a market has few such patterns: they are kept in a small table, so that none of it is a branch on how long a number
 * is.
 */
static size_t fast_levels(scan *s, assay_binance_level *levels, size_t room) {
  const __m256i quote = _mm256_set1_epi8('"'), point = _mm256_set1_epi8('.'), zero = _mm256_set1_epi8('0');
  const __m256i first_eight = _mm256_set1_epi64x(100000000);
  const uint8_t *at = s->at, *behind = at, *const end = s->end;
  assay_binance_level_shape *shapes = s->reader->level_shapes;
  unsigned decimals = s->reader->price_decimals << 8 | s->reader->quantity_decimals | 1u << 16;
  size_t count = 0;
  if (s->reader->level_decimals != decimals) {
    for (int i = 0; i < 1 << ASSAY_BINANCE_LEVEL_BITS; i++) shapes[i].places = 0;
    s->reader->level_decimals = decimals;
  }
  while (count < room && end - at >= LEVEL_REACH) {
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(at + 2));
    uint32_t quotes = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, quote));
    uint32_t points = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, point));
    uint32_t second = quotes & (quotes - 1), third = second & (second - 1), upto = third ^ (third - 1);
    const uint8_t *next = at + 2 + __builtin_ctz(third | 1u << 31) + 2;
    uint64_t places = (quotes & upto) | (uint64_t)(points & upto) << 32;
    assay_binance_level_shape *shape = &shapes[places * UINT64_C(0x9E3779B97F4A7C15) >> (64 - ASSAY_BINANCE_LEVEL_BITS)];
    uint16_t head, tail;
    memcpy(&head, at, sizeof head);
    memcpy(&tail, next - 1, sizeof tail);
    if (__builtin_expect(third == 0, 0)) break;
    if (__builtin_expect(shape->places != places, 0) && !learn_level(s->reader, places, shape)) break;
    unsigned begin = shape->begin;
    __m256i digits = _mm256_inserti128_si256(_mm256_castsi128_si256(load16(at + 2)), load16(at + 2 + begin), 1);
    digits = _mm256_sub_epi8(digits, zero);
    __m256i wrong = _mm256_and_si256(digits, _mm256_loadu_si256((const __m256i *)(const void *)shape->zeros));
    digits = _mm256_shuffle_epi8(digits, _mm256_loadu_si256((const __m256i *)(const void *)shape->digits));
    wrong = _mm256_or_si256(wrong, _mm256_subs_epu8(digits, _mm256_set1_epi8(9)));
    if (head != ('[' | '"' << 8) || at[begin] != ',' || !_mm256_testz_si256(wrong, wrong)) break;
    if (tail != (']' | ',' << 8) && tail != (']' | ']' << 8)) break;
    __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010a));
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00010064));
    __m256i eights = _mm256_madd_epi16(_mm256_packus_epi32(fours, fours), _mm256_set1_epi32(0x00012710));
    __m256i both = _mm256_add_epi64(_mm256_mul_epu32(eights, first_eight), _mm256_srli_epi64(eights, 32));
    _mm_storeu_si128((__m128i *)(void *)&levels[count],
                     _mm_unpacklo_epi64(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)));
    count++;
    behind = next;
    at = next + 1;
    if (tail >> 8 == ']') break;
  }
  s->at = behind;
  return count;
}

/* ---- Members ------------------------------------------------------------------------------------------------------------------------- */

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
    if ((head & 0xffff80ff) != 0x3a220022 || c == '\\' || c == '"' || c < ' ') break;
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
    } else if (*text >= '0' && *text <= '9' && k != KEY_PRICE && k != KEY_QUANTITY) {
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
