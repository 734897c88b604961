/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

static const struct {
  uint32_t type;
  uint64_t config;
  const char *name;
} events[ASSAY_OS_COUNTER_COUNT] = {
    [ASSAY_OS_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "cycles"},
    [ASSAY_OS_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, "instructions"},
    [ASSAY_OS_CACHE_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, "cache misses"},
    [ASSAY_OS_BRANCH_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, "branch misses"},
    [ASSAY_OS_MIGRATIONS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, "CPU migrations"},
};

static void explain(int code, assay_os_counter counter, char *cause, size_t size) {
  const char *name = events[counter].name;
  char *paranoid = NULL;
  size_t length = 0;
  switch (code) {
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
      snprintf(cause, size, "this CPU or hypervisor gives no hardware counters (%s: perf_event_open: %s)", name,
               code == ENOENT ? "ENOENT" : strerror(code));
      break;
    case EACCES:
    case EPERM:
      if (assay_os_read_file("/proc/sys/kernel/perf_event_paranoid", 64, NULL, &paranoid, &length) == ASSAY_OK)
        paranoid[strcspn(paranoid, "\n")] = '\0';
      snprintf(cause, size,
               "not allowed (%s: perf_event_open: %s; kernel.perf_event_paranoid is %s, 2 or less is needed; a container's seccomp profile "
               "also forbids it)",
               name, code == EACCES ? "EACCES" : "EPERM", paranoid != NULL ? paranoid : "unknown");
      assay_free(paranoid);
      break;
    case ENOSYS: snprintf(cause, size, "this kernel has no perf_event_open (ENOSYS)"); break;
    default: snprintf(cause, size, "%s: perf_event_open: %s", name, strerror(code));
  }
}

int assay_os_counter_open(assay_os_counter counter, char *cause, size_t size) {
  struct perf_event_attr attr = {
      .size = sizeof attr,
      .type = events[counter].type,
      .config = events[counter].config,
      .inherit = 1,
      .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
      .exclude_hv = 1,
  };
  /* Migrations happen inside the kernel, so they need kernel events; what the benchmark's own code did does not, and is allowed to more
   * users. */
  attr.exclude_kernel = attr.type == PERF_TYPE_HARDWARE;
  int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) explain(errno, counter, cause, size);
  return fd;
}

double assay_os_counter_read(int fd) {
  uint64_t values[3]; /* count, time enabled, time running */
  if (read(fd, values, sizeof values) != (ssize_t)sizeof values) return NAN;
  if (values[2] == 0) return values[1] == 0 ? 0 : NAN; /* never got onto the hardware */
  return (double)values[0] * ((double)values[1] / (double)values[2]);
}
