/* SPDX-License-Identifier: MIT */
/*
 * Unmasking and checking of UTF-8, built once for each instruction set. Without vectors this is the plain reading of RFC 6455 section 5.3
 * and RFC 3629 section 4, a byte at a time; it is what the vectors are tested against.
 *
 * With vectors, UTF-8 is checked by the method of Keiser and Lemire ("Validating UTF-8 in less than one instruction per byte", Software:
 * Practice and Experience 51, 2021): whether two neighbouring bytes are wrong together follows from three half bytes, each looked up in a
 * table of sixteen sets of mistakes; a mistake that is in all three sets is there. Only third and fourth bytes need a look further back.
 */
#include "market/websocket/loops.h"

#include <string.h>

#include "market/websocket/lanes.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "masks are rotated as little-endian words"
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define INLINE static inline __attribute__((always_inline))

/* ---- UTF-8, a byte at a time -------------------------------------------------------------------------------------------------------- */

/* The state is the last three bytes, the newest highest, or 0 where no character is open. */
INLINE uint32_t open_character(uint32_t last) {
  bool open = (last >> 16) >= 0xC0 || (last >> 8 & 0xFF) >= 0xE0 || (last & 0xFF) >= 0xF0;
  return open ? last : 0;
}

typedef struct expected {
  unsigned more;     /* bytes that the open character still needs */
  uint8_t low, high; /* bounds of the next one */
} expected;

static expected after_lead(uint8_t lead) {
  if (lead < 0xE0) return (expected){1, 0x80, 0xBF};
  if (lead < 0xF0) return (expected){2, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF};
  return (expected){3, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF};
}

static expected from_state(uint32_t last) {
  uint8_t newest = (uint8_t)(last >> 16), before = (uint8_t)(last >> 8);
  if (last == 0) return (expected){0, 0, 0};
  if (newest >= 0xC0) return after_lead(newest);
  if (before >= 0xE0) return (expected){before < 0xF0 ? 1 : 2, 0x80, 0xBF};
  return (expected){1, 0x80, 0xBF};
}

static bool utf8_bytes(const uint8_t *bytes, size_t length, uint32_t *state) {
  uint32_t last = *state;
  if (last == ASSAY_WS_UTF8_BROKEN) return false;
  expected next = from_state(last);
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = bytes[i];
    bool right = next.more == 0 ? byte < 0x80 || (byte >= 0xC2 && byte <= 0xF4) : byte >= next.low && byte <= next.high;
    if (!right) {
      *state = ASSAY_WS_UTF8_BROKEN;
      return false;
    }
    if (next.more > 0)
      next = (expected){next.more - 1, 0x80, 0xBF};
    else if (byte >= 0x80)
      next = after_lead(byte);
    last = last >> 8 | (uint32_t)byte << 16;
  }
  *state = open_character(last);
  return true;
}

#if WIDTH == 0

static void mask_bytes(uint8_t *out, const uint8_t *in, size_t length, uint32_t mask) {
  uint8_t key[4];
  memcpy(key, &mask, 4);
  for (size_t i = 0; i < length; i++) out[i] = in[i] ^ key[i & 3];
}

static bool check(const uint8_t *bytes, size_t length, uint32_t *state) { return utf8_bytes(bytes, length, state); }

static bool mask_text(uint8_t *bytes, size_t length, uint32_t mask, uint32_t *state) {
  mask_bytes(bytes, bytes, length, mask);
  return utf8_bytes(bytes, length, state);
}

INLINE void unmask(uint8_t *bytes, size_t length, uint32_t mask) { mask_bytes(bytes, bytes, length, mask); }
INLINE bool unmask_checked(uint8_t *bytes, size_t length, uint32_t mask) {
  uint32_t state = 0;
  return mask_text(bytes, length, mask, &state) && state == 0;
}

#else

/* ---- Masks -------------------------------------------------------------------------------------------------------------------------- */

