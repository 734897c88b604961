/* SPDX-License-Identifier: MIT */
/*
 * Latency benchmarks: every operation goes into a histogram. At a fixed rate each operation has a due time, and its response counts from
 * there: a stall is then seen by all operations that it delays, as users of a service would see it, and not by the one that was running
 * alone.
 *
 * The engine's own work between windows (percentiles, /proc) stops the schedule's clock too, or it would be measured as a stall.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/engine_parts.h"

bool assay_latency_prepare(assay_engine *e) {
  double rate = e->bench->desc->rate_hz;
  for (unsigned i = 0; i < e->threads; i++) {
    assay_bench *b = &e->members[i];
    b->latency = assay_alloc(ASSAY_TAG_BENCH, sizeof *b->latency);
    b->service = rate > 0 ? assay_alloc(ASSAY_TAG_BENCH, sizeof *b->service) : NULL;
    b->recent = assay_calloc(ASSAY_TAG_BENCH, ASSAY_RECENT_OPERATIONS, sizeof *b->recent);
    if (b->latency == NULL || b->recent == NULL || (rate > 0 && b->service == NULL)) return false;
    assay_histogram_init(b->latency); /* writes all of it, so that no operation pays for its pages */
    if (b->service != NULL) assay_histogram_init(b->service);
    /* Threads share the schedule: each takes every threads-th operation of it. */
    b->period = rate > 0 ? 1e9 / rate / e->ns_per_tick * e->threads : 0;
  }
  return true;
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double recent_median(assay_bench *b) {
  size_t count = b->operations < ASSAY_RECENT_OPERATIONS ? (size_t)b->operations : ASSAY_RECENT_OPERATIONS;
  qsort(b->recent, count, sizeof *b->recent, compare);
  return count % 2 == 1 ? b->recent[count / 2] : ((double)b->recent[count / 2 - 1] + b->recent[count / 2]) / 2;
}

static void start_measuring(assay_engine *e) {
  e->out->warmup_s = e->warm_up.spent_ns / 1e9;
  if (e->threads == 1) assay_engine_calibrate_clock(e); /* again, now that the CPU is awake; other threads are using the first one */
  assay_witness_start(&e->witness, e->ns_per_tick);
  e->phase = ASSAY_PHASE_MEASURE;
}

/* Thread 0 ends a window: its median is one value of the warm-up or one sample. */
static void end_window(assay_bench *b, uint64_t now) {
  assay_engine *e = b->engine;
  assay_witness_reading after;
  assay_witness_read(&e->witness, &after); /* first: what follows is not the benchmark's */
  double gross_ns = (double)(now - e->window_start) * e->ns_per_tick;
  double ns = recent_median(b);
  if (e->phase == ASSAY_PHASE_WARM_UP) {
    if (assay_engine_warm(e, ns, gross_ns)) start_measuring(e);
  } else {
    /* Waiting for the schedule and booking are not the benchmark's work. */
    double idle_ns = fmax(0, gross_ns - b->busy_ns) * e->threads;
    if (assay_engine_add_sample(e, &after, ns, b->operations, gross_ns, idle_ns, b->paused_allocations)) e->phase = ASSAY_PHASE_DONE;
  }
  b->operations = 0;
  b->busy_ns = 0;
  b->paused_allocations = (assay_allocations){0};
  if (e->phase == ASSAY_PHASE_MEASURE) assay_witness_read(&e->witness, &e->before);
}

static uint32_t clip(double ns) { return ns >= 4294967295.0 ? 4294967295u : (uint32_t)(ns + 0.5); }

/* Books the operation that ended at `now`. */
static void book(assay_bench *b, uint64_t now) {
  const assay_engine *e = b->engine;
  double correction = e->clock_cost_ns + (double)b->pauses * e->pause_cost_ns;
  double service = fmax(0, (double)(now - b->start - b->paused) * e->ns_per_tick - correction), response = service;
  if (b->period > 0) response = fmax(service, ((double)(now - b->paused) - b->due) * e->ns_per_tick - correction);
  if (b->seen == ASSAY_PHASE_MEASURE) {
    assay_histogram_record(b->latency, (uint64_t)(response + 0.5));
    if (b->period > 0) assay_histogram_record(b->service, (uint64_t)(service + 0.5));
    b->recorded++;
  }
  b->busy_ns += service;
  b->recent[b->operations++ % ASSAY_RECENT_OPERATIONS] = clip(response);
}

static void begin_schedule(assay_bench *b) {
  uint64_t now = assay_ticks();
  b->due = (double)now + b->period / b->engine->threads * b->thread;
  if (b->thread == 0) b->engine->window_start = now;
}

static void lead_start(assay_engine *e) {
  e->phase = e->abandoned ? ASSAY_PHASE_DONE : ASSAY_PHASE_WARM_UP;
  assay_witness_start(&e->witness, e->ns_per_tick);
}

static void first_step(assay_bench *b) {
  b->entered = b->met = true;
  b->seen = ASSAY_PHASE_WARM_UP;
  assay_engine_meet(b->engine, lead_start);
  begin_schedule(b);
}

static void forget_pauses(assay_bench *b) {
  if (b->pauses > 0) b->engine->paused = true;
  b->paused = b->pauses = 0;
}

uint64_t assay_latency_step(assay_bench *b, uint64_t now) {
  assay_engine *e = b->engine;
  if (!b->entered) {
    if (b->outcome == ASSAY_OUTCOME_OK) first_step(b);
  } else {
    book(b, now);
    if (b->thread == 0 && (double)(now - e->window_start) * e->ns_per_tick >= e->target_ns) {
      end_window(b, now);
      uint64_t after = assay_ticks();
      b->due += (double)(after - now); /* the engine's own time is off the schedule */
      e->window_start = after;
    }
    forget_pauses(b);
  }
  if (b->outcome != ASSAY_OUTCOME_OK) return 0;
  assay_phase phase = (assay_phase)atomic_load_explicit(&e->phase, memory_order_relaxed);
  if (phase == ASSAY_PHASE_DONE) {
    b->due -= b->period;
    return 0;
  }
  if (phase != b->seen) { /* measuring starts on a fresh schedule, without the backlog of a cold start */
    b->seen = phase;
    begin_schedule(b);
  } else {
    b->due += b->period;
  }
  uint64_t start = assay_ticks();
  while ((double)start < b->due) start = assay_ticks(); /* a sleep would come back late, with cold caches */
  b->start = start;
  return 1;
}

void assay_latency_finish(assay_engine *e) {
  if (e->bench->desc->mode != ASSAY_MODE_LATENCY) return;
  double operations = 0;
  for (unsigned i = 0; i < e->threads; i++) {
    assay_bench *b = &e->members[i];
    operations += (double)b->recorded;
    if (i == 0) continue;
    assay_histogram_merge(e->members[0].latency, b->latency);
    if (b->service != NULL) assay_histogram_merge(e->members[0].service, b->service);
  }
  e->out->latency = e->members[0].latency;
  e->out->service = e->members[0].service;
  e->members[0].latency = e->members[0].service = NULL;
  /* `measured_ns` is the time of the schedule's clock: windows only, without the engine's own work between them. */
  if (e->bench->desc->rate_hz > 0 && e->measured_ns > 0) e->out->rate_achieved_hz = operations / e->measured_ns * 1e9;
}
