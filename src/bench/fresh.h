/* SPDX-License-Identifier: MIT */
/*
 * One fresh process at a time: this executable again, or another that has the same engine in it (another build of it, for `assay ab`).
 * Nothing that a process does or writes can harm the caller. Not thread-safe.
 */
#ifndef ASSAY_BENCH_FRESH_H
#define ASSAY_BENCH_FRESH_H

#include "base/random.h"
#include "bench/wire.h"

typedef struct assay_fresh assay_fresh; /* what all processes of a run share: environment, mark, the preloaded counter */

typedef struct assay_fresh_job {
  assay_request *request; /* ticks_per_ns, shell and preloaded are filled in here */
  const char *executable; /* NULL: this one again */
  const char *directory;  /* where the process runs; NULL: here */
  double timeout_s;       /* of a benchmark's process, or of one execution of a command */
  uint64_t memory_limit_bytes;
  const volatile int *stop; /* may be NULL */
} assay_fresh_job;

/* ASSAY_ERR_UNSUPPORTED when this program cannot be started again. */
assay_status assay_fresh_open(assay_error *err, assay_fresh **fresh);
void assay_fresh_close(assay_fresh *fresh); /* accepts NULL */
/* Seconds since it was opened. */
double assay_fresh_elapsed_s(const assay_fresh *fresh);
uint64_t assay_fresh_started_ns(const assay_fresh *fresh);

/*
 * Runs one process into *process, whose outcome says what became of it; `order` stays as it is. `*understood` (may be NULL) becomes false
 * when the process ended without trouble of its own and yet request or report could not be read: it has another engine, or none.
 * ASSAY_ERR_INTERRUPTED when `stop` was set meanwhile; other errors are those of starting.
 */
assay_status assay_fresh_run(assay_fresh *fresh, assay_random *random, const assay_fresh_job *job, assay_error *err,
                             assay_bench_process *process, bool *understood);

#endif
