/* SPDX-License-Identifier: MIT */
#ifndef ASSAY_BENCH_PLAN_H
#define ASSAY_BENCH_PLAN_H

#include <assay/bench.h>

#include "base/arena.h"

struct assay_bench_plan {
  assay_arena arena;
  assay_bench_case *cases; /* in the arena */
  size_t count, capacity;
};

/* The parameter "threads" of a case; 1 where it has none. */
unsigned assay_case_threads(const assay_bench_case *bench);

#endif
