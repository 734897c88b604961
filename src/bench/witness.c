/* SPDX-License-Identifier: MIT */
/* The covariates: what else happened while a sample was measured. Nothing in here runs while the clock does. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/engine_parts.h"

/* Reading /proc and the control group costs 20 to 200 us, so it is done once in this much measured time; its differences go to all samples
 * since. */
static const double noise_window_ns = 5e6;

enum { SPIN_ROUNDS = 1000 }; /* a chain of multiplications: about 3 cycles each, 1 us in all */

static double spin_once(double ns_per_tick) {
  uint64_t start = assay_ticks();
  for (uint64_t i = 0, x = 1; i < SPIN_ROUNDS; i++) {
    x *= 0x9E3779B97F4A7C15u;
    __asm__ volatile("" : "+r"(x));
  }
  return (double)(assay_ticks() - start) * ns_per_tick;
}

/* The faster of two, so that an interrupt does not look like a slow CPU. */
static double spin(double ns_per_tick) { return fmin(spin_once(ns_per_tick), spin_once(ns_per_tick)); }

void assay_witness_open(assay_witness *w, unsigned threads, assay_bench_process *out) {
  *w = (assay_witness){.has_counters = true, .one_thread = threads == 1};
  for (int i = 0; i < ASSAY_OS_COUNTER_COUNT; i++) w->fds[i] = -1;
  for (int i = 0; i < ASSAY_OS_MIGRATIONS && w->has_counters; i++) {
    w->fds[i] = assay_os_counter_open((assay_os_counter)i, out->counters_cause, sizeof out->counters_cause);
    w->has_counters = w->fds[i] >= 0;
  }
  char ignored[256];
  w->fds[ASSAY_OS_MIGRATIONS] = assay_os_counter_open(ASSAY_OS_MIGRATIONS, ignored, sizeof ignored);
  w->has_allocations = assay_allocations_counted(out->allocations_cause, sizeof out->allocations_cause);
  w->noise = assay_os_noise_open();
}

static void read_noise(assay_witness *w, assay_os_noise *noise) {
  if (w->noise != NULL)
    assay_os_noise_read(w->noise, noise);
  else
    *noise = (assay_os_noise){NAN, NAN, NAN, NAN};
}

/* CPUs that this process, and that everybody else kept busy since the last look, and those that were away. */
typedef struct cpus_busy {
  double own, others, stolen;
} cpus_busy;

static cpus_busy look_at_cpus(assay_witness *w, const assay_os_noise *now) {
  assay_os_usage usage;
  assay_os_get_usage(&usage);
  uint64_t at_ns = assay_os_now_ns();
  double wall_ns = (double)(at_ns - w->looked_at_ns), own_ns = usage.cpu_ns - w->own_cpu_ns;
  w->looked_at_ns = at_ns;
  w->own_cpu_ns = usage.cpu_ns;
  return (cpus_busy){.own = own_ns / wall_ns,
                     .others = ((now->busy_ms - w->noise_before.busy_ms) * 1e6 - own_ns) / wall_ns,
                     .stolen = (now->steal_ms - w->noise_before.steal_ms) * 1e6 / wall_ns};
}

void assay_witness_start(assay_witness *w, double ns_per_tick) {
  read_noise(w, &w->noise_before);
  look_at_cpus(w, &w->noise_before);
  w->spin_before_ns = spin(ns_per_tick);
}

void assay_witness_read(const assay_witness *w, assay_witness_reading *r) {
  if (w->has_allocations) r->allocations = assay_allocations_read();
  for (int i = 0; i < ASSAY_OS_MIGRATIONS; i++) r->counters[i] = w->has_counters ? assay_os_counter_read(w->fds[i]) : NAN;
  r->cpu = assay_os_current_cpu();
  r->migrations = w->fds[ASSAY_OS_MIGRATIONS] >= 0 ? assay_os_counter_read(w->fds[ASSAY_OS_MIGRATIONS]) : NAN;
  assay_os_get_usage(&r->usage);
}

/* Of several threads any may have read either end, and their CPUs differ as they should. */
static double migrations_between(const assay_witness *w, const assay_witness_reading *before, const assay_witness_reading *after) {
  double counted = after->migrations - before->migrations;
  if (!isnan(counted)) return counted;
  return !w->one_thread || before->cpu < 0 || after->cpu < 0 ? NAN : (double)(before->cpu != after->cpu); /* at least one */
}

