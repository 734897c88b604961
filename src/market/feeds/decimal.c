/* SPDX-License-Identifier: MIT */
#include "market/feeds/decimal.h"

#include <assay/feeds.h>

const uint64_t assay_feed_ten_to[20] = {UINT64_C(1),
                                        UINT64_C(10),
                                        UINT64_C(100),
                                        UINT64_C(1000),
                                        UINT64_C(10000),
                                        UINT64_C(100000),
                                        UINT64_C(1000000),
                                        UINT64_C(10000000),
                                        UINT64_C(100000000),
                                        UINT64_C(1000000000),
                                        UINT64_C(10000000000),
                                        UINT64_C(100000000000),
                                        UINT64_C(1000000000000),
                                        UINT64_C(10000000000000),
                                        UINT64_C(100000000000000),
                                        UINT64_C(1000000000000000),
                                        UINT64_C(10000000000000000),
                                        UINT64_C(100000000000000000),
                                        UINT64_C(1000000000000000000),
                                        UINT64_C(10000000000000000000)};

static bool push(uint64_t *number, unsigned digit) {
  return !__builtin_mul_overflow(*number, 10, number) && !__builtin_add_overflow(*number, digit, number);
}

size_t assay_feed_whole_slow(const char *text, size_t length, uint64_t *value) {
  uint64_t number = 0;
  size_t at = 0;
  for (; at < length && text[at] >= '0' && text[at] <= '9'; at++)
    if (!push(&number, (unsigned)(text[at] - '0'))) return 0;
  if (at > 0) *value = number;
  return at;
}

size_t assay_feed_decimal_slow(const char *text, size_t length, unsigned decimals, int64_t *value) {
  uint64_t number = 0;
  size_t at = 0, digits = 0;
  unsigned behind = 0;
  bool negative = at < length && text[at] == '-';
  if (negative) at++;
  for (; at < length && text[at] >= '0' && text[at] <= '9'; at++, digits++)
    if (!push(&number, (unsigned)(text[at] - '0'))) return 0;
  if (at < length && text[at] == '.') {
    at++;
    for (; at < length && text[at] >= '0' && text[at] <= '9'; at++, digits++) {
      if (behind == decimals) {
        if (text[at] != '0') return 0;
        continue;
      }
      behind++;
      if (!push(&number, (unsigned)(text[at] - '0'))) return 0;
    }
  }
  if (digits == 0) return 0;
  for (; behind < decimals; behind++)
    if (!push(&number, 0)) return 0;
  if (number > (uint64_t)INT64_MAX) return 0;
  *value = negative ? -(int64_t)number : (int64_t)number;
  return at;
}

bool assay_feed_decimal(const char *text, size_t length, unsigned decimals, int64_t *value) {
  int64_t number = 0;
  if (length == 0 || decimals > ASSAY_FEED_MOST_DECIMALS || assay_feed_decimal_slow(text, length, decimals, &number) != length)
    return false;
  *value = number;
  return true;
}
