/* SPDX-License-Identifier: MIT */
/*
 * What the runner and a fresh process say to each other over their channel: one request one way, one report the other way. Both ends are
 * the same executable, or one that was built with the same wire format, so numbers go as they lie in memory; but a benchmark may have
 * written anything into the channel, so the reader checks the frame, every count, every enum and every length. Pure.
 */
#ifndef ASSAY_BENCH_WIRE_H
#define ASSAY_BENCH_WIRE_H

#include <assay/bench.h>

#include "base/arena.h"
#include "base/buf.h"

enum { ASSAY_WIRE_LIMIT = 8 << 20 }; /* bytes of one message */

typedef struct assay_request {
  double time_s, warmup_s, ticks_per_ns;
  double timeout_s; /* of one execution of a command; the runner holds a benchmark's process to it */
  uint64_t seed;
  const char *suite, *name; /* of the benchmark, without parameters; name NULL for a command */
  size_t param_count;
  struct {
    const char *name, *value;
  } params[ASSAY_BENCH_MAX_PARAMS];
  const char *command, *shell, *prepare; /* assay time; `shell` "" runs the words directly; `prepare` may be NULL */
  unsigned warmups;                      /* runs of the command before the timing */
  bool ignore_failure;                   /* the command may end with any exit code */
  bool preloaded;                        /* the first entry of LD_PRELOAD is ours and is to be taken out again */
} assay_request;

/* Appends one message. */
void assay_wire_put_request(assay_buf *out, const assay_request *request);
void assay_wire_put_report(assay_buf *out, const assay_bench_process *process);

/* Texts are copied into the arena. */
assay_status assay_wire_get_request(const void *data, size_t length, assay_arena *arena, assay_error *err, assay_request *request);
/* Fills what the fresh process knows and leaves the rest of *process (order, times, padding) as it is. On failure nothing is changed. */
assay_status assay_wire_get_report(const void *data, size_t length, assay_error *err, assay_bench_process *process);

#endif
