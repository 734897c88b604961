/* SPDX-License-Identifier: MIT */
#include "bench/engine.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/engine_parts.h"
#include "bench/plan.h"

/* A batch must dwarf the clock: at 1000 times its cost, what the subtraction leaves of it is far below 0.1 %. And at 50 us it also dwarfs a
 * stray cache miss or a small interrupt. */
static const double clock_costs_a_batch = 1000, shortest_batch_ns = 50e3;
/* Two warm-up windows agree within this, or within what their own scatter explains. */
static const double steady_ratio = 0.02;
static const uint64_t largest_batch = (uint64_t)1 << 40;

/* ---- Warm-up ---- */

bool assay_engine_warm(assay_engine *e, double ns, double gross_ns) {
  assay_warm_up *w = &e->warm_up;
  double limit_ns = e->options->warmup_s * 1e9;
  w->spent_ns += gross_ns;
  w->window_ns += gross_ns;
  if (w->count < ASSAY_WINDOW_BATCHES) w->values[w->count++] = ns;
  if (w->spent_ns >= limit_ns && w->has_previous) {
    e->out->steady = ASSAY_STEADY_NO;
    return true;
  }
  /* A fiftieth of the limit is long enough to see the clock frequency rise, and short enough for many comparisons. */
  if (w->count >= ASSAY_SAMPLES_MIN && w->window_ns >= limit_ns / 50) {
    double median = assay_stats_median(w->values, w->count);
    double error = 1.2533 * assay_stats_mad(w->values, w->count) / sqrt((double)w->count); /* standard error of a median */
    double allowed = fmax(steady_ratio * median, 2 * sqrt(error * error + w->previous_error * w->previous_error));
    if (w->has_previous && fabs(median - w->previous) <= allowed) {
      e->out->steady = ASSAY_STEADY_YES;
      return true;
    }
    w->previous = median;
    w->previous_error = error;
    w->has_previous = true;
    w->count = 0;
    w->window_ns = 0;
  }
  return w->spent_ns >= limit_ns && w->window_ns >= limit_ns; /* too slow for two windows: untested */
}

/* ---- Samples ---- */

static bool enough(const assay_engine *e) {
  size_t count = e->out->sample_count;
  double wanted_ns = e->options->time_s * 1e9;
  if (count >= ASSAY_SAMPLES_MAX) return true;
  if (e->measured_ns < wanted_ns) return false;
  return count >= ASSAY_SAMPLES_MIN || e->measured_ns >= 3 * wanted_ns;
}

bool assay_engine_add_sample(assay_engine *e, const assay_witness_reading *after, const assay_bench_sample *sample, double passes,
                             double gross_ns, double other_cpu_ns, assay_allocations paused) {
  e->out->samples[e->out->sample_count++] = *sample;
  e->measured_ns += gross_ns;
  assay_witness_book(&e->witness, &e->before, after, passes, other_cpu_ns, paused, gross_ns, e->ns_per_tick, e->out);
  return enough(e);
}

/* ---- Batches ---- */

typedef struct batch_time {
  double net_ns, gross_ns;
  double paused_cpu_ns;
  assay_allocations paused;
} batch_time;

/* A batch lasts from the release of all threads to the arrival of the last; `start` holds each thread's arrival. */
static batch_time time_of_batch(assay_engine *e) {
  batch_time t = {0};
  for (unsigned i = 0; i < e->threads; i++) {
    assay_bench *b = &e->members[i];
    double gross = (double)(b->start - e->release) * e->ns_per_tick, paused = (double)b->paused * e->ns_per_tick;
    t.net_ns = fmax(t.net_ns, gross - paused - e->clock_cost_ns - (double)b->pauses * e->pause_cost_ns);
    t.gross_ns = fmax(t.gross_ns, gross);
    t.paused_cpu_ns += (double)b->paused_cpu_ns + (double)b->pauses * e->pause_cpu_ns;
    t.paused.count += b->paused_allocations.count;
    t.paused.bytes += b->paused_allocations.bytes;
    if (b->pauses > 0) e->paused = true;
    b->paused = b->pauses = b->paused_cpu_ns = 0;
    b->paused_allocations = (assay_allocations){0};
  }
  e->gross_ns_per_operation = t.gross_ns / (double)e->batch;
  return t;
}

/* Work inside pauses counts against the patience, not against the target: twenty times the target is where waiting ends. */
static const double patience_targets = 20;

