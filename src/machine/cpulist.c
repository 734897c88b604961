/* SPDX-License-Identifier: MIT */
#include "machine/cpulist.h"

#include <ctype.h>
#include <stdlib.h>

enum { CPU_MAX = (1 << 20) - 1 };

static bool parse_number(const char **at, unsigned *number) {
  if (!isdigit((unsigned char)**at)) return false;
  char *end = NULL;
  unsigned long value = strtoul(*at, &end, 10);
  if (value > CPU_MAX) return false;
  *at = end;
  *number = (unsigned)value;
  return true;
}

bool assay_cpulist_parse(const char *text, hwloc_bitmap_t set) {
  hwloc_bitmap_zero(set);
  for (;;) {
    while (isspace((unsigned char)*text) || *text == ',') text++;
    if (*text == '\0') return true;
    unsigned first, last;
    if (!parse_number(&text, &first)) return false;
    last = first;
    if (*text == '-') {
      text++;
      if (!parse_number(&text, &last) || last < first) return false;
    }
    if (hwloc_bitmap_set_range(set, first, (int)last) != 0) return false;
  }
}
