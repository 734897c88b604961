/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

/* More than any kernel's NR_CPUS of today; the set takes 2 KiB. */
enum { CPUS = 16384 };

size_t assay_os_allowed_cpus(unsigned *cpus, size_t capacity) {
  size_t size = CPU_ALLOC_SIZE(CPUS), count = 0;
  cpu_set_t *set = CPU_ALLOC(CPUS);
  if (set == NULL) return 0;
  CPU_ZERO_S(size, set);
  if (sched_getaffinity(0, size, set) == 0) {
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
      if (!CPU_ISSET_S(cpu, size, set)) continue;
      if (count < capacity) cpus[count] = cpu;
      count++;
    }
  }
  CPU_FREE(set);
  return count;
}

assay_status assay_os_pin_thread(const unsigned *cpus, size_t count, assay_error *err) {
  size_t size = CPU_ALLOC_SIZE(CPUS);
  cpu_set_t *set = CPU_ALLOC(CPUS);
  if (set == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a CPU set");
  CPU_ZERO_S(size, set);
  for (size_t i = 0; i < count; i++) {
    if (cpus[i] < CPUS) CPU_SET_S(cpus[i], size, set);
  }
  int code = sched_setaffinity(0, size, set) == 0 ? 0 : errno;
  CPU_FREE(set);
  return code == 0 ? ASSAY_OK : ASSAY_FAIL_ERRNO(err, code, "cannot pin the thread to %zu CPUs", count);
}

int assay_os_current_cpu(void) { return sched_getcpu(); }

assay_status assay_os_self_path(assay_error *err, char **path) {
  char buffer[4096];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer - 1);
  if (length < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot read /proc/self/exe");
  buffer[length] = '\0';
  char *copy = assay_strdup(ASSAY_TAG_BASE, buffer);
  if (copy == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  *path = copy;
  return ASSAY_OK;
}
