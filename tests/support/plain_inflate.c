/* SPDX-License-Identifier: MIT */
#include "plain_inflate.h"

#include <stdlib.h>
#include <string.h>

enum { CUT_OFF = 1, WRONG = 1007, TOO_BIG = 1009 };

typedef struct input {
  const uint8_t *bytes;
  size_t bit, bits; /* the next one; all */
} input;

/* Bits come lowest first. False at the end. */
static bool take(input *in, unsigned count, unsigned *value) {
  unsigned got = 0;
  if (in->bits - in->bit < count) return false;
  for (unsigned i = 0; i < count; i++, in->bit++) got |= (unsigned)(in->bytes[in->bit / 8] >> in->bit % 8 & 1) << i;
  *value = got;
  return true;
}

/* Codes of `count` symbols by their lengths (section 3.2.2): shorter codes come first, and of one length they go up with the symbols. */
typedef struct codes {
  uint8_t lengths[320];
  unsigned count;
  uint16_t of_length[16], sorted[320]; /* how many of each length; all symbols by their codes */
} codes;

static void sort_codes(codes *c) {
  unsigned at = 0;
  for (unsigned length = 1; length <= 15; length++) {
    for (unsigned i = 0; i < c->count; i++) {
      if (c->lengths[i] != length) continue;
      c->sorted[at++] = (uint16_t)i;
      c->of_length[length]++;
    }
  }
}

/* How much of all codes is used, in 2^-15; 0: none at all. */
static unsigned used(const codes *c) {
  unsigned sum = 0;
  for (unsigned i = 0; i < c->count; i++) sum += c->lengths[i] > 0 ? 1u << (15 - c->lengths[i]) : 0;
  return sum;
}

static bool one_code_of_one_bit(const codes *c) {
  unsigned ones = 0, more = 0;
  for (unsigned i = 0; i < c->count; i++) ones += c->lengths[i] == 1, more += c->lengths[i] > 1;
  return ones == 1 && more == 0;
}

/* The next symbol: codes come highest bit first. 0, CUT_OFF or WRONG. */
static unsigned take_symbol(input *in, const codes *c, unsigned *symbol) {
  unsigned code = 0, first = 0, at = 0;
  for (unsigned length = 1; length <= 15; length++) {
    unsigned bit, here = c->of_length[length];
    if (!take(in, 1, &bit)) return CUT_OFF;
    code |= bit;
    if (code >= first && code < first + here) {
      *symbol = c->sorted[at + code - first];
      return 0;
    }
    at += here;
    first = (first + here) << 1;
    code <<= 1;
  }
  return WRONG;
}

static unsigned put(plain_inflate *p, uint8_t byte, size_t limit) {
  if (p->length - p->message >= limit) return TOO_BIG;
  if (p->length == p->capacity) {
    p->capacity = p->capacity * 2 + 1024;
    p->data = realloc(p->data, p->capacity);
    if (p->data == NULL) abort();
  }
  p->data[p->length++] = byte;
  return 0;
}

static unsigned copy(plain_inflate *p, size_t distance, size_t length, size_t limit) {
  if (distance > p->length) return WRONG;
  p->beyond |= distance > p->window;
  unsigned code = 0;
  for (size_t i = 0; code == 0 && i < length; i++) code = put(p, p->data[p->length - distance], limit);
  return code;
}

static unsigned take_data(plain_inflate *p, input *in, const codes *literals, const codes *distances, size_t limit) {
  static const uint16_t length_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                         31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
  static const uint8_t length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
  static const uint16_t distance_base[] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
                                           193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
  for (;;) {
    unsigned symbol, extra = 0, code = take_symbol(in, literals, &symbol);
    if (code != 0) return code;
    if (symbol == 256) return 0;
    if (symbol < 256) {
      code = put(p, (uint8_t)symbol, limit);
      if (code != 0) return code;
      continue;
    }
    if (symbol > 285) return WRONG;
    if (!take(in, length_extra[symbol - 257], &extra)) return CUT_OFF;
    size_t length = length_base[symbol - 257] + extra;
    code = take_symbol(in, distances, &symbol);
    if (code != 0) return code;
    if (symbol > 29) return WRONG;
    if (!take(in, symbol < 4 ? 0 : symbol / 2 - 1, &extra)) return CUT_OFF;
    code = copy(p, distance_base[symbol] + (symbol < 4 ? 0 : extra), length, limit);
    if (code != 0) return code;
  }
}