static void size_batch(assay_engine *e, double ns_per_operation) {
  double wanted = ns_per_operation > 0 ? ceil(e->target_ns / ns_per_operation) : (double)largest_batch;
  wanted = fmin(wanted, floor(patience_targets * e->target_ns / fmax(e->gross_ns_per_operation, 1e-3)));
  e->batch = wanted < 1 ? 1 : wanted > (double)largest_batch ? largest_batch : (uint64_t)wanted;
}

static void start_measuring(assay_engine *e) {
  assay_engine_calibrate_clock(e); /* again, now that the CPU is awake */
  assay_witness_start(&e->witness, e->ns_per_tick);
  e->out->warmup_s = e->warm_up.spent_ns / 1e9;
  e->phase = ASSAY_PHASE_MEASURE;
}

/* Bringing threads together costs the same for every batch: 0.2 us on CPUs of their own, a time slice where they share one. Two sizes of
 * batch tell it from the work; batches are then so long that it is below 1 %, as far as the time allows. False: one more batch is needed.
 */
static bool outlast_meeting(assay_engine *e, const batch_time *t) {
  double time_ns = e->options->time_s * 1e9;
  if (t->gross_ns < time_ns / 4 && (e->probe_batch == 0 || t->net_ns < 2 * e->probe_ns)) {
    e->probe_batch = e->batch;
    e->probe_ns = t->net_ns;
    e->batch *= 4;
    return false;
  }
  if (e->probe_batch == 0) return true; /* one operation is longer than any meeting */
  double slope = (t->net_ns - e->probe_ns) / (double)(e->batch - e->probe_batch);
  if (!(slope > 0)) return true;
  double meeting_ns = fmax(0, e->probe_ns - slope * (double)e->probe_batch);
  e->target_ns = fmax(e->target_ns, fmin(100 * meeting_ns, time_ns / 20));
  size_batch(e, slope);
  return true;
}

static bool add_batch(assay_engine *e, const batch_time *t, const assay_witness_reading *after) {
  assay_bench_sample sample = {.ns = t->net_ns / (double)e->batch, .operations = e->batch};
  return assay_engine_add_sample(e, after, &sample, (double)e->batch * e->threads, t->gross_ns, t->paused_cpu_ns, t->paused);
}

/* Grows the batch until it is long enough. The very first operation of a slow benchmark is warm-up, unless one alone takes more than all
 * the time there is: then it is the sample. */
static void calibrate(assay_engine *e, const batch_time *t, const assay_witness_reading *after) {
  const assay_engine_options *o = e->options;
  e->warm_up.spent_ns += t->gross_ns;
  if (e->batch == 1 && t->gross_ns > 2e9 * (o->time_s + o->warmup_s)) {
    start_measuring(e);
    e->phase = add_batch(e, t, after) ? ASSAY_PHASE_DONE : ASSAY_PHASE_MEASURE;
    return;
  }
  bool long_enough = t->net_ns >= e->target_ns || t->gross_ns >= patience_targets * e->target_ns || e->batch >= largest_batch;
  if (!long_enough) {
    double growth = t->net_ns > e->target_ns / 10 ? 1.2 * e->target_ns / t->net_ns : 10;
    double wanted = ceil((double)e->batch * growth);
    e->batch = wanted > (double)largest_batch ? largest_batch : (uint64_t)wanted;
    return;
  }
  if (e->threads > 1 && e->batch < largest_batch / 4 && !outlast_meeting(e, t)) return;
  e->phase = ASSAY_PHASE_WARM_UP;
  if (e->warm_up.spent_ns >= o->warmup_s * 1e9) start_measuring(e); /* slow operations: the calibration was the warm-up */
}

/* The one state machine of batch benchmarks, run between two batches by whichever thread came last. */
static void advance(assay_engine *e) {
  if (e->abandoned) {
    e->phase = ASSAY_PHASE_DONE;
    return;
  }
  if (!e->begun) {
    e->begun = true;
    e->batch = 1;
    time_of_batch(e); /* clears pauses before the loop */
    assay_witness_start(&e->witness, e->ns_per_tick);
    assay_witness_read(&e->witness, &e->before); /* the first operation may turn out to be the sample */
    return;
  }
  assay_witness_reading after;
  if (e->phase == ASSAY_PHASE_MEASURE || e->batch == 1)
    assay_witness_read(&e->witness, &after); /* first: what follows is not the benchmark's */
  batch_time t = time_of_batch(e);
  double ns = t.net_ns / (double)e->batch;
  switch ((assay_phase)e->phase) {
    case ASSAY_PHASE_CALIBRATE: calibrate(e, &t, &after); break;
    case ASSAY_PHASE_WARM_UP:
      if (assay_engine_warm(e, ns, t.gross_ns)) {
        size_batch(e, assay_stats_median(e->warm_up.values, e->warm_up.count));
        start_measuring(e);
      }
      break;
    case ASSAY_PHASE_MEASURE:
      if (add_batch(e, &t, &after)) e->phase = ASSAY_PHASE_DONE;
      break;
    case ASSAY_PHASE_DONE: break;
  }
  if (e->phase == ASSAY_PHASE_MEASURE) assay_witness_read(&e->witness, &e->before);
}

