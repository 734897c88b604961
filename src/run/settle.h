/* SPDX-License-Identifier: MIT */
/* Judging a run against another, and measuring again what looks worse or is open. */
#ifndef ASSAY_RUN_SETTLE_H
#define ASSAY_RUN_SETTLE_H

#include <assay/compare.h>

/* How a plan is measured: assay_bench_run, or what a test puts in its place. */
typedef assay_status (*assay_measure)(const assay_bench_plan *plan, const assay_bench_config *config, assay_error *err,
                                      assay_bench_outcomes **outcomes);

typedef struct assay_settle {
  const assay_result *against;
  const assay_compare_config *compare; /* may be NULL */
  double seconds;                      /* for measuring again */
  const assay_bench_plan *plan;
  const assay_bench_config *bench; /* as the first measurement, with callbacks for this one */
  assay_measure measure;
  const assay_ceilings *ceilings;
  assay_bench_outcomes *outcomes; /* grows */
  assay_result *result;           /* of those outcomes; brought up to date */
} assay_settle;

/* Adds processes until everything is decided, time is up or the user stops it; *changes is the last judgement. */
assay_status assay_settle_run(const assay_settle *settle, assay_error *err, assay_changes **changes);

#endif
