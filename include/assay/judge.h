/* SPDX-License-Identifier: MIT */
/*
 * assay/judge.h: what the figures of one run mean: limits kept or missed (SLAs), and recommendations. (Two runs: <assay/compare.h>.)
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

#ifdef __cplusplus
}
#endif
#endif