static uint64_t batch_step(assay_bench *b, uint64_t now) {
  assay_engine *e = b->engine;
  if (e->phase == ASSAY_PHASE_DONE || b->outcome != ASSAY_OUTCOME_OK) return 0;
  b->entered = true;
  b->start = now;
  if (e->threads > 1) {
    assay_engine_meet(e, advance);
    return e->phase == ASSAY_PHASE_DONE ? 0 : e->batch;
  }
  advance(e);
  if (e->phase == ASSAY_PHASE_DONE) return 0;
  uint64_t batch = e->batch;
  e->release = assay_ticks();
  return batch;
}

/* ---- Threads ---- */

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Spinning first, so that the threads start together; then yielding, for more threads than CPUs; then sleeping, for long set-ups of one
 * thread. */
static void wait_for_generation(assay_engine *e, unsigned generation) {
  uint64_t since = 0;
  for (unsigned round = 0; atomic_load_explicit(&e->generation, memory_order_acquire) == generation; round++) {
    if (round < 2000) {
      relax();
    } else if (round < 2100 || since == 0 || assay_os_now_ns() - since < 2000000) {
      if (since == 0) since = assay_os_now_ns();
      sched_yield();
    } else {
      assay_os_sleep_ns(50000);
    }
  }
}

void assay_engine_meet(assay_engine *e, void (*lead)(assay_engine *e)) {
  unsigned generation = atomic_load_explicit(&e->generation, memory_order_acquire);
  if (atomic_fetch_add_explicit(&e->arrived, 1, memory_order_acq_rel) + 1 < e->threads) {
    wait_for_generation(e, generation);
    return;
  }
  lead(e);
  atomic_store_explicit(&e->arrived, 0, memory_order_relaxed);
  e->release = assay_ticks();
  atomic_store_explicit(&e->generation, generation + 1, memory_order_release);
}

static void run_member(assay_bench *b) {
  assay_engine *e = b->engine;
  e->bench->desc->run(b);
  if (e->phase == ASSAY_PHASE_DONE) return;
  /* Back too early. The others must not wait for this one. */
  if (b->outcome == ASSAY_OUTCOME_OK)
    assay_bench_fail(b, b->entered ? "left its loop before the engine ended it" : "never entered its loop");
  e->abandoned = true;
  if (e->bench->desc->mode == ASSAY_MODE_LATENCY && b->met)
    e->phase = ASSAY_PHASE_DONE;
  else
    assay_engine_meet(e, advance);
}

static void *member_main(void *b) {
  run_member(b);
  return NULL;
}

static void run_members(assay_engine *e) {
  unsigned started = 1;
  for (; started < e->threads; started++) {
    assay_bench *b = &e->members[started];
    int code = pthread_create(&b->handle, NULL, member_main, b);
    if (code == 0) continue;
    assay_bench_fail(&e->members[0], "cannot start thread %u of %u: %s", started + 1, e->threads, strerror(code));
    break;
  }
  if (started < e->threads) {
    /* Stand in at the meeting for the threads that are not there. Only the meeting ends the phase: a thread that saw its end before would
     * not come to it, and the others would wait for that one. */
    e->abandoned = true;
    atomic_fetch_add(&e->arrived, e->threads - started);
    assay_engine_meet(e, advance);
  } else {
    run_member(&e->members[0]);
  }
  for (unsigned i = 1; i < started; i++) pthread_join(e->members[i].handle, NULL);
}

/* ---- The whole ---- */

