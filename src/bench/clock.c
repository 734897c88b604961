/* SPDX-License-Identifier: MIT */
/* What reading the clock costs, measured through the very path that a benchmark's loop takes. */
#include <stdlib.h>
#include <string.h>

#include "base/gcd.h"
#include "bench/engine_parts.h"

enum { PROBES = 256 };

typedef struct probe {
  assay_bench bench; /* first: the step casts back */
  size_t count;
  uint64_t ticks[PROBES];
} probe;

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static uint64_t probe_step(assay_bench *b, uint64_t now) {
  probe *p = (probe *)b;
  if (b->entered) p->ticks[p->count++] = now - b->start;
  b->entered = true;
  if (p->count == PROBES) return 0;
  b->start = assay_ticks();
  return 1;
}

static uint64_t median_of(uint64_t *ticks) {
  qsort(ticks, PROBES, sizeof *ticks, compare);
  return ticks[PROBES / 2];
}

void assay_engine_calibrate_clock(assay_engine *e) {
  probe p = {.bench = {.step = probe_step, .engine = e}};
  ASSAY_LOOP(&p.bench) {}
  /* Counters advance in steps of more than one tick on some CPUs; the greatest step that fits all intervals is what they resolve. */
  uint64_t step = 0;
  for (size_t i = 0; i < PROBES; i++) step = assay_gcd(step, p.ticks[i]);
  e->out->clock_resolution_ns = (double)(step > 0 ? step : 1) * e->ns_per_tick;
  e->clock_cost_ns = e->out->clock_cost_ns = (double)median_of(p.ticks) * e->ns_per_tick;

  /* A pause and its end: what of them falls outside of the pause. */
  assay_bench *b = &p.bench;
  uint64_t cpu_before = assay_os_thread_cpu_ns();
  for (size_t i = 0; i < PROBES; i++) {
    b->paused = 0;
    uint64_t start = assay_ticks();
    assay_bench_pause(b);
    assay_bench_resume(b);
    uint64_t whole = assay_ticks() - start;
    p.ticks[i] = whole - b->paused;
  }
  double cpu_ns = (double)(assay_os_thread_cpu_ns() - cpu_before) - (double)b->paused_cpu_ns;
  e->pause_cpu_ns = cpu_ns > 0 ? cpu_ns / PROBES : 0;
  double pause_ns = (double)median_of(p.ticks) * e->ns_per_tick - e->clock_cost_ns;
  e->pause_cost_ns = pause_ns > 0 ? pause_ns : 0;
}
