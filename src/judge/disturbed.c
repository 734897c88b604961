/* SPDX-License-Identifier: MIT */
/*
 * Only what comes from outside counts: other programs' CPU time, and time that the hypervisor took. Samples that are marked may be the
 * benchmark's own doing: its threads preempt each other where there are more of them than CPUs.
 */
#include "judge/disturbed.h"

#include <math.h>
#include <string.h>

static const double BUSY_SHARE = 0.25, HALF_A_CPU = 0.5; /* of the CPUs */
/*
 * Work that finds a free CPU shares caches, memory and perhaps a core with the others: at most twice as slow. Where they leave it less than
 * it keeps busy it waits for its turn, and how long nobody knows; ten times is taken for more than that explains.
 */
static const double SHARED = 2, WAITED = 10;
/* What came in while a CPU was away is worked off afterwards: by a server that is busy for nine tenths of its time, in nine times as long.
 */
static const double WORKED_OFF = 10;

static double cpus_of(const assay_result *result) {
  for (size_t i = 0; i < result->fact_count; i++) {
    const assay_fact *f = &result->facts[i];
    if (strcmp(f->key, "cpu.threads") == 0 && f->type == ASSAY_FACT_INTEGER && f->integer > 0) return (double)f->integer;
  }
  return NAN;
}

static assay_disturbance by_programs(assay_arena *arena, const assay_covariates *c, double cpus) {
  double wanted = fmin(fmax(1, c->own_cpus), cpus); /* fmax passes over NAN */
  if (!(c->others_cpus >= BUSY_SHARE * cpus)) return (assay_disturbance){0};
  return (assay_disturbance){assay_arena_printf(arena, "other programs kept %.1f of %.0f CPUs busy", c->others_cpus, cpus),
                             .slower = c->others_cpus + wanted >= cpus + HALF_A_CPU ? WAITED : SHARED, .delayed = 1};
}

/*
 * Of stolen time it is known how much there was. Whichever CPUs it was taken from, it holds up the benchmark at most as long: when one
 * thread lost it all, and the others waited for that one. A figure is a median, and no more than half of the samples can have lost more
 * than twice the mean (Markov), so work that lost a share s of its time took 1 / (1 - 2 s) times as long.
 */
static assay_disturbance by_hypervisor(assay_arena *arena, const assay_covariates *c) {
  if (!(c->stolen_cpus > 0)) return (assay_disturbance){0};
  return (assay_disturbance){assay_arena_printf(arena, "the hypervisor took the time of %.3g CPUs", c->stolen_cpus),
                             .slower = 1 / fmax(1 / WAITED, 1 - 2 * c->stolen_cpus), .delayed = fmin(1, WORKED_OFF * c->stolen_cpus)};
}

/* Of both together each slows down what the other has slowed down already. */
assay_disturbance assay_judge_disturbance(assay_arena *arena, const assay_result *result, const assay_benchmark_result *benchmark) {
  assay_disturbance programs = by_programs(arena, &benchmark->covariates, cpus_of(result));
  assay_disturbance hypervisor = by_hypervisor(arena, &benchmark->covariates);
  if (programs.says == NULL && hypervisor.says == NULL) return programs;
  const char *both = programs.says != NULL && hypervisor.says != NULL ? " and " : "";
  return (assay_disturbance){assay_arena_printf(arena, "%s%s%s while it was measured", programs.says != NULL ? programs.says : "", both,
                                                hypervisor.says != NULL ? hypervisor.says : ""),
                             .slower = fmin(WAITED, fmax(1, programs.slower) * fmax(1, hypervisor.slower)),
                             .delayed = fmax(programs.delayed, hypervisor.delayed)};
}
