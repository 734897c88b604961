/* SPDX-License-Identifier: MIT */
/* What is measured on each side of an A/B: a command, or what two benchmark executables list, matched by name. */
#ifndef ASSAY_RUN_AB_SIDES_H
#define ASSAY_RUN_AB_SIDES_H

#include <assay/ab.h>

#include "base/arena.h"

typedef struct assay_ab_listed {
  size_t count;
  assay_bench_case *cases; /* with descriptions that have a name and nothing else */
  const char *executable;  /* absolute */
  const char *program;     /* its name, which is the suite of benchmarks that have no other */
} assay_ab_listed;

/* Asks the executable of a side for its benchmarks. */
assay_status assay_ab_list(assay_arena *arena, const assay_ab_side *side, const char *filter, const volatile int *stop, assay_error *err,
                           assay_ab_listed *listed);
/* From the text of `list --json`. `what` is its name in messages. */
assay_status assay_ab_read_list(assay_arena *arena, const char *json, size_t length, const char *what, assay_error *err,
                                assay_ab_listed *listed);
/* Index of the same benchmark in `other`; SIZE_MAX: none. */
size_t assay_ab_counterpart(const assay_ab_listed *listed, size_t index, const assay_ab_listed *other);

#endif
