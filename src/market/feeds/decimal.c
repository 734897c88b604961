/* SPDX-License-Identifier: MIT */
#include "market/feeds/decimal.h"

#include <assay/feeds.h>

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

/* "1e-05", "1.5E+3", as programs write small and large numbers. The digits are read as a whole number, which is then shifted. */
size_t assay_feed_decimal_scaled(const char *text, size_t length, unsigned decimals, int64_t *value) {
  uint64_t number = 0, exponent = 0;
  int64_t behind = 0;
  size_t at = 0, digits = 0;
  bool has_point = false, negative = length > 0 && text[0] == '-';
  for (at += negative; at < length && ((text[at] >= '0' && text[at] <= '9') || (text[at] == '.' && !has_point)); at++) {
    has_point = has_point || text[at] == '.';
    if (text[at] == '.') continue;
    if (!push(&number, (unsigned)(text[at] - '0'))) return 0;
    behind += has_point;
    digits++;
  }
  if (digits == 0 || at + 1 >= length || (text[at] | 0x20) != 'e') return 0;
  const bool is_small = text[++at] == '-';
  if (is_small || text[at] == '+') at++;
  size_t read = assay_feed_whole_slow(text + at, length - at, &exponent);
  if (read == 0 || exponent > 400) return 0;
  int64_t shift = (int64_t)decimals - behind + (is_small ? -(int64_t)exponent : (int64_t)exponent);
  for (; shift > 0 && number != 0; shift--)
    if (!push(&number, 0)) return 0;
  for (; shift < 0 && number != 0; shift++, number /= 10)
    if (number % 10 != 0) return 0;
  if (number > (uint64_t)INT64_MAX) return 0;
  *value = negative ? -(int64_t)number : (int64_t)number;
  return at + read;
}

bool assay_feed_decimal(const char *text, size_t length, unsigned decimals, int64_t *value) {
  int64_t number = 0;
  if (length == 0 || decimals > ASSAY_FEED_MOST_DECIMALS || assay_feed_decimal_slow(text, length, decimals, &number) != length)
    return false;
  *value = number;
  return true;
}
