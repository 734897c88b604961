/* SPDX-License-Identifier: MIT */
/* What the files of the engine share. Only src/bench/{clock,declare,engine,latency,wire,witness}.c include this. */
#ifndef ASSAY_BENCH_ENGINE_PARTS_H
#define ASSAY_BENCH_ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "bench/allocations.h"
#include "bench/engine.h"
#include "bench/process.h"
#include "os/prim.h"
#include "os/ticks.h"

typedef enum assay_phase { ASSAY_PHASE_CALIBRATE, ASSAY_PHASE_WARM_UP, ASSAY_PHASE_MEASURE, ASSAY_PHASE_DONE } assay_phase;

enum {
  ASSAY_WINDOW_BATCHES = 512, /* room for the batches of one warm-up window */
  ASSAY_SAMPLES_WANTED = 500, /* enough for a p99 with 5 samples beyond it, in 47 KiB a process */
  ASSAY_SAMPLES_MAX = 1024,   /* hard limit: operations that got faster after calibration */
  ASSAY_SAMPLES_MIN = 5,      /* unless they would take three times the time asked for */
  ASSAY_RECENT_OPERATIONS = 1024
};

/* ---- witness.c: what else happened ---- */

typedef struct assay_witness_reading {
  assay_os_usage usage;
  double migrations; /* NaN without a counter; then the CPU number tells */
  int cpu;
  double counters[ASSAY_OS_MIGRATIONS];
  assay_allocations allocations;
} assay_witness_reading;

typedef struct assay_witness {
  int fds[ASSAY_OS_COUNTER_COUNT];
  bool has_counters, has_allocations;
  bool one_thread; /* the CPU number at two ends of a sample is then that of the same thread */
  assay_os_noise_source *noise;
  assay_os_noise noise_before;
  size_t window_first; /* first sample of the noise window */
  double window_ns;    /* measured time in it */
  double spin_before_ns;
  uint64_t looked_at_ns; /* when the noise was read last, and this process's own CPU time then */
  double own_cpu_ns;
  /* totals over all samples */
  double operations, cpu_ns, counters[ASSAY_OS_MIGRATIONS], allocations, allocated_bytes;
} assay_witness;

void assay_witness_open(assay_witness *witness, unsigned threads, assay_bench_process *out);
void assay_witness_start(assay_witness *witness, double ns_per_tick); /* the measuring begins */
void assay_witness_read(const assay_witness *witness, assay_witness_reading *reading);
/* Books a sample that was just appended to `out`; `passes` of the loop body by all threads together, `other_cpu_ns` of the CPU time not its
 * own. */
void assay_witness_book(assay_witness *witness, const assay_witness_reading *before, const assay_witness_reading *after, double passes,
                        double other_cpu_ns, assay_allocations paused, double gross_ns, double ns_per_tick, assay_bench_process *out);
/* Ends the last window and adds the figures. */
void assay_witness_finish(assay_witness *witness, bool paused, assay_bench_process *out);
void assay_witness_close(assay_witness *witness);

/* ---- engine.c ---- */

typedef struct assay_engine assay_engine;

struct assay_bench {
  uint64_t (*step)(assay_bench *b, uint64_t now); /* what assay_bench_next does, given the clock's reading at its entry */
  assay_engine *engine;
  uint64_t start;  /* ticks at the start of the batch or operation */
  uint64_t paused; /* ticks inside pauses since then */
  uint64_t pauses, pause_at;
  uint64_t pause_cpu_at, paused_cpu_ns; /* CPU time inside pauses: a pause may as well have slept */
  assay_allocations paused_allocations, pause_allocations;
  unsigned thread;
  bool entered, met;
  pthread_t handle;
  /* this thread's outcome and declarations */
  assay_outcome outcome;
  char reason[256];
  assay_bench_process declared; /* work of one operation and custom figures; the rest is unused */
  /* latency benchmarks */
  double due, period; /* ticks; schedule of a fixed rate */
  assay_phase seen;
  bool in_flight;
  uint64_t operations; /* in this window */
  /* Since the loop began; thread 0 reads those of all when it ends a window. */
  _Atomic uint64_t all_operations, all_busy, all_paused; /* ticks of service and inside pauses */
  _Atomic uint64_t all_paused_cpu_ns, all_paused_count, all_paused_bytes;
  uint64_t recorded;
  /* This thread's own schedule in the measured part, in ticks: from its start to the end of its last operation's turn. */
  double measured_from, measured_to, measured_off; /* off: inside pauses, and the engine's own time */
  assay_histogram *latency, *service;
  uint32_t *recent; /* response times of the window's last operations, ns */
};

/* What all threads of a latency benchmark did since its loop began. */
typedef struct assay_work_done {
  double operations, busy_ns, paused_ns, paused_cpu_ns;
  assay_allocations paused;
} assay_work_done;

typedef struct assay_warm_up {
  double values[ASSAY_WINDOW_BATCHES];
  size_t count;
  double window_ns, spent_ns; /* time in this window, and in all */
  double previous, previous_error;
  bool has_previous;
} assay_warm_up;

struct assay_engine {
  const assay_bench_case *bench;
  const assay_engine_options *options;
  assay_bench_process *out;
  assay_bench *members; /* one a thread */
  unsigned threads;
  double ns_per_tick, clock_cost_ns, pause_cost_ns, pause_cpu_ns;
  double target_ns; /* of a batch, or of a latency benchmark's window */
  _Atomic int phase;
  uint64_t batch, release;
  uint64_t probe_batch; /* calibration of several threads: the batch before the last, and its time */
  double probe_ns;
  double gross_ns_per_operation; /* of the last batch: with pauses */
  bool begun;
  atomic_bool paused; /* the benchmark uses pauses */
  double measured_ns; /* gross: with pauses */
  assay_warm_up warm_up;
  assay_witness witness;
  assay_witness_reading before;
  uint64_t window_start; /* ticks; latency benchmarks */
  assay_work_done window_before;
  /* the meeting point of the threads */
  atomic_uint arrived, generation;
  atomic_bool abandoned;
};

/* Feeds one value of warm-up; true when steady or at the limit (then out->steady says which). */
bool assay_engine_warm(assay_engine *e, double ns, double gross_ns);
/* Appends a sample that ended at the reading `after`; true when enough was measured. All threads together made `passes` of the loop body;
 * `other_cpu_ns` of CPU time and `paused` allocations were not the benchmark's. */
bool assay_engine_add_sample(assay_engine *e, const assay_witness_reading *after, const assay_bench_sample *sample, double passes,
                             double gross_ns, double other_cpu_ns, assay_allocations paused);
/* Waits for all threads; the last to come runs `lead` before any goes on. */
void assay_engine_meet(assay_engine *e, void (*lead)(assay_engine *e));

/* ---- clock.c ---- */

/* Sets clock_cost_ns, pause_cost_ns, pause_cpu_ns and the process's clock figures. */
void assay_engine_calibrate_clock(assay_engine *e);

/* ---- latency.c ---- */

uint64_t assay_latency_step(assay_bench *b, uint64_t now);
bool assay_latency_prepare(assay_engine *e);
void assay_latency_finish(assay_engine *e);

#endif
