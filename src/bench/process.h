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
/* Turns raw spin times in covariates.spin_ratio into ratios to their median, then sets `marks` and `aside` of all samples. */
void assay_bench_judge_samples(assay_bench_sample *samples, size_t count);

#endif