/* The mask for bytes that begin `by` behind where it begins now. */
INLINE uint32_t turned(uint32_t mask, size_t by) {
  unsigned bits = 8 * (unsigned)(by & 3);
  return mask >> bits | mask << ((32 - bits) & 31);
}

/* Fewer than WIDTH bytes: two words that overlap, read before either is written. Returns an OR of all bytes, in its high bits. */
INLINE uint64_t mask_few(uint8_t *out, const uint8_t *in, size_t length, uint32_t mask) {
  uint64_t wide = mask | (uint64_t)mask << 32, a, b;
#if WIDTH > 16
  if (length >= 16) {
    uint64_t c, d;
    memcpy(&a, in, 8);
    memcpy(&b, in + 8, 8);
    memcpy(&c, in + length - 16, 8);
    memcpy(&d, in + length - 8, 8);
    uint32_t later = turned(mask, length);
    uint64_t wide_later = later | (uint64_t)later << 32;
    a ^= wide, b ^= wide, c ^= wide_later, d ^= wide_later;
    memcpy(out, &a, 8);
    memcpy(out + 8, &b, 8);
    memcpy(out + length - 16, &c, 8);
    memcpy(out + length - 8, &d, 8);
    return a | b | c | d;
  }
#endif
  if (length >= 8) {
    uint32_t later = turned(mask, length);
    memcpy(&a, in, 8);
    memcpy(&b, in + length - 8, 8);
    a ^= wide, b ^= later | (uint64_t)later << 32;
    memcpy(out, &a, 8);
    memcpy(out + length - 8, &b, 8);
    return a | b;
  }
  if (length >= 4) {
    uint32_t first, second;
    memcpy(&first, in, 4);
    memcpy(&second, in + length - 4, 4);
    first ^= mask, second ^= turned(mask, length);
    memcpy(out, &first, 4);
    memcpy(out + length - 4, &second, 4);
    return first | second;
  }
  uint64_t seen = 0;
  for (size_t i = 0; i < length; i++) {
    out[i] = in[i] ^ (uint8_t)(mask >> 8 * i);
    seen |= out[i];
  }
  return seen;
}

/* WIDTH bytes and more. The last vector overlaps the one before, so it is read before anything is written. Returns an OR of all bytes. */
INLINE lanes mask_many(uint8_t *out, const uint8_t *in, size_t length, uint32_t mask) {
  lanes m = lanes_all32(mask), tail = lanes_xor(lanes_load(in + length - WIDTH), lanes_all32(turned(mask, length))), seen = tail;
  size_t i = 0;
  for (; i + 2 * WIDTH <= length; i += 2 * WIDTH) {
    lanes a = lanes_xor(lanes_load(in + i), m), b = lanes_xor(lanes_load(in + i + WIDTH), m);
    lanes_store(out + i, a);
    lanes_store(out + i + WIDTH, b);
    seen = lanes_or(seen, lanes_or(a, b));
  }
  if (i + WIDTH <= length) {
    lanes a = lanes_xor(lanes_load(in + i), m);
    lanes_store(out + i, a);
    seen = lanes_or(seen, a);
    i += WIDTH;
  }
  if (i < length) lanes_store(out + length - WIDTH, tail);
  return seen;
}

static void mask_bytes(uint8_t *out, const uint8_t *in, size_t length, uint32_t mask) {
  if (length >= WIDTH)
    mask_many(out, in, length, mask);
  else
    mask_few(out, in, length, mask);
}

/* ---- UTF-8 -------------------------------------------------------------------------------------------------------------------------- */

/* The mistakes, a bit each. OVERLONG_4 shares its bit with TOO_LARGE_8: both are a lead of four bytes before 80 to 8F. */
enum {
  TOO_SHORT = 1,   /* a lead, then no continuation */
  TOO_LONG = 2,    /* ASCII, then a continuation */
  OVERLONG_3 = 4,  /* E0, then 80 to 9F */
  TOO_LARGE = 8,   /* F4, then 90 to BF; F5 and more, then any */
  SURROGATE = 16,  /* ED, then A0 to BF */
  OVERLONG_2 = 32, /* C0 or C1 */
  OVERLONG_4 = 64, /* F0, then 80 to 8F */
  TOO_LARGE_8 = 64,
  TWO_LATER = 128, /* two continuations: right where a third or fourth byte is due, and only there */
  ANY_LOW = TOO_SHORT | TOO_LONG | TWO_LATER
};

