/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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
