/* SPDX-License-Identifier: MIT */
#include "os/linux/cgroup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/number.h"
#include "os/cgroup.h"
#include "os/prim.h"

/* Mount point and path of the group that rules `controller`, as texts. */
typedef struct place {
  char mount[1024], path[2048];
  bool v2;
} place;

static bool find_place(const char *controller, place *found) {
  char *mounts = NULL, *self = NULL;
  size_t length;
  bool is_there = false;
  if (assay_os_read_file("/proc/mounts", 1 << 22, NULL, &mounts, &length) == ASSAY_OK &&
      assay_os_read_file("/proc/self/cgroup", 1 << 16, NULL, &self, &length) == ASSAY_OK) {
    assay_cgroup group = assay_cgroup_find(mounts, self, controller);
    is_there = group.mount != NULL && group.mount_length < sizeof found->mount && group.path_length < sizeof found->path;
    if (is_there) {
      snprintf(found->mount, sizeof found->mount, "%.*s", (int)group.mount_length, group.mount);
      snprintf(found->path, sizeof found->path, "%.*s", (int)group.path_length, group.path);
      found->v2 = group.v2;
    }
  }
  assay_free(mounts);
  assay_free(self);
  return is_there;
}

static bool try_path(const char *mount, const char *group, const char *file, char *path, size_t size) {
  int length = snprintf(path, size, "%s%s/%s", mount, strcmp(group, "/") == 0 ? "" : group, file);
  return length > 0 && (size_t)length < size && access(path, R_OK) == 0;
}

bool assay_cgroup_path(const char *file, const char *controller, char *path, size_t size) {
  place at;
  if (!find_place(controller, &at) || at.v2 != (controller == NULL)) return false;
  /* In a container the group's own path is often not visible: its files are then at the mount itself. */
  return try_path(at.mount, at.path, file, path, size) || try_path(at.mount, "/", file, path, size);
}

static bool read_text(const char *mount, const char *path, const char *file, char *text, size_t size) {
  char name[4096];
  int length = snprintf(name, sizeof name, "%s%s/%s", mount, path, file);
  FILE *stream = length > 0 && (size_t)length < sizeof name ? fopen(name, "re") : NULL;
  if (stream == NULL) return false;
  bool read = fgets(text, (int)size, stream) != NULL;
  fclose(stream);
  return read;
}

/* "150000 100000" or "max 100000"; version 1 has two files, and -1 for no limit. NaN when this group sets none. */
static double quota_of(const place *at, const char *path) {
  char text[64], period_text[64];
  if (!read_text(at->mount, path, at->v2 ? "cpu.max" : "cpu.cfs_quota_us", text, sizeof text)) return NAN;
  char *end = text;
  double quota = assay_strtod(text, &end), period = 0;
  if (end == text || !(quota > 0)) return NAN;
  if (at->v2)
    period = assay_strtod(end, NULL);
  else if (read_text(at->mount, path, "cpu.cfs_period_us", period_text, sizeof period_text))
    period = assay_strtod(period_text, NULL);
  return period > 0 ? quota / period : NAN;
}

/* Bytes; version 1 says no limit by a number close to 2^63, version 2 by "max". NaN when this group sets none. */
static double memory_of(const place *at, const char *path) {
  char text[64];
  if (!read_text(at->mount, path, at->v2 ? "memory.max" : "memory.limit_in_bytes", text, sizeof text)) return NAN;
  char *end = text;
  double bytes = assay_strtod(text, &end);
  return end != text && bytes > 0 && bytes < 0x1p60 ? bytes : NAN;
}

/* The least that this process's group and those above it allow. */
static double tightest(const char *controller, double (*limit_of)(const place *, const char *)) {
  place at;
  if (!find_place(controller, &at)) return NAN;
  double least = NAN;
  for (size_t length = strlen(at.path);;) {
    while (length > 0 && at.path[length - 1] == '/') length--;
    at.path[length] = '\0';
    least = fmin(least, limit_of(&at, at.path)); /* fmin passes over NaN */
    if (length == 0) return least;
    while (length > 0 && at.path[length - 1] != '/') length--;
  }
}

double assay_os_cpu_quota(void) { return tightest("cpu", quota_of); }
double assay_os_memory_limit(void) { return tightest("memory", memory_of); }

bool assay_cgroup_to_parent(char *path) {
  static const char top[] = "/sys/fs/cgroup";
  char *file = strrchr(path, '/');
  if (file == NULL || strncmp(path, top, sizeof top - 1) != 0) return false;
  char *group = file;
  while (group > path && group[-1] != '/') group--;
  if (group <= path + sizeof top - 1) return false; /* the mount itself */
  memmove(group, file + 1, strlen(file + 1) + 1);
  return true;
}