static const uint8_t first_upper[16] = {TOO_LONG,
                                        TOO_LONG,
                                        TOO_LONG,
                                        TOO_LONG,
                                        TOO_LONG,
                                        TOO_LONG,
                                        TOO_LONG,
                                        TOO_LONG,
                                        TWO_LATER,
                                        TWO_LATER,
                                        TWO_LATER,
                                        TWO_LATER,
                                        TOO_SHORT | OVERLONG_2,
                                        TOO_SHORT,
                                        TOO_SHORT | OVERLONG_3 | SURROGATE,
                                        TOO_SHORT | TOO_LARGE | TOO_LARGE_8 | OVERLONG_4};
#define LARGE (ANY_LOW | TOO_LARGE | TOO_LARGE_8)
static const uint8_t first_lower[16] = {ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
                                        ANY_LOW | OVERLONG_2,
                                        ANY_LOW,
                                        ANY_LOW,
                                        ANY_LOW | TOO_LARGE,
                                        LARGE,
                                        LARGE,
                                        LARGE,
                                        LARGE,
                                        LARGE,
                                        LARGE,
                                        LARGE,
                                        LARGE,
                                        LARGE | SURROGATE,
                                        LARGE,
                                        LARGE};
#define LATER (TOO_LONG | OVERLONG_2 | TWO_LATER)
static const uint8_t second_upper[16] = {TOO_SHORT,
                                         TOO_SHORT,
                                         TOO_SHORT,
                                         TOO_SHORT,
                                         TOO_SHORT,
                                         TOO_SHORT,
                                         TOO_SHORT,
                                         TOO_SHORT,
                                         LATER | OVERLONG_3 | TOO_LARGE_8 | OVERLONG_4,
                                         LATER | OVERLONG_3 | TOO_LARGE,
                                         LATER | SURROGATE | TOO_LARGE,
                                         LATER | SURROGATE | TOO_LARGE,
                                         TOO_SHORT,
                                         TOO_SHORT,
                                         TOO_SHORT,
                                         TOO_SHORT};

/* Not 0 in lanes whose byte is wrong after the three that stand before it. */
INLINE lanes wrong(lanes here, lanes one, lanes two, lanes three) {
  lanes pair = lanes_and(lanes_look(lanes_table(first_upper), lanes_upper(one)),
                         lanes_look(lanes_table(first_lower), lanes_and(one, lanes_all(15))));
  pair = lanes_and(pair, lanes_look(lanes_table(second_upper), lanes_upper(here)));
  /* The high bit where a lead of three stands two before, or one of four three before. */
  lanes due = lanes_or(lanes_minus(two, lanes_all(0xE0 - 0x80)), lanes_minus(three, lanes_all(0xF0 - 0x80)));
  return lanes_xor(pair, lanes_and(due, lanes_all(0x80)));
}

INLINE lanes wrong_after(lanes here, lanes before) {
  return wrong(here, lanes_shifted(here, before, 1), lanes_shifted(here, before, 2), lanes_shifted(here, before, 3));
}

/* At a place with three bytes of the same text before it. */
INLINE lanes wrong_at(const uint8_t *at) { return wrong(lanes_load(at), lanes_load(at - 1), lanes_load(at - 2), lanes_load(at - 3)); }

/* Not 0 where a character is open at the end: what follows is ASCII. */
INLINE lanes open_at_end(lanes a) {
  static const uint8_t most[32 + WIDTH] = {[0 ... WIDTH + 28] = 0xFF, [WIDTH + 29] = 0xEF, [WIDTH + 30] = 0xDF, [WIDTH + 31] = 0xBF};
  return lanes_minus(a, lanes_load(most + 32));
}

