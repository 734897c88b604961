/* SPDX-License-Identifier: MIT */
/* macOS publishes neither the CPU of a thread nor a way to choose it; it schedules by quality-of-service class. */
#include <mach-o/dyld.h>
#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

size_t assay_os_allowed_cpus(unsigned *cpus, size_t capacity) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  size_t count = online > 0 ? (size_t)online : 1;
  for (size_t i = 0; i < count && i < capacity; i++) cpus[i] = (unsigned)i;
  return count;
}

double assay_os_cpu_quota(void) { return NAN; } /* macOS has no quotas */
double assay_os_memory_limit(void) { return NAN; }

assay_status assay_os_pin_thread(const unsigned *cpus, size_t count, assay_error *err) {
  (void)cpus;
  (void)count;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "macOS does not let a program choose its CPU");
}

int assay_os_current_cpu(void) { return -1; }

assay_status assay_os_self_path(assay_error *err, char **path) {
  char buffer[4096];
  uint32_t size = sizeof buffer;
  if (_NSGetExecutablePath(buffer, &size) != 0) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "the executable's path is too long");
  char *copy = assay_strdup(ASSAY_TAG_BASE, buffer);
  if (copy == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  *path = copy;
  return ASSAY_OK;
}
