/* SPDX-License-Identifier: MIT */
/*
 * Messages of ITCH as events, without a branch on their types: what a message is follows no pattern that a processor could learn, and a
 * wrong guess costs more than all the rest. The seven types that orders are made of (98 % of a day) differ only in where their fields
 * stand, and that is a row of a table: the masks with which bytes are picked out of 16-byte pieces of the message, turning them around on
 * the way.
 *
 * What is left is one chain through all messages: the length of one says where the next begins (a load and two additions, about 6 cycles).
 */
#include <assay/feed_itch.h>

#if defined(__x86_64__)
#include <stdatomic.h>
#include <tmmintrin.h>

#include "os/isa.h"
#define FAST_TARGET __attribute__((target("ssse3")))
typedef __m128i piece;
#define LOAD(from) _mm_loadu_si128((const __m128i *)(const void *)(from))
#define PICK(bytes, mask) _mm_shuffle_epi8(bytes, mask)
#define BOTH(a, b) _mm_or_si128(a, b)
#define STORE(to, bytes) _mm_storeu_si128((__m128i *)(void *)(to), bytes)
#define LAST_AND_FIRST_15(before, after) _mm_alignr_epi8(after, before, 15)
#define ONLY(bytes, mask) _mm_and_si128(bytes, mask)
#define SET_SYMBOL(bytes, symbol) _mm_insert_epi16(bytes, symbol, 4)
/* Asked once: in a virtual machine the question itself takes microseconds. */
static bool is_fast(void) {
  static _Atomic int known; /* 0: not asked, 1: no, 2: yes */
  int answer = atomic_load_explicit(&known, memory_order_relaxed);
  if (answer == 0) {
    answer = (assay_isa_usable() & ASSAY_ISA_SSE42) != 0 ? 2 : 1;
    atomic_store_explicit(&known, answer, memory_order_relaxed);
  }
  return answer == 2;
}
#elif defined(__aarch64__) && defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#define FAST_TARGET
typedef uint8x16_t piece;
#define LOAD(from) vld1q_u8((const uint8_t *)(from))
#define PICK(bytes, mask) vqtbl1q_u8(bytes, mask)
#define BOTH(a, b) vorrq_u8(a, b)
#define STORE(to, bytes) vst1q_u8((uint8_t *)(to), bytes)
#define LAST_AND_FIRST_15(before, after) vextq_u8(before, after, 15)
#define ONLY(bytes, mask) vandq_u8(bytes, mask)
#define SET_SYMBOL(bytes, symbol) vreinterpretq_u8_u16(vsetq_lane_u16(symbol, vreinterpretq_u16_u8(bytes), 4))
static bool is_fast(void) { return true; }
#endif

_Static_assert(sizeof(assay_market_event) == 48 && offsetof(assay_market_event, price) == 16 &&
                   offsetof(assay_market_event, other_id) == 32 && offsetof(assay_market_event, symbol) == 40 &&
                   offsetof(assay_market_event, kind) == 44 && offsetof(assay_market_event, decimals) == 46,
               "an event is three pieces of 16 bytes");

static size_t one_by_one(assay_feed_reader *reader, assay_market_event *events, size_t capacity) {
  assay_itch_message message;
  size_t count = 0;
  while (count < capacity && assay_itch_next(reader, &message) == ASSAY_FEED_MESSAGE) assay_itch_event(&message, &events[count++]);
  return count;
}

#ifdef LOAD
enum { Z = 0x80 }; /* in a mask: this byte becomes 0 */

/* Bytes 4 to 19 of a message: half the tracking number, time, order, one more. Becomes time and order. */
static const uint8_t time_and_order[16] = {6, 5, 4, 3, 2, 1, Z, Z, 14, 13, 12, 11, 10, 9, 8, 7};
/* Of the flags only "non-printable", which is the one bit that 'N' has and 'Y' has not. */
static const uint8_t without_printable[16] = {255, 255, 255, 255, 255, 255, 255, 255,
                                              255, 255, 255, 255, 255, 255, 255, ASSAY_MARKET_HIDDEN};
_Static_assert(('N' & ASSAY_MARKET_HIDDEN) == ASSAY_MARKET_HIDDEN && ('Y' & ASSAY_MARKET_HIDDEN) == 0, "a bit that tells N from Y");

typedef struct shape {
  uint8_t near[16];  /* of bytes 19 to 34: price and quantity */
  uint8_t far[16];   /* of bytes 20 to 35: the same, for those that end there */
  uint8_t other[16]; /* of bytes 19 to 34: other_id, then where symbol, kind, side, decimals and flags are */
  uint8_t fixed[16]; /* kind and decimals */
} shape;

#define NONE \
  { Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z }
#define KIND(kind) \
  { [12] = kind, [14] = 4 }
#define ADD                                                                                                                               \
  {                                                                                                                                       \
    .near = NONE, .far = {15, 14, 13, 12, Z, Z, Z, Z, 3, 2, 1, 0, Z, Z, Z, Z}, .other = {Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, 0, Z, Z}, \
    .fixed = KIND(ASSAY_MARKET_ADD)                                                                                                       \
  }
