/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/number.h"
#include "os/linux/cgroup.h"
#include "os/prim.h"

static double microseconds(struct timeval time) { return (double)time.tv_sec * 1e6 + (double)time.tv_usec; }

void assay_os_get_usage(assay_os_usage *usage) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  *usage = (assay_os_usage){
      .cpu_ns = (microseconds(r.ru_utime) + microseconds(r.ru_stime)) * 1e3,
      .voluntary_switches = (double)r.ru_nvcsw,
      .involuntary_switches = (double)r.ru_nivcsw,
      .minor_faults = (double)r.ru_minflt,
      .major_faults = (double)r.ru_majflt,
  };
}

/* Files are kept open and read from the start: opening costs as much as reading. */
enum { THERMAL_FILES = 64, QUOTA_LEVELS = 8 };

struct assay_os_noise_source {
  int stat, pressure;
  size_t quota_count;
  int quota[QUOTA_LEVELS]; /* of this group and of those above it, which limit it as well */
  double quota_us;         /* one unit of the quota file in us */
  const char *quota_key;
  size_t thermal_count;
  int thermal[THERMAL_FILES];
  double ticks_per_ms;
};

static int open_read(const char *path) { return open(path, O_RDONLY | O_CLOEXEC); }

static void open_thermal(assay_os_noise_source *source) {
  static const char *const names[] = {"core_throttle_count", "package_throttle_count"};
  unsigned cpus[THERMAL_FILES / 2];
  size_t count = assay_os_allowed_cpus(cpus, THERMAL_FILES / 2);
  if (count > THERMAL_FILES / 2) count = THERMAL_FILES / 2;
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < 2; k++) {
      char path[160];
      snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/thermal_throttle/%s", cpus[i], names[k]);
      int fd = open_read(path);
      if (fd < 0) return; /* a machine has them for all CPUs or for none */
      source->thermal[source->thermal_count++] = fd;
    }
  }
}

static void open_quotas(assay_os_noise_source *source, char *path) {
  do {
    int fd = open_read(path);
    if (fd >= 0) source->quota[source->quota_count++] = fd;
  } while (source->quota_count < QUOTA_LEVELS && assay_cgroup_to_parent(path));
}

assay_os_noise_source *assay_os_noise_open(void) {
  assay_os_noise_source *source = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *source);
  if (source == NULL) return NULL;
  char path[4096];
  source->stat = open_read("/proc/stat");
  source->pressure = open_read("/proc/pressure/cpu");
  source->ticks_per_ms = (double)sysconf(_SC_CLK_TCK) / 1e3;
  if (assay_cgroup_path("cpu.stat", NULL, path, sizeof path)) {
    open_quotas(source, path);
    source->quota_key = "throttled_usec ";
    source->quota_us = 1;
  }
  if (source->quota_count == 0 && assay_cgroup_path("cpu.stat", "cpu", path, sizeof path)) {
    open_quotas(source, path);
    source->quota_key = "throttled_time "; /* ns in version 1 */
    source->quota_us = 1e-3;
  }
  open_thermal(source);
  return source;
}

static bool read_start(int fd, char *text, size_t size) {
  ssize_t length = fd < 0 ? -1 : pread(fd, text, size - 1, 0);
  if (length <= 0) return false;
  text[length] = '\0';
  return true;
}

/* Number behind `key` in the text; NaN when not there. */
static double number_behind(const char *text, const char *key) {
  const char *at = strstr(text, key);
  return at == NULL ? NAN : assay_strtod(at + strlen(key), NULL);
}

/* "cpu  user nice system idle iowait irq softirq steal ..." in clock ticks. */
static void read_cpu_times(const assay_os_noise_source *source, assay_os_noise *noise) {
  char text[256]; /* the first line is the sum over all CPUs */
  unsigned long long user, nice, system, irq, softirq, steal;
  noise->steal_ms = noise->busy_ms = NAN;
  if (!read_start(source->stat, text, sizeof text) ||
      sscanf(text, "cpu %llu %llu %llu %*u %*u %llu %llu %llu", &user, &nice, &system, &irq, &softirq, &steal) != 6)
    return;
  noise->steal_ms = (double)steal / source->ticks_per_ms;
  noise->busy_ms = (double)(user + nice + system + irq + softirq) / source->ticks_per_ms;
}

void assay_os_noise_read(assay_os_noise_source *source, assay_os_noise *noise) {
  char text[2048];
  read_cpu_times(source, noise);
  noise->pressure_us = read_start(source->pressure, text, sizeof text) ? number_behind(text, "total=") : NAN; /* the first line is "some" */
  noise->throttled_us = NAN;
  for (size_t i = 0; i < source->quota_count; i++) {
    double us = read_start(source->quota[i], text, sizeof text) ? number_behind(text, source->quota_key) * source->quota_us : NAN;
    if (!isnan(us)) noise->throttled_us = (isnan(noise->throttled_us) ? 0 : noise->throttled_us) + us; /* the topmost group has none */
  }
  for (size_t i = 0; i < source->thermal_count; i++) {
    if (!read_start(source->thermal[i], text, 64)) continue;
    noise->throttled_us = (isnan(noise->throttled_us) ? 0 : noise->throttled_us) + assay_strtod(text, NULL);
  }
}

void assay_os_noise_close(assay_os_noise_source *source) {
  if (source == NULL) return;
  int fds[2] = {source->stat, source->pressure};
  for (size_t i = 0; i < 2; i++) {
    if (fds[i] >= 0) close(fds[i]);
  }
  for (size_t i = 0; i < source->quota_count; i++) close(source->quota[i]);
  for (size_t i = 0; i < source->thermal_count; i++) close(source->thermal[i]);
  assay_free(source);
}
