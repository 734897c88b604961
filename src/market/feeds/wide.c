/* SPDX-License-Identifier: MIT */
#include "market/feeds/wide.h"

enum { UNKNOWN = 0xfffd, HIGH = 0xd800, LOW = 0xdc00, BEHIND = 0xe000 };

/* FF FE 00 00 would be UTF-32. */
bool assay_wide_is(const uint8_t *bytes, size_t size) {
  if (size < 2) return false;
  if (bytes[0] == 0xfe) return bytes[1] == 0xff;
  return bytes[0] == 0xff && bytes[1] == 0xfe && !(size >= 4 && bytes[2] == 0 && bytes[3] == 0);
}

static unsigned unit_at(const assay_wide *w, size_t at) {
  return w->is_big ? (unsigned)w->in[at] << 8 | w->in[at + 1] : (unsigned)w->in[at + 1] << 8 | w->in[at];
}

static void make(assay_wide *w, uint32_t c) {
  const size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = size; i-- > 1; c >>= 6) w->made[i] = (uint8_t)(0x80 | (c & 0x3f));
  w->made[0] = (uint8_t)(leads[size] | c);
  w->made_size = size;
  w->made_at = 0;
}

/* False: it is not all here. A half of a pair, and half of a unit at the end, are no character. */
static bool make_next(assay_wide *w) {
  const size_t left = w->used - w->at;
  if (left < 2) {
    if (left == 0 || !w->ended) return false;
    w->at = w->used;
    make(w, UNKNOWN);
    return true;
  }
  const unsigned first = unit_at(w, w->at);
  const bool is_high = first >= HIGH && first < LOW;
  if (is_high && left < 4 && !w->ended) return false;
  const unsigned second = is_high && left >= 4 ? unit_at(w, w->at + 2) : 0;
  const bool is_pair = second >= LOW && second < BEHIND;
  w->at += is_pair ? 4 : 2;
  make(w, is_pair ? 0x10000 + ((first - HIGH) << 10) + (second - LOW) : first >= HIGH && first < BEHIND ? UNKNOWN : first);
  return true;
}

size_t assay_wide_read(assay_wide *w, uint8_t *bytes, size_t most) {
  size_t got = 0;
  while (got < most && (w->made_at < w->made_size || make_next(w))) bytes[got++] = w->made[w->made_at++];
  return got;
}
