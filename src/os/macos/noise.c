/* SPDX-License-Identifier: MIT */
/* macOS publishes neither steal time, CPU pressure nor quotas. */
#include <math.h>
#include <sys/resource.h>

#include "base/alloc.h"
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

struct assay_os_noise_source {
  int none;
};

assay_os_noise_source *assay_os_noise_open(void) { return assay_calloc(ASSAY_TAG_BENCH, 1, sizeof(assay_os_noise_source)); }

void assay_os_noise_read(assay_os_noise_source *source, assay_os_noise *noise) {
  (void)source;
  *noise = (assay_os_noise){.steal_ms = NAN, .pressure_us = NAN, .throttled_us = NAN, .busy_ms = NAN};
}

void assay_os_noise_close(assay_os_noise_source *source) { assay_free(source); }