INLINE lanes from_last(uint32_t last) {
  uint8_t bytes[WIDTH] = {0};
  bytes[WIDTH - 3] = (uint8_t)last;
  bytes[WIDTH - 2] = (uint8_t)(last >> 8);
  bytes[WIDTH - 1] = (uint8_t)(last >> 16);
  return lanes_load(bytes);
}

/* No character begins so: C0 and C1 are overlong, F5 and more lie beyond U+10FFFF. */
INLINE bool never_there(uint8_t byte) { return byte == 0xC0 || byte == 0xC1 || byte >= 0xF5; }

/* What is open behind `length` bytes that are right so far; false when the last one can begin nothing. */
INLINE bool set_state(const uint8_t *bytes, size_t length, uint32_t *state) {
  uint32_t last = *state;
  for (size_t i = length < 3 ? 0 : length - 3; i < length; i++) last = last >> 8 | (uint32_t)bytes[i] << 16;
  if (length > 0 && never_there(bytes[length - 1])) return false;
  *state = open_character(last);
  return true;
}

/* Fewer than two vectors, unmasked already: beside the state in a copy with room around it. */
static __attribute__((noinline)) bool check_few(const uint8_t *bytes, size_t length, uint32_t *state) {
  static const uint8_t inside[4 * WIDTH] = {[0 ... 2 * WIDTH - 1] = 0xFF};
  uint8_t copy[3 * WIDTH] = {0};
  lanes_store(copy, from_last(*state));
  memcpy(copy + WIDTH, bytes, length);
  lanes bad = lanes_and(wrong_at(copy + WIDTH), lanes_load(inside + 2 * WIDTH - length));
  if (length > WIDTH) bad = lanes_or(bad, lanes_and(wrong_at(copy + 2 * WIDTH), lanes_load(inside + 3 * WIDTH - length)));
  return !lanes_any(bad) && set_state(bytes, length, state);
}

/* Unmasks and checks in one pass; plain ASCII first, since most text begins so. */
INLINE bool pass(uint8_t *bytes, size_t length, bool masked, uint32_t mask, uint32_t *state) {
  if (*state == ASSAY_WS_UTF8_BROKEN) return false;
  lanes m = lanes_all32(mask);
  size_t i = 0;
  for (; *state == 0 && i + 2 * WIDTH <= length; i += 2 * WIDTH) {
    lanes a = lanes_load(bytes + i), b = lanes_load(bytes + i + WIDTH);
    if (masked) a = lanes_xor(a, m), b = lanes_xor(b, m);
    if (lanes_any_high(lanes_or(a, b))) break;
    if (masked) lanes_store(bytes + i, a), lanes_store(bytes + i + WIDTH, b);
  }
  if (i + 2 * WIDTH <= length) {
    lanes before = from_last(*state), bad = lanes_zero();
    for (; i + 2 * WIDTH <= length; i += 2 * WIDTH) {
      lanes a = lanes_load(bytes + i), b = lanes_load(bytes + i + WIDTH);
      if (masked) {
        a = lanes_xor(a, m), b = lanes_xor(b, m);
        lanes_store(bytes + i, a), lanes_store(bytes + i + WIDTH, b);
      }
      if (lanes_any_high(lanes_or(a, b)))
        bad = lanes_or(bad, lanes_or(wrong_after(a, before), wrong_after(b, a)));
      else
        bad = lanes_or(bad, open_at_end(before));
      before = b;
    }
    if (lanes_any(bad) || !set_state(bytes, i, state)) {
      *state = ASSAY_WS_UTF8_BROKEN;
      return false;
    }
  }
  size_t rest = length - i;
  if (rest == 0) return true;
  if (masked) mask_bytes(bytes + i, bytes + i, rest, mask);
  if (i == 0) {
    if (check_few(bytes + i, rest, state)) return true;
  } else {
    lanes bad = wrong_at(bytes + length - WIDTH);
    if (rest > WIDTH) bad = lanes_or(bad, wrong_at(bytes + i));
    if (!lanes_any(bad) && set_state(bytes + i, rest, state)) return true;
  }
  *state = ASSAY_WS_UTF8_BROKEN;
  return false;
}