static void fixed_codes(codes *literals, codes *distances) {
  literals->count = 288;
  for (unsigned i = 0; i < 288; i++) literals->lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  distances->count = 32;
  memset(distances->lengths, 5, 32);
}

static unsigned dynamic_codes(input *in, codes *literals, codes *distances) {
  static const uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  unsigned literal_count, distance_count, count, code;
  codes lengths = {.count = 19};
  if (!take(in, 5, &literal_count) || !take(in, 5, &distance_count) || !take(in, 4, &count)) return CUT_OFF;
  literal_count += 257, distance_count += 1, count += 4;
  if (literal_count > 286 || distance_count > 30) return WRONG;
  for (unsigned i = 0; i < count; i++) {
    unsigned length;
    if (!take(in, 3, &length)) return CUT_OFF;
    lengths.lengths[order[i]] = (uint8_t)length;
  }
  if (used(&lengths) != 1 << 15) return WRONG;
  sort_codes(&lengths);
  uint8_t all[320] = {0};
  for (unsigned at = 0; at < literal_count + distance_count;) {
    unsigned symbol, extra = 0, repeat = 1;
    uint8_t length = 0;
    code = take_symbol(in, &lengths, &symbol);
    if (code != 0) return code;
    if (symbol < 16) length = (uint8_t)symbol;
    if (symbol > 15) {
      if (!take(in, symbol == 16 ? 2 : symbol == 17 ? 3 : 7, &extra)) return CUT_OFF;
      repeat = extra + (symbol == 18 ? 11 : 3);
      if (symbol == 16 && at == 0) return WRONG;
      if (symbol == 16) length = all[at - 1];
      if (at + repeat > literal_count + distance_count) return WRONG;
    }
    memset(all + at, length, repeat);
    at += repeat;
  }
  *literals = (codes){.count = literal_count};
  *distances = (codes){.count = distance_count};
  memcpy(literals->lengths, all, literal_count);
  memcpy(distances->lengths, all + literal_count, distance_count);
  if (all[256] == 0) return WRONG;
  if (used(literals) != 1 << 15 && !one_code_of_one_bit(literals)) return WRONG;
  if (used(distances) != 1 << 15 && used(distances) != 0 && !one_code_of_one_bit(distances)) return WRONG;
  return 0;
}

static unsigned take_stored(plain_inflate *p, input *in, size_t limit) {
  unsigned length, check;
  if (!take(in, 16, &length) || !take(in, 16, &check)) return CUT_OFF;
  if (length != (~check & 0xFFFF)) return WRONG;
  for (unsigned i = 0; i < length; i++) {
    unsigned byte, code;
    if (!take(in, 8, &byte)) return CUT_OFF;
    code = put(p, (uint8_t)byte, limit);
    if (code != 0) return code;
  }
  return 0;
}

unsigned plain_inflate_message(plain_inflate *p, const uint8_t *bytes, size_t length, size_t limit) {
  input in = {.bytes = bytes, .bits = 8 * length};
  p->message = p->length;
  for (unsigned code = 0; code == 0;) {
    unsigned final, type;
    codes literals = {0}, distances = {0};
    if (!take(&in, 1, &final) || !take(&in, 2, &type)) return WRONG;
    if (type == 0) {
      in.bit = (in.bit + 7) / 8 * 8;
      if (in.bit == in.bits) return final ? WRONG : 0; /* the rest of this block is what the sender left out */
      code = take_stored(p, &in, limit);
    } else if (type == 1) {
      fixed_codes(&literals, &distances);
    } else if (type == 2) {
      code = dynamic_codes(&in, &literals, &distances);
    } else {
      return WRONG;
    }
    sort_codes(&literals);
    sort_codes(&distances);
    if (code == 0 && type != 0) code = take_data(p, &in, &literals, &distances, limit);
    if (code == CUT_OFF) return WRONG;
    if (code != 0) return code;
    if (final) in.bit = (in.bit + 7) / 8 * 8;
    if (final && in.bit == in.bits) return 0;
  }
  return WRONG;
}

void plain_inflate_forget(plain_inflate *p) {
  p->length = 0;
  p->message = 0;
}

void plain_inflate_deinit(plain_inflate *p) { free(p->data); }