/* Figures of the lowest thread that has them; none is lost without a word. */
static void take_figures(assay_engine *e) {
  size_t own = e->out->figure_count;
  for (unsigned t = 0; t < e->threads; t++) {
    const assay_bench_process *declared = &e->members[t].declared;
    for (size_t i = 0; i < declared->figure_count; i++) {
      const assay_bench_figure *f = &declared->figures[i];
      if (assay_bench_process_find(e->out, f->name) != NULL) continue;
      if (e->out->figure_count - own < ASSAY_BENCH_MAX_METRICS &&
          assay_bench_process_add(e->out, f->name, f->value, f->unit, f->kind, f->better))
        continue;
      e->out->outcome = ASSAY_OUTCOME_FAILED;
      snprintf(e->out->reason, sizeof e->out->reason, "the threads have more than %d metrics together; \"%s\" has no place",
               ASSAY_BENCH_MAX_METRICS, f->name);
      return;
    }
  }
}

/* The work that thread 0 declares stands for each of them. */
static void take_declarations(assay_engine *e) {
  const assay_bench_process *declared = &e->members[0].declared;
  assay_bench_process *out = e->out;
  out->items = declared->items * e->threads;
  out->bytes_read = declared->bytes_read * e->threads;
  out->bytes_written = declared->bytes_written * e->threads;
  out->flops = declared->flops * e->threads;
  out->working_set_bytes = declared->working_set_bytes;
  out->ceiling_set = declared->ceiling_set;
  memcpy(out->flop_type, declared->flop_type, sizeof out->flop_type);
  memcpy(out->ceiling, declared->ceiling, sizeof out->ceiling);
  take_figures(e);
}

static void take_outcome(assay_engine *e) {
  for (unsigned i = 0; i < e->threads; i++) {
    const assay_bench *b = &e->members[i];
    if (b->outcome == ASSAY_OUTCOME_OK) continue;
    /* "never entered" of one thread is often only the echo of another's cause. */
    bool echo = e->out->outcome != ASSAY_OUTCOME_OK;
    if (echo) continue;
    e->out->outcome = b->outcome;
    memcpy(e->out->reason, b->reason, sizeof e->out->reason);
  }
}

static bool prepare(assay_engine *e) {
  e->members = assay_calloc(ASSAY_TAG_BENCH, e->threads, sizeof *e->members);
  e->out->samples = assay_calloc(ASSAY_TAG_BENCH, ASSAY_SAMPLES_MAX, sizeof *e->out->samples); /* zeroed, so its pages are there */
  if (e->members == NULL || e->out->samples == NULL) return false;
  bool latency = e->bench->desc->mode == ASSAY_MODE_LATENCY;
  for (unsigned i = 0; i < e->threads; i++) {
    assay_bench *b = &e->members[i];
    b->engine = e;
    b->thread = i;
    b->step = latency ? assay_latency_step : batch_step;
  }
  return !latency || assay_latency_prepare(e);
}

void assay_engine_run(const assay_bench_case *bench, const assay_engine_options *options, assay_bench_process *process) {
  assay_engine *e = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *e);
  process->steady = ASSAY_STEADY_UNTESTED;
  if (e == NULL) goto out_of_memory;
  e->bench = bench;
  e->options = options;
  e->out = process;
  e->threads = process->threads = assay_case_threads(bench);
  e->ns_per_tick = 1 / assay_ticks_per_ns();
  if (!prepare(e)) goto out_of_memory;
  assay_witness_open(&e->witness, e->threads, process);
  assay_engine_calibrate_clock(e);
  e->target_ns = fmax(fmax(shortest_batch_ns, clock_costs_a_batch * e->clock_cost_ns), options->time_s * 1e9 / ASSAY_SAMPLES_WANTED);
  run_members(e);
  take_outcome(e);
  if (process->outcome == ASSAY_OUTCOME_OK) {
    assay_latency_finish(e);
    assay_witness_finish(&e->witness, e->paused, process);
    assay_bench_confirm_steady(process);
    double peak = assay_os_peak_resident();
    if (!isnan(peak)) assay_bench_process_add(process, "peak_rss", peak, "B", ASSAY_KIND_MEMORY, ASSAY_LOWER);
    take_declarations(e);
  }
  assay_witness_close(&e->witness);
  goto done;
out_of_memory:
  process->outcome = ASSAY_OUTCOME_FAILED;
  snprintf(process->reason, sizeof process->reason, "out of memory for the samples");
done:
  if (e != NULL) {
    for (unsigned i = 0; e->members != NULL && i < e->threads; i++) {
      assay_free(e->members[i].latency);
      assay_free(e->members[i].service);
      assay_free(e->members[i].recent);
    }
    assay_free(e->members);
  }
  assay_free(e);
}
