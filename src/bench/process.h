/* SPDX-License-Identifier: MIT */
/* What one process measured, and the rules over its samples. Pure. */
#ifndef ASSAY_BENCH_PROCESS_H
#define ASSAY_BENCH_PROCESS_H

#include <assay/bench.h>

/* Frees what the process owns; accepts one that is all zero. */
void assay_bench_process_deinit(assay_bench_process *process);
/* Adds a figure, or replaces the one of that name; false when all places are taken. */
bool assay_bench_process_add(assay_bench_process *process, const char *name, double value, const char *unit, assay_metric_kind kind,
                             assay_better better);
/* NULL when there is none of that name. */
const assay_bench_figure *assay_bench_process_find(const assay_bench_process *process, const char *name);
/* Looks at the samples once they are judged: what drifted while it was measured is not steady, whatever the warm-up said; what the warm-up
 * was too short to test is steady when enough samples agree. */
void assay_bench_confirm_steady(assay_bench_process *process);
/* Turns raw spin times in covariates.spin_ratio into ratios to their median, then sets `marks` and `aside` of all samples. */
void assay_bench_judge_samples(assay_bench_sample *samples, size_t count);

#endif
