/* SPDX-License-Identifier: MIT */
/*
 * Runs one benchmark function in this process: calibration, warm-up, samples with their covariates. docs/bench-engine.md explains each
 * step. One engine at a time in a process.
 */
#ifndef ASSAY_BENCH_ENGINE_H
#define ASSAY_BENCH_ENGINE_H

#include <assay/bench.h>

typedef struct assay_engine_options {
  double time_s, warmup_s;
  uint64_t seed;
  /* Called when the benchmark asked for what is not there and can therefore not go on; must not return. NULL: it goes on, and is reported
   * failed. */
  void (*give_up)(assay_bench_process *process, void *user);
  void *user;
} assay_engine_options;

/* Fills `process`, which must be zero; its outcome says what became of it. Free with assay_bench_process_deinit. */
void assay_engine_run(const assay_bench_case *bench, const assay_engine_options *options, assay_bench_process *process);

#endif
