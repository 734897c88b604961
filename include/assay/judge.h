/* SPDX-License-Identifier: MIT */
/*
 * assay/judge.h: what the figures mean: limits kept or missed (SLAs), recommendations, and whether something became slower than before.
 *
 *     assay_slas *slas = NULL;
 *     assay_slas_load(NULL, &err, &slas);                 // the shipped ones
 *     assay_slas_apply(slas, result, &err);               // fills result->slas
 *     assay_recommend(result, &err);                      // fills result->recommendations
 */
#ifndef ASSAY_JUDGE_H
#define ASSAY_JUDGE_H

#include <assay/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_slas assay_slas;

/*
 * SLAs are TOML (docs/slas.md):
 *     [[sla]]
 *     name = "Memory allocation"
 *     description = "1 GB allocation"
 *     benchmark = "performance/alloc_1g*"   # glob over "suite/name"
 *     metric = "time"                       # default: the benchmark's main metric
 *     max = "10 ms"                         # or min = "50K/s"
 * `path` is a file or a directory of *.toml; NULL: the shipped profiles/slas. An SLA of a name that is there already takes its place.
 */
ASSAY_API assay_status assay_slas_load(const char *path, assay_error *err, assay_slas **slas);
ASSAY_API assay_status assay_slas_add_file(assay_slas *slas, const char *path, assay_error *err);
ASSAY_API void assay_slas_destroy(assay_slas *slas); /* accepts NULL */
/*
 * Replaces result->slas: met or missed when the whole 95 % interval lies on one side of the limit, inconclusive when it holds the limit (of
 * several benchmarks the worst verdict counts, then the worst figure), or not applicable with the reason (no such workload, it failed,
 * ...).
 */
ASSAY_API assay_status assay_slas_apply(const assay_slas *slas, assay_result *result, assay_error *err);

/* Replaces result->recommendations; each names the figure it rests on. */
ASSAY_API assay_status assay_recommend(assay_result *result, assay_error *err);

typedef enum assay_verdict {
  ASSAY_VERDICT_SAME,
  ASSAY_VERDICT_BETTER,
  ASSAY_VERDICT_WORSE,
  ASSAY_VERDICT_INCONCLUSIVE,
  ASSAY_VERDICT_MISSING,
  ASSAY_VERDICT_NEW
} assay_verdict;

typedef struct assay_change {
  const char *suite, *benchmark, *metric, *unit; /* borrowed from the results */
  bool is_main;                                  /* the benchmark's main metric; each benchmark has one such change */
  assay_metric_kind kind;
  assay_better better;
  assay_verdict verdict;
  double before, after;   /* geometric means over processes (error rates: means); NaN on the side where there is no figure */
  double change_ratio;    /* (after - before) / before; error rates: after - before, in points */
  double ci_low, ci_high; /* 95 % of change_ratio; NaN, like all below, where a side has fewer than two processes */
  double p_value;         /* of "no change", two-sided, adjusted for the number of comparisons (Benjamini and Hochberg) */
  /* Of this kind of metric: time 5 %, throughput 10 %, latency 20 %, accuracy 2 %, error rate 1 point, others 5 or 10 %. */
  double threshold;
  double detectable; /* the smallest change_ratio that this many processes find in four of five cases (power 80 %) */
} assay_change;

typedef struct assay_changes {
  assay_change *items;
  size_t count;
} assay_changes;

/*
 * Compares the metrics of each benchmark that was ok, the process as the unit (Welch's t over the logarithms of process values,
 * Benjamini-Hochberg over all of them): the main one always; of the others (latency percentiles, memory, allocations, accuracy, the
 * benchmark's own, ...; not what follows from the time) those that became worse or better. WORSE or BETTER: the interval lies beyond the
 * threshold of the kind of metric and the p-value is at most 0.05; SAME: the interval lies within the thresholds; INCONCLUSIVE: it holds
 * one of them, so more must be measured. MISSING and NEW: only one side has a figure. The results must outlive the changes.
 */
ASSAY_API assay_status assay_compare(const assay_result *before, const assay_result *after, assay_error *err, assay_changes **changes);
ASSAY_API void assay_changes_destroy(assay_changes *changes); /* accepts NULL */
ASSAY_API const char *assay_verdict_text(assay_verdict verdict);

#ifdef __cplusplus
}
#endif
#endif
