/* SPDX-License-Identifier: MIT */
/* Expands the values of a parameter ("1,2", "1k..1M*10", "f32,f64"; the grammar is in <assay/bench.h>). Pure. */
#ifndef ASSAY_BENCH_SWEEP_H
#define ASSAY_BENCH_SWEEP_H

#include "base/arena.h"

enum { ASSAY_SWEEP_LIMIT = 100000 };

typedef struct assay_sweep {
  const char **values; /* in the arena; numbers in plain decimal */
  size_t count;
} assay_sweep;

/* `name` is only for messages. `cpus` is what the word "cpus" stands for. */
assay_status assay_sweep_expand(assay_arena *arena, const char *name, const char *text, unsigned cpus, assay_error *err,
                                assay_sweep *sweep);

#endif
