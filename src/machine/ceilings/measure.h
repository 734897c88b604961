/* SPDX-License-Identifier: MIT */
/*
 * The measuring core of the ceilings: what is known about the machine, repetitions with their best and median, and a team of pinned threads
 * that start together. (The bench engine sits above this layer: its results are shown against these ceilings.)
 */
#ifndef ASSAY_CEILINGS_MEASURE_H
#define ASSAY_CEILINGS_MEASURE_H

#include <assay/ceilings.h>

#include <stdatomic.h>

#include "machine/ceilings/kernels.h"
#include "machine/ceilings/set.h"

enum { ASSAY_CEILINGS_REPETITIONS_MAX = 256, ASSAY_CEILINGS_CPUS_MAX = 1024 };

/* How hard to look, and where. One run owns it; read-only while a team runs. */
typedef struct assay_ceilings_run {
  assay_ceilings *set; /* where the rows go */
  bool quick;
  unsigned repetitions; /* of a cache level or compute kernel */
  uint64_t slice_ns;    /* how long one of those repetitions lasts at least */
  unsigned passes;      /* repetitions over a memory-sized set */
  uint32_t isa;
  unsigned threads;                       /* see assay_ceilings_threads */
  unsigned cpus[ASSAY_CEILINGS_CPUS_MAX]; /* one hardware thread per core first */
  bool pins;                              /* whether threads can be pinned */
  unsigned other_core;                    /* a CPU that shares no core with cpus[0] */
  const char *no_other_core;              /* why there is none; NULL when there is */
  uint64_t (*ticks)(void);                /* the clock, and what is timed by it: tests put others in their place, of known speed */
  double ticks_per_ns;
  const assay_stream_variant *streams;
  const assay_flops_variant *flops;
  void *(*chase)(void *start, size_t steps);
  uint64_t memory_limit_bytes; /* most that a measurement may allocate at once */
  uint64_t level_bytes[4];     /* [1] L1d of one core, [2] L2, [3] L3 of one core's group; 0 when there is none */
  uint64_t last_level_bytes;   /* of the whole machine: all last-level caches together */
} assay_ceilings_run;

/* Fills all but `set` from facts, and from the system where there are none. */
void assay_ceilings_run_init(assay_ceilings_run *run, const assay_machine *machine, bool quick);

/* How many threads "all" are: the CPUs that this process may use, and no more than its CPU quota can keep busy. */
unsigned assay_ceilings_threads(const assay_machine *machine);

/* Bytes of a set that lives in cache `level`; 0 when there is none. Half of a core's own L1 and L2, so that it stays there beside
 * everything else. Of a shared L3 an eighth, but at least four times the L2 inside: neighbours (of a virtual machine too) use the rest. */
uint64_t assay_ceilings_level_set(const assay_ceilings_run *run, unsigned level);

/* Repetitions of one figure, all above 0. */
typedef struct assay_samples {
  double values[ASSAY_CEILINGS_REPETITIONS_MAX];
  unsigned count;
} assay_samples;

void assay_samples_add(assay_samples *samples, double value);
/* Best by direction, median, and (max - min) / median into `row`, which becomes available; none at all makes it unavailable. How far the
 * third best is from the best goes to the set's gap_ratio: a limit that was reached once only may be a slip of the clock, or still not the
 * limit. */
void assay_samples_finish(const assay_ceilings_run *run, const assay_samples *samples, assay_ceiling *row);
/* Whether `a` has the better best. */
bool assay_samples_better(const assay_samples *a, const assay_samples *b, assay_better better);

/* A barrier that spins, then yields: it also works where there are fewer CPUs than threads. */
typedef struct assay_barrier {
  atomic_uint waiting, generation;
  unsigned parties;
} assay_barrier;

void assay_barrier_wait(assay_barrier *barrier);

/* Runs `work(user, index)` in `threads` new threads, thread i pinned to cpus[i] where it can be, and waits for all. Work that cannot be
 * started in full is not started. */
assay_status assay_ceilings_team(const assay_ceilings_run *run, unsigned threads, void (*work)(void *user, unsigned index), void *user,
                                 assay_error *err);

/* Page-aligned memory in huge pages where the system grants them; NULL when there is none. Zeroed, not yet touched. */
void *assay_ceilings_map(size_t bytes);
void assay_ceilings_unmap(void *memory, size_t bytes);

#endif
