/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "os/prim.h"

int assay_os_counter_open(assay_os_counter counter, char *cause, size_t size) {
  snprintf(
      cause, size, "%s",
      counter == ASSAY_OS_MIGRATIONS ? "macOS does not publish migrations" : "macOS gives hardware counters to root and Instruments only");
  return -1;
}

double assay_os_counter_read(int fd) {
  (void)fd;
  return NAN;
}
