/* SPDX-License-Identifier: MIT */
/* One function a kind of ceiling. Each measures one row: it fills value, typical, spread, detail or cause of `row`, whose name, unit and
 * direction stand. */
#ifndef ASSAY_CEILINGS_PROBES_H
#define ASSAY_CEILINGS_PROBES_H

#include "machine/ceilings/kernels.h"
#include "machine/ceilings/measure.h"

/* What a row measures; each probe reads its own part. */
typedef struct assay_probe_args {
  unsigned level;   /* 1..3, 4 is memory */
  unsigned threads; /* 0: all */
  assay_stream_op op;
  const char *type, *shape; /* flops */
} assay_probe_args;

enum { ASSAY_LEVEL_MEMORY = 4 };

typedef void (*assay_probe)(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);

void assay_probe_bandwidth(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_latency(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_flops(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);

void assay_probe_syscall(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_context_switch(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_wakeup_same_core(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_wakeup_cross_core(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_thread_start(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_page_fault(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_alloc_untouched(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_alloc_touched(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_fsync(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_clock_cost(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);
void assay_probe_clock_resolution(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row);

/* `row->detail` and `row->cause` from a format, kept in the set's arena. */
void assay_probe_detail(const assay_ceilings_run *run, assay_ceiling *row, const char *format, ...) ASSAY_PRINTF(3, 4);
void assay_probe_unavailable(const assay_ceilings_run *run, assay_ceiling *row, const char *format, ...) ASSAY_PRINTF(3, 4);

#endif