static void end_noise_window(assay_witness *w, assay_bench_process *out) {
  assay_os_noise now;
  read_noise(w, &now);
  cpus_busy busy = look_at_cpus(w, &now);
  for (size_t i = w->window_first; i < out->sample_count; i++) {
    assay_covariates *c = &out->samples[i].covariates;
    c->steal_ms = now.steal_ms - w->noise_before.steal_ms;
    c->pressure_us = now.pressure_us - w->noise_before.pressure_us;
    c->throttled_us = now.throttled_us - w->noise_before.throttled_us;
    c->others_cpus = busy.others;
    c->own_cpus = busy.own;
    c->stolen_cpus = busy.stolen;
  }
  w->noise_before = now;
  w->window_first = out->sample_count;
  w->window_ns = 0;
}

void assay_witness_book(assay_witness *w, const assay_witness_reading *before, const assay_witness_reading *after, double passes,
                        double other_cpu_ns, assay_allocations paused, double gross_ns, double ns_per_tick, assay_bench_process *out) {
  assay_bench_sample *sample = &out->samples[out->sample_count - 1];
  double spin_ns = spin(ns_per_tick);
  sample->covariates = (assay_covariates){
      .voluntary_switches = after->usage.voluntary_switches - before->usage.voluntary_switches,
      .involuntary_switches = after->usage.involuntary_switches - before->usage.involuntary_switches,
      .migrations = migrations_between(w, before, after),
      .minor_faults = after->usage.minor_faults - before->usage.minor_faults,
      .major_faults = after->usage.major_faults - before->usage.major_faults,
      .spin_ratio = fmax(spin_ns, w->spin_before_ns), /* raw; becomes a ratio when all are known */
  };
  w->spin_before_ns = spin_ns;
  w->operations += passes;
  w->cpu_ns += after->usage.cpu_ns - before->usage.cpu_ns - other_cpu_ns;
  for (int i = 0; i < ASSAY_OS_MIGRATIONS; i++) w->counters[i] += after->counters[i] - before->counters[i];
  w->allocations += (double)(after->allocations.count - before->allocations.count - paused.count);
  w->allocated_bytes += (double)(after->allocations.bytes - before->allocations.bytes - paused.bytes);
  w->window_ns += gross_ns;
  if (w->window_ns >= noise_window_ns) end_noise_window(w, out);
}

static void add_counters(const assay_witness *w, bool paused, assay_bench_process *out) {
  static const char *const names[ASSAY_OS_MIGRATIONS] = {"cycles", "instructions", "cache_misses", "branch_misses"};
  if (!w->has_counters) return;
  if (paused) { /* reading them at every pause would cost more than most benchmarks */
    snprintf(out->counters_cause, sizeof out->counters_cause, "not counted: the benchmark pauses its clock");
    return;
  }
  for (int i = 0; i < ASSAY_OS_MIGRATIONS; i++) {
    if (isnan(w->counters[i])) {
      snprintf(out->counters_cause, sizeof out->counters_cause, "%s never got onto the hardware; another program uses the counters",
               names[i]);
      continue;
    }
    assay_bench_process_add(out, names[i], w->counters[i] / w->operations, "1", ASSAY_KIND_COUNT, ASSAY_LOWER);
  }
}

void assay_witness_finish(assay_witness *w, bool paused, assay_bench_process *out) {
  if (out->sample_count > w->window_first) end_noise_window(w, out);
  assay_bench_judge_samples(out->samples, out->sample_count);
  if (w->operations <= 0) return;
  /* What was taken off was measured by other clocks: their errors even out over the samples, so only the sum is kept from below zero. */
  assay_bench_process_add(out, "cpu_time", fmax(0, w->cpu_ns) / w->operations, "ns", ASSAY_KIND_TIME, ASSAY_LOWER);
  if (w->has_allocations) {
    assay_bench_process_add(out, "allocations", w->allocations / w->operations, "1", ASSAY_KIND_COUNT, ASSAY_LOWER);
    assay_bench_process_add(out, "allocated_bytes", w->allocated_bytes / w->operations, "B", ASSAY_KIND_MEMORY, ASSAY_LOWER);
  }
  add_counters(w, paused, out);
}

void assay_witness_close(assay_witness *w) {
  for (int i = 0; i < ASSAY_OS_COUNTER_COUNT; i++) {
    if (w->fds[i] >= 0) close(w->fds[i]);
  }
  assay_os_noise_close(w->noise);
}
