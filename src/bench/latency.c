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

static void add_to(_Atomic uint64_t *total, uint64_t more) { /* only its own thread writes it */
  atomic_store_explicit(total, atomic_load_explicit(total, memory_order_relaxed) + more, memory_order_relaxed);
}

static uint64_t read_total(const _Atomic uint64_t *total) { return atomic_load_explicit(total, memory_order_relaxed); }

static assay_work_done done_so_far(const assay_engine *e) {
  assay_work_done all = {0};
  for (unsigned i = 0; i < e->threads; i++) {
    const assay_bench *b = &e->members[i];
    all.operations += (double)read_total(&b->all_operations);
    all.busy_ns += (double)read_total(&b->all_busy) * e->ns_per_tick;
    all.paused_ns += (double)read_total(&b->all_paused) * e->ns_per_tick;
    all.paused_cpu_ns += (double)read_total(&b->all_paused_cpu_ns);
    all.paused.count += read_total(&b->all_paused_count);
    all.paused.bytes += read_total(&b->all_paused_bytes);
  }
  return all;
}

/* The window's sample. The other threads go on meanwhile; what they did up to here is read together with the CPU time up to here. */
static bool add_window(assay_bench *b, const assay_witness_reading *after, const assay_work_done *now, double ns, double gross_ns) {
  assay_engine *e = b->engine;
  const assay_work_done *then = &e->window_before;
  /* Waiting for the schedule spins: CPU time, but not the benchmark's work. Nor are booking and pauses. */
  double waited_ns = gross_ns * e->threads - (now->busy_ns - then->busy_ns) - (now->paused_ns - then->paused_ns);
  assay_allocations paused = {.count = now->paused.count - then->paused.count, .bytes = now->paused.bytes - then->paused.bytes};
  assay_bench_sample sample = {.ns = ns, .operations = b->operations};
  return assay_engine_add_sample(e, after, &sample, now->operations - then->operations, gross_ns,
                                 waited_ns + now->paused_cpu_ns - then->paused_cpu_ns, paused);
}

/* Thread 0 ends a window: its median is one value of the warm-up or one sample. */
static void end_window(assay_bench *b, uint64_t now) {
  assay_engine *e = b->engine;
  assay_witness_reading after;
  assay_witness_read(&e->witness, &after); /* first: what follows is not the benchmark's */
  assay_work_done done = done_so_far(e);
  double gross_ns = (double)(now - e->window_start) * e->ns_per_tick;
  double ns = recent_median(b);
  if (e->phase == ASSAY_PHASE_WARM_UP) {
    if (assay_engine_warm(e, ns, gross_ns)) start_measuring(e);
  } else if (add_window(b, &after, &done, ns, gross_ns)) {
    e->phase = ASSAY_PHASE_DONE;
  }
  b->operations = 0;
  if (e->phase == ASSAY_PHASE_MEASURE) {
    e->window_before = done_so_far(e);
    assay_witness_read(&e->witness, &e->before);
  }
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
    b->measured_to =
        fmax((double)now, b->due + (double)b->paused + b->period); /* at a fixed rate, its turn lasts until the next one is due */
    b->measured_off += (double)b->paused;
  }
  add_to(&b->all_operations, 1);
  add_to(&b->all_busy, now - b->start - b->paused);
  b->recent[b->operations++ % ASSAY_RECENT_OPERATIONS] = clip(response);
}

static void begin_schedule(assay_bench *b) {
  uint64_t now = assay_ticks();
  b->due = (double)now + b->period / b->engine->threads * b->thread;
  b->measured_from = (double)now;
  b->measured_off = 0;
  if (b->thread == 0) b->engine->window_start = now;
}

static void lead_start(assay_engine *e) {
  e->phase = e->abandoned ? ASSAY_PHASE_DONE : ASSAY_PHASE_WARM_UP;
  assay_witness_start(&e->witness, e->ns_per_tick);
}

/* A pause stops the schedule's clock as well, or it would be a backlog for all operations behind it. */
static void end_pauses(assay_bench *b) {
  if (b->pauses == 0) return;
  b->engine->paused = true;
  b->due += (double)b->paused;
  add_to(&b->all_paused, b->paused);
  add_to(&b->all_paused_cpu_ns, b->paused_cpu_ns + (uint64_t)((double)b->pauses * b->engine->pause_cpu_ns));
  add_to(&b->all_paused_count, b->paused_allocations.count);
  add_to(&b->all_paused_bytes, b->paused_allocations.bytes);
  b->paused = b->pauses = b->paused_cpu_ns = 0;
  b->paused_allocations = (assay_allocations){0};
}

static void first_step(assay_bench *b) {
  end_pauses(b); /* in the set-up, before the loop */
  b->entered = b->met = true;
  b->seen = ASSAY_PHASE_WARM_UP;
  assay_engine_meet(b->engine, lead_start);
  begin_schedule(b);
}

uint64_t assay_latency_step(assay_bench *b, uint64_t now) {
  assay_engine *e = b->engine;
  if (!b->entered) {
    if (b->outcome == ASSAY_OUTCOME_OK) first_step(b);
  } else {
    book(b, now);
    end_pauses(b);
    if (b->thread == 0 && (double)(now - e->window_start) * e->ns_per_tick >= e->target_ns) {
      end_window(b, now);
      uint64_t after = assay_ticks();
      b->due += (double)(after - now);                                            /* the engine's own time is off the schedule */
      if (e->phase != ASSAY_PHASE_DONE) b->measured_off += (double)(after - now); /* a last one lies behind measured_to */
      e->window_start = after;
    }
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
  double rate_hz = 0;
  for (unsigned i = 0; i < e->threads; i++) {
    assay_bench *b = &e->members[i];
    double measured_ns = (b->measured_to - b->measured_from - b->measured_off) * e->ns_per_tick;
    if (b->recorded > 0 && measured_ns > 0) rate_hz += (double)b->recorded / measured_ns * 1e9;
    if (i == 0) continue;
    assay_histogram_merge(e->members[0].latency, b->latency);
    if (b->service != NULL) assay_histogram_merge(e->members[0].service, b->service);
  }
  e->out->latency = e->members[0].latency;
  e->out->service = e->members[0].service;
  e->members[0].latency = e->members[0].service = NULL;
  if (e->bench->desc->rate_hz > 0) e->out->rate_achieved_hz = rate_hz;
}
