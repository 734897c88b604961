/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include "os/prim.h"

bool assay_os_sysctl(const char *name, bool text, char *out, size_t size) {
  char value[1024] = {0};
  size_t length = sizeof value - 1;
  if (sysctlbyname(name, value, &length, NULL, 0) != 0) return false;
  uint64_t number = 0;
  uint32_t half = 0;
  if (text) {
    snprintf(out, size, "%s", value);
    return value[0] != '\0';
  }
  if (length == sizeof number) {
    memcpy(&number, value, sizeof number);
  } else if (length == sizeof half) {
    memcpy(&half, value, sizeof half);
    number = half;
  } else {
    return false;
  }
  snprintf(out, size, "%" PRIu64, number);
  return true;
}