/* By the low five bits of the type's character, which tell these seven apart; `hot` says whether it is one of them. */
static const _Alignas(64) shape shapes[32] = {
    ['A' & 31] = ADD,
    ['F' & 31] = ADD,
    ['E' & 31] = {.near = {Z, Z, Z, Z, Z, Z, Z, Z, 3, 2, 1, 0, Z, Z, Z, Z},
                  .far = NONE,
                  .other = {11, 10, 9, 8, 7, 6, 5, 4, Z, Z, Z, Z, Z, Z, Z, Z},
                  .fixed = KIND(ASSAY_MARKET_EXECUTE)},
    ['C' & 31] = {.near = {Z, Z, Z, Z, Z, Z, Z, Z, 3, 2, 1, 0, Z, Z, Z, Z},
                  .far = {15, 14, 13, 12, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z},
                  .other = {11, 10, 9, 8, 7, 6, 5, 4, Z, Z, Z, Z, Z, Z, Z, 12},
                  .fixed = KIND(ASSAY_MARKET_EXECUTE)},
    ['X' & 31] = {.near = {Z, Z, Z, Z, Z, Z, Z, Z, 3, 2, 1, 0, Z, Z, Z, Z}, .far = NONE, .other = NONE, .fixed = KIND(ASSAY_MARKET_CANCEL)},
    ['D' & 31] = {.near = NONE, .far = NONE, .other = NONE, .fixed = KIND(ASSAY_MARKET_DELETE)},
    ['U' & 31] = {.near = {15, 14, 13, 12, Z, Z, Z, Z, 11, 10, 9, 8, Z, Z, Z, Z},
                  .far = NONE,
                  .other = {7, 6, 5, 4, 3, 2, 1, 0, Z, Z, Z, Z, Z, Z, Z, Z},
                  .fixed = KIND(ASSAY_MARKET_REPLACE)},
};
/* Their lengths as the two bytes before them are read; 0xffff never is one, so that no block of another type, and none of length 0, passes.
 */
#define COLD 0xffff
#define LONG(bytes) ((bytes) << 8)
static const uint16_t hot[256] = {
    [0 ... '@'] = COLD,   ['A'] = LONG(36), ['B'] = COLD, ['C'] = LONG(36), ['D'] = LONG(19), ['E'] = LONG(31),     ['F'] = LONG(40),
    ['G' ... 'T'] = COLD, ['U'] = LONG(35), ['V'] = COLD, ['W'] = COLD,     ['X'] = LONG(23), ['Y' ... 255] = COLD,
};
/* The longest of them, and what is loaded of the shortest, lie within this many bytes of a block. */
enum { REACH = 2 + 48 };

FAST_TARGET static size_t in_pieces(assay_feed_reader *reader, assay_market_event *events, size_t capacity) {
  const uint8_t *at = reader->data + reader->at;
  if (reader->size - reader->at < REACH) return 0;
  const uint8_t *safe = reader->data + reader->size - REACH;
  const piece first = LOAD(time_and_order), wanted = LOAD(without_printable);
  assay_market_event *out = events, *end = events + capacity;
  while (out < end && at <= safe) {
    /* Length, type and symbol with one load: loads are what there is least of. But where the next message begins, everything waits for:
     * that has a load of its own, which needs no shift behind it. */
    const uint8_t *message = at + 2, *next = message + at[1]; /* all of them are shorter than 256 */
    uint64_t front;
    memcpy(&front, at, sizeof front);
    if (__builtin_expect((uint16_t)front != hot[(uint8_t)(front >> 16)], 0)) {
      assay_itch_message rare = {.as = (const assay_itch_body *)message, .length = assay_be16(at), .type = (char)*message};
      if (rare.length == 0 || rare.length != assay_itch_lengths[*message]) break;
      if (rare.length + (size_t)2 > (size_t)(reader->data + reader->size - at)) break;
      assay_itch_event(&rare, out++);
      at += 2 + rare.length;
      continue;
    }
    const shape *row = &shapes[front >> 16 & 31];
    piece head = LOAD(message + 4), far = LOAD(message + 20), near = LAST_AND_FIRST_15(head, far);
    piece other = BOTH(ONLY(PICK(near, LOAD(row->other)), wanted), LOAD(row->fixed));
    STORE(&out->time_ns, PICK(head, first));
    STORE(&out->price, BOTH(PICK(near, LOAD(row->near)), PICK(far, LOAD(row->far))));
    STORE(&out->other_id, SET_SYMBOL(other, __builtin_bswap16((uint16_t)(front >> 24))));
    out++;
    at = next;
  }
  reader->at = (size_t)(at - reader->data);
  reader->count += (uint64_t)(out - events);
  return (size_t)(out - events);
}
#endif

size_t assay_itch_events(assay_feed_reader *reader, assay_market_event *events, size_t capacity) {
  size_t count = 0;
#ifdef LOAD
  if (reader->fault.problem != NULL) return 0;
  if (is_fast()) count = in_pieces(reader, events, capacity);
#endif
  /* What it left: the end of the window, an end of a file in its middle, or a fault. */
  if (count < capacity) count += one_by_one(reader, events + count, capacity - count);
  return count;
}
