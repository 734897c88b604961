/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t plain; /* lives as long as the program */

static void make_plain(void) { plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* Of this thread alone. Without memory for a locale the one that is there has to do. */
static locale_t enter_plain(void) {
  pthread_once(&once, make_plain);
  return plain != (locale_t)0 ? uselocale(plain) : (locale_t)0;
}

static void leave_plain(locale_t before) {
  if (before != (locale_t)0) uselocale(before);
}

int assay_vsnprintf(char *out, size_t size, const char *format, va_list args) {
  locale_t before = enter_plain();
  int length = vsnprintf(out, size, format, args);
  leave_plain(before);
  return length;
}

int assay_snprintf(char *out, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = assay_vsnprintf(out, size, format, args);
  va_end(args);
  return length;
}

double assay_strtod(const char *text, char **end) {
  locale_t before = enter_plain();
  double value = strtod(text, end);
  leave_plain(before);
  return value;
}

const uint64_t assay_tens[20] = {UINT64_C(1),
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

/* ---- Shortest text of a double ------------------------------------------------------------------------------------------------------- */

/*
 * Most numbers are between 1e-4 and 1e15. There, value 10^k for the k that leaves 17 digits before the point is m 10^k / 2^shift with whole
 * numbers that fit into 128 bits, so rounding to 15, 16 or 17 digits is exact, and so is the question whether the digits read back as
 * the same double: they do if they are off by less than half a unit of m. printf and strtod ask that of numbers of any size, up to three
 * times each.
 */
__extension__ typedef unsigned __int128 wide;

typedef struct fraction {
  uint64_t m; /* value = m / 2^shift */
  int shift;
  bool narrow; /* the double below is only half as far away */
} fraction;

static fraction fraction_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint64_t low = bits & ((UINT64_C(1) << 52) - 1);
  return (fraction){low | UINT64_C(1) << 52, 1075 - (int)(bits >> 52 & 0x7ff), low == 0};
}

static wide ten_to(int k) { return k <= 19 ? assay_tens[k] : (wide)assay_tens[19] * assay_tens[k - 19]; }

/* value 10^k to a whole number, ties to even; true if that is close enough to read back. */
static bool round_at(fraction f, int k, uint64_t *whole) {
  wide power = ten_to(k), scaled = power * f.m;
  uint64_t found = (uint64_t)(scaled >> f.shift);
  wide rest = scaled - ((wide)found << f.shift), half = (wide)1 << (f.shift - 1);
  bool up = rest > half || (rest == half && (found & 1) != 0);
  *whole = found + up;
  wide off = up ? ((wide)1 << f.shift) - rest : rest;
  if (f.narrow && !up) off *= 2;
  return 2 * off < power || (2 * off == power && (f.m & 1) == 0);
}

/* Of 1e-4 <= value < 1e15. */
static size_t write_usual(double value, char *out) {
  fraction f = fraction_of(value);
  int places = 1; /* before the point; 0, -1, -2, -3: zeros behind it */
  if (value >= 1)
    while (value >= (double)assay_tens[places]) places++;
  else
    places = value >= 0.1 ? 0 : value >= 0.01 ? -1 : value >= 0.001 ? -2 : -3;
  uint64_t whole = 0;
  int decimals = 0;
  for (int digits = 15; digits <= 17; digits++) {
    decimals = digits - places;
    if (round_at(f, decimals, &whole)) break;
  }
  while (decimals > 0 && whole % 10 == 0) whole /= 10, decimals--;
  char reversed[40];
  size_t count = 0, length = 0;
  do {
    reversed[count++] = (char)('0' + whole % 10);
    whole /= 10;
    if (--decimals == 0) reversed[count++] = '.';
  } while (whole > 0 || decimals >= 0);
  while (count > 0) out[length++] = reversed[--count];
  out[length] = '\0';
  return length;
}

size_t assay_write_double(double value, char out[ASSAY_NUMBER_TEXT]) {
  double size = value < 0 ? -value : value;
  if (size >= 1e-4 && size < 1e15) {
    if (value < 0) *out = '-';
    return (value < 0) + write_usual(size, out + (value < 0));
  }
  int length = 0;
  for (int digits = 15; digits <= 17; digits++) {
    length = assay_snprintf(out, ASSAY_NUMBER_TEXT, "%.*g", digits, value);
    if (assay_strtod(out, NULL) == value) break;
  }
  return (size_t)length;
}
