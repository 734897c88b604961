/* SPDX-License-Identifier: MIT */
/* Text of UTF-16, as Excel and MetaTrader write it, as the UTF-8 that it comes to. */
#ifndef ASSAY_MARKET_FEEDS_WIDE_H
#define ASSAY_MARKET_FEEDS_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ASSAY_WIDE_ROOM = 1 << 18 };

typedef struct assay_wide {
  bool is_big, ended;
  uint8_t made[4]; /* of a character, and not given yet */
  size_t made_at, made_size;
  size_t at, used; /* of `in` */
  uint8_t in[ASSAY_WIDE_ROOM];
} assay_wide;

/* Whether the first bytes (four are enough) are a byte order mark of UTF-16. */
bool assay_wide_is(const uint8_t *bytes, size_t size);
/* What `in` holds, at most `most` bytes; 0: more is needed there. What is no character becomes U+FFFD. */
size_t assay_wide_read(assay_wide *wide, uint8_t *bytes, size_t most);

#endif
