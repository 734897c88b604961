/* SPDX-License-Identifier: MIT */
/* FIX as tests write it down: with | for SOH. */
#ifndef FEEDS_FIX_TEXT_H
#define FEEDS_FIX_TEXT_H

#include <assay/feed_fix.h>

#include "test.h"

/* "35=0|49=A|" with its head and its sum, worked out here a second time. */
static inline size_t frame(char *out, const char *body) {
  size_t length = (size_t)snprintf(out, 600, "8=FIX.4.4|9=%zu|%s", strlen(body), body);
  unsigned sum = 0;
  for (size_t i = 0; i < length; i++) {
    if (out[i] == '|') out[i] = 1;
    sum += (unsigned char)out[i];
  }
  return length + (size_t)sprintf(out + length, "10=%03u\001", sum % 256);
}

static inline bool text_is(assay_feed_text text, const char *wanted) {
  return text.length == strlen(wanted) && memcmp(text.at, wanted, text.length) == 0;
}

#endif
