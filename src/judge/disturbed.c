/* SPDX-License-Identifier: MIT */
/*
 * Only what comes from outside counts: other programs' CPU time, and time that the hypervisor took. Samples that are marked for other
 * reasons may be the benchmark's own doing: its threads preempt each other where there are more of them than CPUs.
 */
#include "judge/disturbed.h"

#include <math.h>
#include <string.h>

static const double BUSY_SHARE = 0.25, STOLEN_SAMPLES = 0.1, HALF_A_CPU = 0.5; /* of the CPUs; of the samples */

static double cpus_of(const assay_result *result) {
  for (size_t i = 0; i < result->fact_count; i++) {
    const assay_fact *f = &result->facts[i];
    if (strcmp(f->key, "cpu.threads") == 0 && f->type == ASSAY_FACT_INTEGER && f->integer > 0) return (double)f->integer;
  }
  return NAN;
}

assay_disturbance assay_judge_disturbance(assay_arena *arena, const assay_result *result, const assay_benchmark_result *benchmark) {
  const assay_covariates *c = &benchmark->covariates;
  double cpus = cpus_of(result), wanted = fmin(fmax(1, c->own_cpus), cpus); /* fmax passes over NAN */
  if (c->others_cpus >= BUSY_SHARE * cpus)
    return (assay_disturbance){
        assay_arena_printf(arena, "other programs kept %.1f of %.0f CPUs busy while it was measured", c->others_cpus, cpus),
        .waited = c->others_cpus + wanted >= cpus + HALF_A_CPU};
  if (c->steal_ms > 0 && benchmark->disturbed_ratio >= STOLEN_SAMPLES)
    return (assay_disturbance){
        assay_arena_printf(arena, "the hypervisor took CPU time, and %.0f %% of the samples are marked", 100 * benchmark->disturbed_ratio),
        .waited = true};
  return (assay_disturbance){0};
}