static bool mask_text(uint8_t *bytes, size_t length, uint32_t mask, uint32_t *state) { return pass(bytes, length, true, mask, state); }

static bool check(const uint8_t *bytes, size_t length, uint32_t *state) {
  if (length < 16 && WIDTH > 0 && *state == 0) { /* a byte at a time is faster than setting vectors up */
    return utf8_bytes(bytes, length, state);
  }
  return pass((uint8_t *)(uintptr_t)bytes, length, false, 0, state); /* it writes only where there is a mask */
}

INLINE void unmask(uint8_t *bytes, size_t length, uint32_t mask) {
  if (length >= WIDTH)
    mask_many(bytes, bytes, length, mask);
  else
    mask_few(bytes, bytes, length, mask);
}

enum { SHORT_TEXT = 4 * WIDTH };

/* A whole text. A short one is unmasked first, and looked at again only where it is not ASCII. */
INLINE bool unmask_checked(uint8_t *bytes, size_t length, uint32_t mask) {
  uint32_t state = 0;
  if (length > SHORT_TEXT) return mask_text(bytes, length, mask, &state) && state == 0;
  bool plain = length >= WIDTH ? !lanes_any_high(mask_many(bytes, bytes, length, mask))
                               : (mask_few(bytes, bytes, length, mask) & UINT64_C(0x8080808080808080)) == 0;
  return plain || (check(bytes, length, &state) && state == 0);
}

#endif

/* ---- Whole messages of one frame ---------------------------------------------------------------------------------------------------- */

INLINE size_t whole_frames(uint8_t **at, uint8_t *end, bool masked, uint64_t limit, assay_ws_event *events, size_t capacity, bool *broken) {
  uint8_t *p = *at;
  size_t count = 0;
  while (count < capacity && end - p >= 8) {
    uint64_t head;
    memcpy(&head, p, 8);
    unsigned opcode = (unsigned)(head & 0xFF) - 0x80; /* final, nothing reserved: 0x81 or 0x82 */
    if (opcode - 1 > 1 || (head >> 15 & 1) != masked) break;
    size_t length = head >> 8 & 0x7F, header = masked ? 6 : 2;
    uint32_t mask = (uint32_t)(head >> 16);
    if (length >= 126) {
      if (length == 127) break;
      length = (head >> 16 & 0xFF) << 8 | (head >> 24 & 0xFF);
      if (length < 126) break;
      mask = (uint32_t)(head >> 32);
      header += 2;
    }
    if ((size_t)(end - p) < header + length || length > limit) break;
    uint8_t *data = p + header;
    if (opcode == ASSAY_WS_BINARY) {
      if (masked) unmask(data, length, mask);
    } else {
      uint32_t state = 0;
      bool right = masked ? unmask_checked(data, length, mask) : check(data, length, &state) && state == 0;
      if (!right) {
        *broken = true;
        break;
      }
    }
    events[count++] = (assay_ws_event){data, length, (uint8_t)opcode, ASSAY_WS_FIRST | ASSAY_WS_LAST, 0};
    p = data + length;
  }
  *at = p;
  return count;
}

static size_t frames(uint8_t **at, uint8_t *end, bool masked, uint64_t limit, assay_ws_event *events, size_t capacity, bool *broken) {
  return masked ? whole_frames(at, end, true, limit, events, capacity, broken)
                : whole_frames(at, end, false, limit, events, capacity, broken);
}

#define TABLE JOIN(assay_ws_loops_, ASSAY_VARIANT)
extern const assay_ws_loops TABLE;
const assay_ws_loops TABLE = {.mask = mask_bytes, .text = mask_text, .utf8 = check, .frames = frames};
