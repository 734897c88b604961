/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "os/prim.h"

/* Field 22 of /proc/PID/stat, in clock ticks since boot; the command (field 2) may hold spaces and brackets, so counting begins behind its
 * last one. */
static bool read_start(int pid, uint64_t *started) {
  char path[64], *text = NULL;
  size_t length = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (assay_os_read_file(path, 65536, NULL, &text, &length) != ASSAY_OK) return false;
  char *at = strrchr(text, ')');
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  if (at != NULL) *started = strtoull(at, NULL, 10);
  assay_free(text);
  return at != NULL;
}

bool assay_os_identify(int pid, assay_os_identity *identity) {
  assay_os_identity found = {.pid = pid};
  char *boot = NULL;
  size_t length = 0;
  struct stat space;
  if (!read_start(pid, &found.started)) return false;
  if (assay_os_read_file("/proc/sys/kernel/random/boot_id", 4096, NULL, &boot, &length) == ASSAY_OK) {
    boot[strcspn(boot, "\n")] = '\0';
    snprintf(found.boot, sizeof found.boot, "%s", boot);
    assay_free(boot);
  }
  if (stat("/proc/self/ns/pid", &space) == 0) found.pid_namespace = space.st_ino;
  *identity = found;
  return true;
}
