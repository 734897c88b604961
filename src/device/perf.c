/* SPDX-License-Identifier: MIT */
#include <assay/device.h>

#include <math.h>
#include <string.h>

#include "device/core.h"
#include "os/ticks.h"

int assay_perf_enabled;

void assay_perf_enable(bool on) {
  if (on) assay_ticks_per_ns(); /* calibrates now, not in the first pair */
  __atomic_store_n(&assay_perf_enabled, on, __ATOMIC_RELAXED);
}

void assay_perf_start(assay_perf *perf, const char *label) {
  perf->label = label;
  perf->device = NULL;
  perf->on = true;
  perf->begin_ticks = assay_ticks_stamp();
}

void assay_perf_finish(assay_perf *perf, double bytes, double flops) {
  if (!perf->on) return;
  perf->end_ticks = assay_ticks_stamp();
  perf->bytes = bytes, perf->flops = flops;
  const assay_ring_row row = {.kind = ASSAY_ACTIVITY_OPERATION,
                              .device = perf->device != NULL ? perf->device->core->activity_device : 0,
                              .label = perf->label,
                              .begin_ticks = perf->begin_ticks,
                              .end_ticks = perf->end_ticks,
                              .bytes = bytes,
                              .flops = flops};
  assay_ring_push(&row);
}

void assay_perf_set_device(assay_perf *perf, const assay_device *device) {
  if (perf->on) perf->device = device;
}

bool assay_perf_get(const assay_perf *perf, double limit_ns, assay_perf_report *report) {
  if (perf == NULL || report == NULL || !perf->on) return false;
  double ns = (double)(perf->end_ticks - perf->begin_ticks) / assay_ticks_per_ns();
  *report = (assay_perf_report){
      .label = perf->label,
      .ns = ns,
      .bytes_per_s = perf->bytes > 0 ? perf->bytes / ns * 1e9 : NAN,
      .flops_per_s = perf->flops > 0 ? perf->flops / ns * 1e9 : NAN,
      .ceiling_ratio = limit_ns > 0 ? limit_ns / ns : NAN,
  };
  if (perf->device != NULL) memcpy(report->device, perf->device->core->info.id, sizeof report->device);
  return true;
}
